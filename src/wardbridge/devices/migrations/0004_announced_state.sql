-- A machine may be announced while it is in the workshop or retired: the admission that it gets when first heard.
ALTER TABLE device_expected ADD COLUMN state text NOT NULL DEFAULT 'accepted';
