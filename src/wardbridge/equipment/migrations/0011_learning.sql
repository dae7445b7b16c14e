-- Knowledge in common, onboarding paths, cross-training, competence. Times are µs since 1970-01-01T00:00:00Z.

-- A page: what people read is the version "published"; "latest" is what is being written or reviewed.
CREATE TABLE knowledge_page (
    page_id     text PRIMARY KEY,
    slug        text COLLATE "C" NOT NULL UNIQUE,
    kind        text NOT NULL CHECK (kind IN ('concept', 'procedure', 'lesson', 'fault-guide')),
    state       text NOT NULL CHECK (state IN ('draft', 'review', 'published', 'retired')),
    latest      int NOT NULL,
    published   int,
    review_months int NOT NULL DEFAULT 12 CHECK (review_months BETWEEN 1 AND 60),
    review_due  bigint,
    example     boolean NOT NULL DEFAULT false,
    created     bigint NOT NULL,
    changed     bigint NOT NULL
);
CREATE INDEX knowledge_page_due ON knowledge_page (review_due) WHERE state = 'published';
SELECT account_for('knowledge_page', 'page_id');

-- Never changed: who wrote what. "plain" is the body without Markdown signs, for search and highlights.
CREATE TABLE knowledge_version (
    page_id     text NOT NULL REFERENCES knowledge_page,
    version     int NOT NULL,
    title       text NOT NULL,
    summary     text NOT NULL DEFAULT '',
    keywords    text NOT NULL DEFAULT '',
    audiences   text[] NOT NULL,
    body        text NOT NULL,
    plain       text NOT NULL,
    questions   jsonb NOT NULL DEFAULT '[]',
    pass_percent int NOT NULL DEFAULT 80 CHECK (pass_percent BETWEEN 1 AND 100),
    author      text NOT NULL,
    display     text NOT NULL,
    side        text NOT NULL,
    at          bigint NOT NULL,
    note        text NOT NULL DEFAULT '',
    words       tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector('simple', regexp_replace(title || ' ' || keywords, '[^[:alnum:]]+', ' ', 'g')), 'A')
        || setweight(to_tsvector('simple', regexp_replace(summary, '[^[:alnum:]]+', ' ', 'g')), 'B')
        || to_tsvector('simple', regexp_replace(plain, '[^[:alnum:]]+', ' ', 'g'))) STORED,
    PRIMARY KEY (page_id, version)
);
CREATE INDEX knowledge_version_words ON knowledge_version USING gin (words);
SELECT account_for('knowledge_version', 'page_id', 'version');

-- The life of a page: written, proposed, published, returned, confirmed (still right), retired.
CREATE TABLE knowledge_step (
    step_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    page_id     text NOT NULL REFERENCES knowledge_page,
    version     int NOT NULL,
    step        text NOT NULL,
    person_id   text NOT NULL,
    display     text NOT NULL,
    side        text NOT NULL,
    at          bigint NOT NULL,
    note        text NOT NULL DEFAULT ''
);
CREATE INDEX knowledge_step_page ON knowledge_step (page_id, step_id);
CREATE INDEX knowledge_step_person ON knowledge_step (person_id, at);
SELECT account_for('knowledge_step', 'step_id');

-- What a page is about, so that a machine, a fault or a work order finds it.
CREATE TABLE knowledge_link (
    page_id     text NOT NULL REFERENCES knowledge_page,
    kind        text NOT NULL CHECK (kind IN ('device-kind', 'device-class', 'model', 'fault', 'runbook', 'term')),
    target      text NOT NULL,
    PRIMARY KEY (page_id, kind, target)
);
CREATE INDEX knowledge_link_target ON knowledge_link (kind, lower(target));
SELECT account_for('knowledge_link', 'page_id', 'kind', 'target');

CREATE TABLE knowledge_question (
    question_id text PRIMARY KEY,
    page_id     text NOT NULL REFERENCES knowledge_page,
    person_id   text NOT NULL,
    display     text NOT NULL,
    at          bigint NOT NULL,
    text        text NOT NULL,
    answer      text NOT NULL DEFAULT '',
    answered_by text NOT NULL DEFAULT '',
    answered_display text NOT NULL DEFAULT '',
    answered_at bigint
);
CREATE INDEX knowledge_question_page ON knowledge_question (page_id, at);
CREATE INDEX knowledge_question_open ON knowledge_question (at) WHERE answered_at IS NULL;
SELECT account_for('knowledge_question', 'question_id');

CREATE TABLE knowledge_vote (
    page_id     text NOT NULL REFERENCES knowledge_page,
    person_id   text NOT NULL,
    helpful     boolean NOT NULL,
    at          bigint NOT NULL,
    PRIMARY KEY (page_id, person_id)
);
SELECT account_for('knowledge_vote', 'page_id', 'person_id');

-- Searches that found nothing: what should be written next. Counted by Wardbridge itself, without who asked.
CREATE TABLE knowledge_miss (
    words       text PRIMARY KEY,
    asked       int NOT NULL,
    last        bigint NOT NULL
);
SELECT account_for('knowledge_miss', 'words');

CREATE TABLE quiz_attempt (
    attempt_id  text PRIMARY KEY,
    page_id     text NOT NULL,
    version     int NOT NULL,
    person_id   text NOT NULL,
    at          bigint NOT NULL,
    correct     int NOT NULL,
    asked       int NOT NULL,
    passed      boolean NOT NULL
);
CREATE INDEX quiz_attempt_person ON quiz_attempt (person_id, page_id, at);
SELECT account_for('quiz_attempt', 'attempt_id');

