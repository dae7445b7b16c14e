-- The message search goes by time: the newest of an hour must not cost a walk through the day.
CREATE INDEX intake_received ON intake (received, sequence);
CREATE INDEX outbound_created ON outbound_message (created, id);
