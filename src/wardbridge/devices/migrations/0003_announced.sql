-- A machine that the register knows keeps the identity that it has there when it is first heard on the wire.
ALTER TABLE device_expected ADD COLUMN as_device text NOT NULL DEFAULT '';
CREATE INDEX device_expected_as ON device_expected (as_device) WHERE as_device <> '';
