-- Views of the fleet list that people keep for themselves or share.
CREATE TABLE saved_view (
    view_id   text PRIMARY KEY,
    person_id text NOT NULL,
    display   text NOT NULL,
    name      text NOT NULL,
    query     text NOT NULL,
    shared    boolean NOT NULL DEFAULT false,
    created   bigint NOT NULL
);
CREATE UNIQUE INDEX saved_view_name ON saved_view (person_id, lower(name));
CREATE INDEX saved_view_shared ON saved_view (name) WHERE shared;
SELECT account_for('saved_view', 'view_id');