-- What a new colleague learns in their first weeks: items as data, [{kind, target, title, days, sign}].
CREATE TABLE learning_path (
    path_id     text PRIMARY KEY,
    title       text NOT NULL,
    role        text NOT NULL DEFAULT '',
    department  text NOT NULL DEFAULT '',
    note        text NOT NULL DEFAULT '',
    items       jsonb NOT NULL,
    version     int NOT NULL DEFAULT 1,
    retired     boolean NOT NULL DEFAULT false,
    example     boolean NOT NULL DEFAULT false
);
SELECT account_for('learning_path', 'path_id');

CREATE TABLE learning_start (
    start_id    text PRIMARY KEY,
    path_id     text NOT NULL REFERENCES learning_path,
    title       text NOT NULL,
    person_id   text NOT NULL,
    display     text NOT NULL,
    mentor_id   text NOT NULL,
    mentor      text NOT NULL,
    started     bigint NOT NULL,
    ended       bigint,
    CHECK (mentor_id <> person_id)
);
CREATE INDEX learning_start_person ON learning_start (person_id);
CREATE INDEX learning_start_mentor ON learning_start (mentor_id);
SELECT account_for('learning_start', 'start_id');

CREATE TABLE learning_item (
    start_id    text NOT NULL REFERENCES learning_start,
    position    int NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('page', 'term', 'procedure', 'training', 'access')),
    target      text NOT NULL DEFAULT '',
    title       text NOT NULL,
    due         bigint NOT NULL,
    sign        text NOT NULL CHECK (sign IN ('mentor', 'quiz')),
    done_at     bigint,
    done_by     text NOT NULL DEFAULT '',
    done_display text NOT NULL DEFAULT '',
    note        text NOT NULL DEFAULT '',
    PRIMARY KEY (start_id, position)
);
CREATE INDEX learning_item_due ON learning_item (due) WHERE done_at IS NULL;
SELECT account_for('learning_item', 'start_id', 'position');

-- A competence: what one can be signed off for. months: how long a record holds, NULL for good.
CREATE TABLE competence (
    code        text PRIMARY KEY,
    title       text NOT NULL,
    months      int CHECK (months > 0),
    note        text NOT NULL DEFAULT ''
);
SELECT account_for('competence', 'code');

-- Who needs it: people of these roles, for machines of this kind or class, or whatever they do.
CREATE TABLE competence_rule (
    rule_id     text PRIMARY KEY,
    code        text NOT NULL REFERENCES competence,
    roles       text[] NOT NULL,
    scope       text NOT NULL CHECK (scope IN ('kind', 'class', 'all')),
    target      text NOT NULL DEFAULT '',
    CHECK ((scope = 'all') = (target = ''))
);
SELECT account_for('competence_rule', 'rule_id');

CREATE TABLE competence_record (
    record_id   text PRIMARY KEY,
    person_id   text NOT NULL,
    display     text NOT NULL,
    code        text NOT NULL REFERENCES competence,
    assessed_by text NOT NULL,
    assessor    text NOT NULL,
    at          bigint NOT NULL,
    expires     bigint,
    evidence    text NOT NULL DEFAULT '',
    revoked     bigint,
    revoked_why text NOT NULL DEFAULT '',
    UNIQUE (person_id, code, at),
    CHECK (assessed_by <> person_id)
);
CREATE INDEX competence_record_code ON competence_record (code, person_id, expires);
SELECT account_for('competence_record', 'record_id');

-- A session in which one department teaches another.
CREATE TABLE training (
    training_id text PRIMARY KEY,
    topic       text NOT NULL,
    about       text NOT NULL DEFAULT '',
    department  text NOT NULL,
    audiences   text[] NOT NULL,
    at          bigint NOT NULL,
    minutes     int NOT NULL CHECK (minutes BETWEEN 5 AND 1440),
    place       text NOT NULL DEFAULT '',
    seats       int NOT NULL CHECK (seats BETWEEN 1 AND 1000),
    state       text NOT NULL CHECK (state IN ('planned', 'held', 'cancelled')),
    code        text REFERENCES competence,
    page        text NOT NULL DEFAULT '',
    created_by  text NOT NULL
);
CREATE INDEX training_at ON training (at);
SELECT account_for('training', 'training_id');

CREATE TABLE training_teacher (
    training_id text NOT NULL REFERENCES training,
    person_id   text NOT NULL,
    display     text NOT NULL,
    PRIMARY KEY (training_id, person_id)
);
CREATE INDEX training_teacher_person ON training_teacher (person_id);
SELECT account_for('training_teacher', 'training_id', 'person_id');

CREATE TABLE training_seat (
    training_id text NOT NULL REFERENCES training,
    person_id   text NOT NULL,
    display     text NOT NULL,
    signed_up   bigint NOT NULL,
    attended    boolean,
    rating      int CHECK (rating BETWEEN 1 AND 5),
    feedback    text NOT NULL DEFAULT '',
    PRIMARY KEY (training_id, person_id)
);
CREATE INDEX training_seat_person ON training_seat (person_id);
SELECT account_for('training_seat', 'training_id', 'person_id');

CREATE TABLE thanks (
    thanks_id   text PRIMARY KEY,
    person_id   text NOT NULL,
    display     text NOT NULL,
    by_id       text NOT NULL,
    by_display  text NOT NULL,
    at          bigint NOT NULL,
    text        text NOT NULL,
    CHECK (by_id <> person_id)
);
CREATE INDEX thanks_at ON thanks (at);
SELECT account_for('thanks', 'thanks_id');
