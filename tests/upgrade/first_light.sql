CREATE FUNCTION public.audit_event_is_append_only() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('wardbridge.audit_retention', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit_event is append-only';
END $$;
CREATE TABLE public.adt_event (
    event_id bigint NOT NULL,
    sequence bigint NOT NULL,
    kind text NOT NULL,
    patient_id text NOT NULL,
    visit text DEFAULT ''::text NOT NULL,
    occurred bigint NOT NULL,
    recorded bigint NOT NULL,
    place_id text
);
ALTER TABLE public.adt_event ALTER COLUMN event_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.adt_event_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.alarm (
    alarm_id bigint NOT NULL,
    origin text NOT NULL,
    key text NOT NULL,
    device_id text DEFAULT ''::text NOT NULL,
    patient_id text DEFAULT ''::text NOT NULL,
    place_id text DEFAULT ''::text NOT NULL,
    slot text DEFAULT ''::text NOT NULL,
    channel text DEFAULT ''::text NOT NULL,
    code bigint DEFAULT 0 NOT NULL,
    text text NOT NULL,
    value text DEFAULT ''::text NOT NULL,
    limit_text text DEFAULT ''::text NOT NULL,
    priority text NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    inactivation text[] DEFAULT '{}'::text[] NOT NULL,
    since bigint NOT NULL,
    last bigint NOT NULL,
    heard bigint DEFAULT 0 NOT NULL,
    ended bigint,
    acknowledged_by text DEFAULT ''::text NOT NULL,
    acknowledged_at bigint DEFAULT 0 NOT NULL,
    CONSTRAINT alarm_kind_check CHECK ((kind = ANY (ARRAY['physiological'::text, 'technical'::text, 'advisory'::text]))),
    CONSTRAINT alarm_origin_check CHECK ((origin = ANY (ARRAY['device'::text, 'limit'::text, 'score'::text, 'link'::text]))),
    CONSTRAINT alarm_priority_check CHECK ((priority = ANY (ARRAY['high'::text, 'medium'::text, 'low'::text, 'info'::text]))),
    CONSTRAINT alarm_state_check CHECK ((state = ANY (ARRAY['active'::text, 'latched'::text, 'inactive'::text])))
);
ALTER TABLE public.alarm ALTER COLUMN alarm_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.alarm_alarm_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.alarm_cursor (
    name text NOT NULL,
    mark text NOT NULL
);
CREATE TABLE public.alarm_event (
    sequence bigint NOT NULL,
    alarm_id bigint NOT NULL,
    event_id text NOT NULL,
    at bigint NOT NULL,
    phase text NOT NULL,
    priority text NOT NULL,
    state text NOT NULL,
    by text DEFAULT ''::text NOT NULL
);
ALTER TABLE public.alarm_event ALTER COLUMN sequence ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.alarm_event_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.alarm_heartbeat (
    sole boolean DEFAULT true NOT NULL,
    at bigint NOT NULL,
    CONSTRAINT alarm_heartbeat_sole_check CHECK (sole)
);
CREATE TABLE public.alarm_limit (
    scope text NOT NULL,
    slot text NOT NULL,
    low double precision,
    high double precision,
    priority text NOT NULL,
    delay_seconds integer NOT NULL,
    by text NOT NULL,
    at bigint NOT NULL,
    CONSTRAINT alarm_limit_delay_seconds_check CHECK (((delay_seconds >= 0) AND (delay_seconds <= 600))),
    CONSTRAINT alarm_limit_priority_check CHECK ((priority = ANY (ARRAY['high'::text, 'medium'::text, 'low'::text])))
);
CREATE TABLE public.audit_event (
    sequence bigint NOT NULL,
    audit_id uuid NOT NULL,
    at bigint NOT NULL,
    actor text NOT NULL,
    actor_kind text NOT NULL,
    display text NOT NULL,
    roles text[] NOT NULL,
    action "char" NOT NULL,
    event text NOT NULL,
    target_type text NOT NULL,
    target_id text NOT NULL,
    patients text[] NOT NULL,
    outcome smallint NOT NULL,
    reason text NOT NULL,
    query text NOT NULL,
    address text NOT NULL
);
ALTER TABLE public.audit_event ALTER COLUMN sequence ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_event_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.bed_standby (
    place_id text NOT NULL,
    since bigint NOT NULL,
    by text NOT NULL
);
CREATE TABLE public.binding (
    binding_id bigint NOT NULL,
    device_id text NOT NULL,
    start bigint NOT NULL,
    stop bigint,
    patient_id text,
    visit text DEFAULT ''::text NOT NULL,
    place_id text,
    source text DEFAULT ''::text NOT NULL,
    by text DEFAULT ''::text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    conflict text DEFAULT ''::text NOT NULL,
    others text[] DEFAULT '{}'::text[] NOT NULL
);
ALTER TABLE public.binding ALTER COLUMN binding_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.binding_binding_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.bound_patient (
    patient_id text NOT NULL,
    family text DEFAULT ''::text NOT NULL,
    given text DEFAULT ''::text NOT NULL,
    birth_date text DEFAULT ''::text NOT NULL,
    sex text DEFAULT ''::text NOT NULL,
    mrn text DEFAULT ''::text NOT NULL,
    recorded bigint DEFAULT 0 NOT NULL,
    replaced_by text DEFAULT ''::text NOT NULL
);
CREATE TABLE public.channel (
    channel_id integer NOT NULL,
    device_id text NOT NULL,
    key text NOT NULL,
    kind text NOT NULL,
    code bigint NOT NULL,
    refid text NOT NULL,
    system text NOT NULL,
    unit text NOT NULL,
    ucum text NOT NULL,
    label text NOT NULL,
    CONSTRAINT channel_kind_check CHECK ((kind = ANY (ARRAY['numeric'::text, 'wave'::text, 'text'::text])))
);
ALTER TABLE public.channel ALTER COLUMN channel_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.channel_channel_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.chart_point (
    point_id bigint NOT NULL,
    device_id text NOT NULL,
    channel text NOT NULL,
    slot bigint NOT NULL,
    "time" bigint NOT NULL,
    reason text NOT NULL,
    content jsonb NOT NULL,
    observation_id text,
    patient_id text,
    visit text DEFAULT ''::text NOT NULL,
    verified_by text DEFAULT ''::text NOT NULL,
    verified_at bigint DEFAULT 0 NOT NULL,
    withdrawn boolean DEFAULT false NOT NULL
);
ALTER TABLE public.chart_point ALTER COLUMN point_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.chart_point_point_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.charted (
    observation_id text NOT NULL,
    point_id bigint NOT NULL,
    patient_id text NOT NULL,
    issued bigint NOT NULL,
    voided bigint
);
CREATE TABLE public.device (
    device_id text NOT NULL,
    key text NOT NULL,
    parent_id text,
    link text DEFAULT ''::text NOT NULL,
    state text NOT NULL,
    identity jsonb DEFAULT '{}'::jsonb NOT NULL,
    label text DEFAULT ''::text NOT NULL,
    said jsonb DEFAULT '[]'::jsonb NOT NULL,
    first_seen bigint NOT NULL,
    fhir_version text DEFAULT ''::text NOT NULL,
    epoch bigint DEFAULT 0 NOT NULL,
    CONSTRAINT device_state_check CHECK ((state = ANY (ARRAY['unknown'::text, 'accepted'::text, 'quarantined'::text, 'workshop'::text, 'retired'::text])))
);
CREATE TABLE public.device_epoch (
    sole boolean DEFAULT true NOT NULL,
    epoch bigint NOT NULL,
    CONSTRAINT device_epoch_sole_check CHECK (sole)
);
CREATE SEQUENCE public.device_epoch_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE public.device_expected (
    expected_id bigint NOT NULL,
    key text DEFAULT ''::text NOT NULL,
    manufacturer text DEFAULT ''::text NOT NULL,
    model text DEFAULT ''::text NOT NULL,
    serial text DEFAULT ''::text NOT NULL,
    label text DEFAULT ''::text NOT NULL,
    place_id text DEFAULT ''::text NOT NULL,
    by text NOT NULL,
    at bigint NOT NULL,
    device_id text
);
ALTER TABLE public.device_expected ALTER COLUMN expected_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.device_expected_expected_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.device_mode (
    device_id text NOT NULL,
    start bigint NOT NULL,
    state text NOT NULL,
    by text NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE public.device_place (
    device_id text NOT NULL,
    start bigint NOT NULL,
    place_id text,
    source text NOT NULL,
    by text DEFAULT ''::text NOT NULL,
    at bigint NOT NULL,
    CONSTRAINT device_place_source_check CHECK ((source = ANY (ARRAY['hand'::text, 'list'::text, 'wire'::text])))
);
CREATE TABLE public.device_state (
    device_id text NOT NULL,
    link text DEFAULT ''::text NOT NULL,
    last_seen bigint DEFAULT 0 NOT NULL,
    last_device_time bigint DEFAULT 0 NOT NULL,
    clock_offset_us bigint,
    battery integer,
    connected boolean DEFAULT true NOT NULL,
    standby boolean DEFAULT false NOT NULL,
    place_said text DEFAULT ''::text NOT NULL,
    messages bigint DEFAULT 0 NOT NULL,
    unmapped bigint DEFAULT 0 NOT NULL,
    problems bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='50');
CREATE TABLE public.device_subject (
    device_id text NOT NULL,
    start bigint NOT NULL,
    ids text[] NOT NULL
);
CREATE TABLE public.feed_cursor (
    name text NOT NULL,
    mark text NOT NULL
);
CREATE TABLE public.fhir_composite (
    key bigint NOT NULL,
    hash bigint NOT NULL,
    hash2 bigint,
    parameter smallint NOT NULL,
    low numeric,
    high numeric,
    low2 numeric,
    high2 numeric,
    base_low numeric,
    base_high numeric,
    code text COLLATE pg_catalog."C",
    system text COLLATE pg_catalog."C",
    code2 text COLLATE pg_catalog."C",
    system2 text COLLATE pg_catalog."C",
    unit text COLLATE pg_catalog."C",
    base_unit text COLLATE pg_catalog."C"
);
CREATE TABLE public.fhir_date (
    key bigint NOT NULL,
    low bigint NOT NULL,
    high bigint NOT NULL,
    parameter smallint NOT NULL
);
CREATE TABLE public.fhir_number (
    key bigint NOT NULL,
    parameter smallint NOT NULL,
    low numeric,
    high numeric
);
CREATE TABLE public.fhir_parameter (
    number smallint NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    code text NOT NULL COLLATE pg_catalog."C",
    url text NOT NULL COLLATE pg_catalog."C"
);
ALTER TABLE public.fhir_parameter ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.fhir_parameter_number_seq
    START WITH -32768
    INCREMENT BY 1
    MINVALUE -32768
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.fhir_quantity (
    key bigint NOT NULL,
    parameter smallint NOT NULL,
    low numeric,
    high numeric,
    system text COLLATE pg_catalog."C",
    code text COLLATE pg_catalog."C",
    unit text COLLATE pg_catalog."C",
    base_unit text COLLATE pg_catalog."C",
    base_low numeric,
    base_high numeric
);
CREATE TABLE public.fhir_reference (
    key bigint NOT NULL,
    hash bigint NOT NULL,
    parameter smallint NOT NULL,
    target smallint,
    value text NOT NULL COLLATE pg_catalog."C",
    version text COLLATE pg_catalog."C"
);
CREATE TABLE public.fhir_resource (
    key bigint NOT NULL,
    type smallint NOT NULL,
    index_version smallint NOT NULL,
    version integer NOT NULL,
    updated bigint NOT NULL,
    fingerprint bigint NOT NULL,
    deleted boolean DEFAULT false NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C"
)
WITH (fillfactor='85');
ALTER TABLE public.fhir_resource ALTER COLUMN key ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.fhir_resource_key_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.fhir_string (
    key bigint NOT NULL,
    parameter smallint NOT NULL,
    value text NOT NULL COLLATE pg_catalog."C",
    exact text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.fhir_token (
    key bigint NOT NULL,
    hash bigint NOT NULL,
    parameter smallint NOT NULL,
    code text COLLATE pg_catalog."C",
    system text COLLATE pg_catalog."C"
);
CREATE TABLE public.fhir_type (
    number smallint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C"
);
ALTER TABLE public.fhir_type ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.fhir_type_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.fhir_uri (
    key bigint NOT NULL,
    parameter smallint NOT NULL,
    value text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.fhir_version (
    key bigint NOT NULL,
    version integer NOT NULL,
    type smallint NOT NULL,
    method "char" NOT NULL,
    updated bigint NOT NULL,
    sequence bigint NOT NULL,
    transaction xid8 DEFAULT pg_current_xact_id() NOT NULL,
    body bytea
);
ALTER TABLE public.fhir_version ALTER COLUMN sequence ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.fhir_version_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.hand (
    hand_id bigint NOT NULL,
    device_id text NOT NULL,
    start bigint NOT NULL,
    stop bigint,
    patient_id text,
    release boolean DEFAULT false NOT NULL,
    ends_with text,
    by text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    at bigint NOT NULL,
    CONSTRAINT hand_check CHECK (((stop IS NULL) OR (stop > start)))
);
ALTER TABLE public.hand ALTER COLUMN hand_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.hand_hand_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.intake (
    sequence bigint NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    received bigint NOT NULL,
    kind text NOT NULL,
    link text NOT NULL,
    sender text NOT NULL,
    control text NOT NULL,
    message_type text NOT NULL,
    profile text NOT NULL,
    status text NOT NULL,
    clash boolean NOT NULL,
    patient_ids text[] NOT NULL,
    problems text NOT NULL,
    raw bytea NOT NULL,
    payload bytea NOT NULL
)
PARTITION BY RANGE (received);
ALTER TABLE ONLY public.intake ALTER COLUMN raw SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.intake ALTER COLUMN payload SET STORAGE EXTERNAL;
CREATE TABLE public.intake_20779 (
    sequence bigint CONSTRAINT intake_sequence_not_null NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() CONSTRAINT intake_xid_not_null NOT NULL,
    received bigint CONSTRAINT intake_received_not_null NOT NULL,
    kind text CONSTRAINT intake_kind_not_null NOT NULL,
    link text CONSTRAINT intake_link_not_null NOT NULL,
    sender text CONSTRAINT intake_sender_not_null NOT NULL,
    control text CONSTRAINT intake_control_not_null NOT NULL,
    message_type text CONSTRAINT intake_message_type_not_null NOT NULL,
    profile text CONSTRAINT intake_profile_not_null NOT NULL,
    status text CONSTRAINT intake_status_not_null NOT NULL,
    clash boolean CONSTRAINT intake_clash_not_null NOT NULL,
    patient_ids text[] CONSTRAINT intake_patient_ids_not_null NOT NULL,
    problems text CONSTRAINT intake_problems_not_null NOT NULL,
    raw bytea CONSTRAINT intake_raw_not_null NOT NULL,
    payload bytea CONSTRAINT intake_payload_not_null NOT NULL
)
WITH (toast_tuple_target='8160');
ALTER TABLE ONLY public.intake_20779 ALTER COLUMN raw SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.intake_20779 ALTER COLUMN payload SET STORAGE EXTERNAL;
CREATE TABLE public.intake_cursor (
    name text NOT NULL,
    xid xid8 DEFAULT '0'::xid8 NOT NULL,
    sequence bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.intake_key (
    generation integer NOT NULL,
    name bigint NOT NULL,
    digest bytea NOT NULL,
    sequence bigint NOT NULL
)
PARTITION BY LIST (generation);
CREATE TABLE public.intake_key_2967 (
    generation integer CONSTRAINT intake_key_generation_not_null NOT NULL,
    name bigint CONSTRAINT intake_key_name_not_null NOT NULL,
    digest bytea CONSTRAINT intake_key_digest_not_null NOT NULL,
    sequence bigint CONSTRAINT intake_key_sequence_not_null NOT NULL
);
CREATE TABLE public.intake_key_2968 (
    generation integer CONSTRAINT intake_key_generation_not_null NOT NULL,
    name bigint CONSTRAINT intake_key_name_not_null NOT NULL,
    digest bytea CONSTRAINT intake_key_digest_not_null NOT NULL,
    sequence bigint CONSTRAINT intake_key_sequence_not_null NOT NULL
);
CREATE SEQUENCE public.intake_sequence
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE public.last_value (
    channel_id integer NOT NULL,
    text text NOT NULL,
    number double precision,
    "time" bigint NOT NULL,
    end_time bigint NOT NULL,
    received bigint NOT NULL,
    quality integer NOT NULL
)
WITH (fillfactor='50');
CREATE TABLE public.login_failure (
    key text NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE public.outbound_destination (
    name text NOT NULL,
    state text DEFAULT 'idle'::text NOT NULL,
    since bigint DEFAULT 0 NOT NULL,
    sent bigint DEFAULT 0 NOT NULL,
    last_sent bigint DEFAULT 0 NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    last_error text DEFAULT ''::text NOT NULL,
    CONSTRAINT outbound_destination_state_check CHECK ((state = ANY (ARRAY['idle'::text, 'up'::text, 'down'::text])))
);
CREATE TABLE public.outbound_message (
    id bigint NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    destination text NOT NULL,
    key text NOT NULL,
    control text NOT NULL,
    message_type text NOT NULL,
    patient_ids text[] NOT NULL,
    state text NOT NULL,
    created bigint NOT NULL,
    finished bigint DEFAULT 0 NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    body bytea NOT NULL,
    answer bytea DEFAULT '\x'::bytea NOT NULL,
    CONSTRAINT outbound_message_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'sent'::text, 'dead'::text])))
);
ALTER TABLE public.outbound_message ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.outbound_message_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.patient_key (
    key text NOT NULL,
    value text NOT NULL,
    patient_id text NOT NULL
);
CREATE TABLE public.patient_place (
    patient_id text NOT NULL,
    start bigint NOT NULL,
    stop bigint,
    place_id text,
    visit text DEFAULT ''::text NOT NULL
);
CREATE TABLE public.person (
    person_id text NOT NULL,
    login text NOT NULL,
    display text NOT NULL,
    roles text[] NOT NULL,
    password text NOT NULL,
    practitioner text DEFAULT ''::text NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.pipeline_count (
    name text NOT NULL,
    count bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.place (
    place_id text NOT NULL,
    ward text NOT NULL,
    room text DEFAULT ''::text NOT NULL,
    bed text DEFAULT ''::text NOT NULL,
    label text NOT NULL,
    location_id text NOT NULL
);
CREATE UNLOGGED TABLE public.process_state (
    process text NOT NULL,
    at bigint NOT NULL,
    pid integer NOT NULL,
    data jsonb NOT NULL
);
CREATE TABLE public.refused (
    sequence bigint NOT NULL,
    kind text NOT NULL,
    link text NOT NULL,
    stage text NOT NULL,
    reason text NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE public.schema_migration (
    room text NOT NULL,
    number integer NOT NULL,
    name text NOT NULL,
    digest text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.score (
    patient_id text NOT NULL,
    name text NOT NULL,
    "time" bigint NOT NULL,
    total integer,
    band text NOT NULL,
    parts jsonb NOT NULL,
    missing text[] NOT NULL
);
CREATE TABLE public.score_input (
    patient_id text NOT NULL,
    name text NOT NULL,
    text text NOT NULL,
    number double precision,
    "time" bigint NOT NULL,
    observation_id text NOT NULL
);
CREATE TABLE public.service_client (
    client_id text NOT NULL,
    display text NOT NULL,
    secret bytea NOT NULL,
    scopes text[] NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.session (
    digest bytea NOT NULL,
    person_id text NOT NULL,
    csrf text NOT NULL,
    address text NOT NULL,
    created bigint NOT NULL,
    seen bigint NOT NULL,
    expires bigint NOT NULL
);
CREATE SEQUENCE public.telemetry_sequence
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE public.telemetry_hot (
    sequence bigint DEFAULT nextval('public.telemetry_sequence'::regclass) NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    device_id text NOT NULL,
    received bigint NOT NULL,
    start bigint NOT NULL,
    stop bigint NOT NULL,
    body bytea NOT NULL
)
WITH (toast_tuple_target='8160', autovacuum_vacuum_scale_factor='0.05');
ALTER TABLE ONLY public.telemetry_hot ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE TABLE public.telemetry_numeric (
    channel_id integer NOT NULL,
    start bigint NOT NULL,
    stop bigint NOT NULL,
    received bigint NOT NULL,
    count integer NOT NULL,
    body bytea NOT NULL,
    level bytea NOT NULL
)
PARTITION BY RANGE (received);
ALTER TABLE ONLY public.telemetry_numeric ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.telemetry_numeric ALTER COLUMN level SET STORAGE EXTERNAL;
CREATE TABLE public.telemetry_wave (
    channel_id integer CONSTRAINT telemetry_numeric_channel_id_not_null NOT NULL,
    start bigint CONSTRAINT telemetry_numeric_start_not_null NOT NULL,
    stop bigint CONSTRAINT telemetry_numeric_stop_not_null NOT NULL,
    received bigint CONSTRAINT telemetry_numeric_received_not_null NOT NULL,
    count integer CONSTRAINT telemetry_numeric_count_not_null NOT NULL,
    body bytea CONSTRAINT telemetry_numeric_body_not_null NOT NULL,
    level bytea CONSTRAINT telemetry_numeric_level_not_null NOT NULL
)
PARTITION BY RANGE (received);
ALTER TABLE ONLY public.telemetry_wave ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.telemetry_wave ALTER COLUMN level SET STORAGE EXTERNAL;
CREATE TABLE public.visit (
    patient_id text NOT NULL,
    visit text NOT NULL,
    encounter_id text NOT NULL,
    digest text DEFAULT ''::text NOT NULL
);
CREATE TABLE public.work (
    work_id text NOT NULL,
    device_id text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    text text NOT NULL,
    code text DEFAULT ''::text NOT NULL,
    state text NOT NULL,
    priority text DEFAULT 'routine'::text NOT NULL,
    interval_days integer,
    due bigint,
    reported_by text NOT NULL,
    reported_at bigint NOT NULL,
    taken_by text DEFAULT ''::text NOT NULL,
    taken_at bigint,
    done_by text DEFAULT ''::text NOT NULL,
    done_at bigint,
    resolution text DEFAULT ''::text NOT NULL,
    request_id text NOT NULL,
    task_id text NOT NULL,
    CONSTRAINT work_kind_check CHECK ((kind = ANY (ARRAY['maintenance'::text, 'fault'::text]))),
    CONSTRAINT work_state_check CHECK ((state = ANY (ARRAY['open'::text, 'taken'::text, 'resolved'::text])))
);
ALTER TABLE ONLY public.intake ATTACH PARTITION public.intake_20779 FOR VALUES FROM ('1795305600000000') TO ('1795392000000000');
ALTER TABLE ONLY public.intake_key ATTACH PARTITION public.intake_key_2967 FOR VALUES IN (2967);
ALTER TABLE ONLY public.intake_key ATTACH PARTITION public.intake_key_2968 FOR VALUES IN (2968);
INSERT INTO public.adt_event OVERRIDING SYSTEM VALUE VALUES
	(1, 1, 'A01', 'd81b2f57-62b3-401b-8b32-944853206c9b', 'VOLD1', 1795313388065000, 1795313388065000, 'old-1-1-b3bc310b');
INSERT INTO public.alarm_heartbeat VALUES
	(true, 1795313689420766);
INSERT INTO public.audit_event OVERRIDING SYSTEM VALUE VALUES
	(1, 'ac76db4b-294d-488f-b5d0-51e73ea0691f', 1795313689684297, 'token-service', 'service', 'service token', '{service}', 'R', 'search', 'Observation', '', '{d81b2f57-62b3-401b-8b32-944853206c9b}', 0, '', 'code=8867-4', '127.0.0.1'),
	(2, 'ec0a354d-b07b-4b56-a69a-ac50924f2795', 1795313689833684, 'token-service', 'service', 'service token', '{service}', 'C', 'create', 'Basic', 'e18cb87d-f52b-480c-a0b2-a75affce1585', '{}', 0, '', '', '127.0.0.1');
INSERT INTO public.binding OVERRIDING SYSTEM VALUE VALUES
	(1, '91f3f288-4347-4674-ad8b-86898612c5e8', 1795313689254000, NULL, 'd81b2f57-62b3-401b-8b32-944853206c9b', 'VOLD1', 'old-1-1-b3bc310b', 'adt', '', '', '', '{}');
INSERT INTO public.bound_patient VALUES
	('d81b2f57-62b3-401b-8b32-944853206c9b', 'Former', 'Ona', '1950-01-01', 'female', 'OLD1', 1795313388065000, '');
INSERT INTO public.channel OVERRIDING SYSTEM VALUE VALUES
	(1, '91f3f288-4347-4674-ad8b-86898612c5e8', '69966/69967/147842', 'numeric', 147842, 'MDC_ECG_HEART_RATE', 'MDC', 'MDC_DIM_BEAT_PER_MIN', '/min', '');
INSERT INTO public.chart_point OVERRIDING SYSTEM VALUE VALUES
	(1, '91f3f288-4347-4674-ad8b-86898612c5e8', '69966/69967/147842', 1795312800000000, 1795313689254000, 'periodic', '{"parts": [{"code": 147842, "text": "61.50", "ucum": "/min", "unit": "MDC_DIM_BEAT_PER_MIN", "refid": "MDC_ECG_HEART_RATE", "number": 61.5, "channel": "69966/69967/147842", "channel_id": 1, "device_time": 1795313689254000}]}', 'c04bfb4d-2840-53e7-979c-3b34e2a9990d', 'd81b2f57-62b3-401b-8b32-944853206c9b', 'VOLD1', '', 0, false);
INSERT INTO public.charted VALUES
	('c04bfb4d-2840-53e7-979c-3b34e2a9990d', 1, 'd81b2f57-62b3-401b-8b32-944853206c9b', 1795313689470683, NULL);
INSERT INTO public.device VALUES
	('91f3f288-4347-4674-ad8b-86898612c5e8', '02A17CFFFE110001', NULL, 'hl7', 'accepted', '{"label": "MON", "type_code": 69965, "type_refid": "MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS"}', '', '[]', 1795313689254000, '', 1),
	('29d14240-6025-45bf-bbe9-4c458fd4c6dc', '02A17CFFFE110001/69966', '91f3f288-4347-4674-ad8b-86898612c5e8', 'hl7', 'accepted', '{"type_code": 69966, "type_refid": "MDC_DEV_MON_PHYSIO_MULTI_PARAM_VMD"}', '', '[]', 1795313689257877, '', 0),
	('94d63e91-9543-48ac-9790-27b7e7251863', '02A17CFFFE110001/69966/69967', '91f3f288-4347-4674-ad8b-86898612c5e8', 'hl7', 'accepted', '{"type_code": 69967, "type_refid": "MDC_DEV_MON_PHYSIO_MULTI_PARAM_CHAN"}', '', '[]', 1795313689257877, '', 0);
INSERT INTO public.device_epoch VALUES
	(true, 1);
INSERT INTO public.device_expected OVERRIDING SYSTEM VALUE VALUES
	(1, '02A17CFFFE110001', '', '', '', '', 'old-1-1-b3bc310b', 'command line', 1795313689132309, '91f3f288-4347-4674-ad8b-86898612c5e8');
INSERT INTO public.device_mode VALUES
	('91f3f288-4347-4674-ad8b-86898612c5e8', 1795313689254000, 'accepted', 'list', 1795313689302078);
INSERT INTO public.device_place VALUES
	('91f3f288-4347-4674-ad8b-86898612c5e8', 1795313689254000, 'old-1-1-b3bc310b', 'list', 'list', 1795313689254000);
INSERT INTO public.device_state VALUES
	('91f3f288-4347-4674-ad8b-86898612c5e8', 'hl7', 1795313689257877, 1795313689254000, 3877, NULL, true, false, '', 1, 0, 2);
INSERT INTO public.feed_cursor VALUES
	('board/patients', '776.1');
INSERT INTO public.fhir_composite VALUES
	(8, 3863173653401842091, NULL, -31272, 61.50, 61.50, NULL, NULL, 1.025, 1.025, '8867-4', 'http://loinc.org', '/min', 'http://unitsofmeasure.org', '/min', '/s'),
	(8, 2016247162521427012, NULL, -31272, 61.50, 61.50, NULL, NULL, 1.025, 1.025, '147842', 'urn:iso:std:iso:11073:10101', '/min', 'http://unitsofmeasure.org', '/min', '/s'),
	(8, 3863173653401842091, NULL, -31268, 61.50, 61.50, NULL, NULL, 1.025, 1.025, '8867-4', 'http://loinc.org', '/min', 'http://unitsofmeasure.org', '/min', '/s'),
	(8, 2016247162521427012, NULL, -31268, 61.50, 61.50, NULL, NULL, 1.025, 1.025, '147842', 'urn:iso:std:iso:11073:10101', '/min', 'http://unitsofmeasure.org', '/min', '/s');
INSERT INTO public.fhir_date VALUES
	(1, -631152000000000, -631065600000000, -31151),
	(4, 1795313388065000, 4611686018427387904, -32047),
	(4, 1795313388065000, 4611686018427387904, -32041),
	(8, 1795313689254000, 1795313689255000, -31257);
INSERT INTO public.fhir_parameter OVERRIDING SYSTEM VALUE VALUES
	(-32640, 'Basic', '_profile', 'http://hl7.org/fhir/SearchParameter/Resource-profile'),
	(-32639, 'Basic', '_security', 'http://hl7.org/fhir/SearchParameter/Resource-security'),
	(-32638, 'Basic', '_source', 'http://hl7.org/fhir/SearchParameter/Resource-source'),
	(-32637, 'Basic', '_tag', 'http://hl7.org/fhir/SearchParameter/Resource-tag'),
	(-32636, 'Basic', 'author', 'http://hl7.org/fhir/SearchParameter/Basic-author'),
	(-32635, 'Basic', 'code', 'http://hl7.org/fhir/SearchParameter/Basic-code'),
	(-32634, 'Basic', 'created', 'http://hl7.org/fhir/SearchParameter/Basic-created'),
	(-32633, 'Basic', 'identifier', 'http://hl7.org/fhir/SearchParameter/Basic-identifier'),
	(-32632, 'Basic', 'patient', 'http://hl7.org/fhir/SearchParameter/Basic-patient'),
	(-32631, 'Basic', 'subject', 'http://hl7.org/fhir/SearchParameter/Basic-subject'),
	(-32205, 'Device', '_profile', 'http://hl7.org/fhir/SearchParameter/Resource-profile'),
	(-32204, 'Device', '_security', 'http://hl7.org/fhir/SearchParameter/Resource-security'),
	(-32203, 'Device', '_source', 'http://hl7.org/fhir/SearchParameter/Resource-source'),
	(-32202, 'Device', '_tag', 'http://hl7.org/fhir/SearchParameter/Resource-tag'),
	(-32201, 'Device', 'device-name', 'http://hl7.org/fhir/SearchParameter/Device-device-name'),
	(-32200, 'Device', 'din', 'http://hl7.org/fhir/SearchParameter/device-extensions-Device-din'),
	(-32199, 'Device', 'identifier', 'http://hl7.org/fhir/SearchParameter/Device-identifier'),
	(-32198, 'Device', 'location', 'http://hl7.org/fhir/SearchParameter/Device-location'),
	(-32197, 'Device', 'manufacturer', 'http://hl7.org/fhir/SearchParameter/Device-manufacturer'),
	(-32196, 'Device', 'model', 'http://hl7.org/fhir/SearchParameter/Device-model'),
	(-32195, 'Device', 'organization', 'http://hl7.org/fhir/SearchParameter/Device-organization'),
	(-32194, 'Device', 'patient', 'http://hl7.org/fhir/SearchParameter/Device-patient'),
	(-32193, 'Device', 'status', 'http://hl7.org/fhir/SearchParameter/Device-status'),
	(-32192, 'Device', 'type', 'http://hl7.org/fhir/SearchParameter/Device-type'),
	(-32191, 'Device', 'udi-carrier', 'http://hl7.org/fhir/SearchParameter/Device-udi-carrier'),
	(-32190, 'Device', 'udi-di', 'http://hl7.org/fhir/SearchParameter/Device-udi-di'),
	(-32189, 'Device', 'url', 'http://hl7.org/fhir/SearchParameter/Device-url'),
	(-32055, 'Encounter', '_profile', 'http://hl7.org/fhir/SearchParameter/Resource-profile'),
	(-32054, 'Encounter', '_security', 'http://hl7.org/fhir/SearchParameter/Resource-security'),
	(-32053, 'Encounter', '_source', 'http://hl7.org/fhir/SearchParameter/Resource-source'),
	(-32052, 'Encounter', '_tag', 'http://hl7.org/fhir/SearchParameter/Resource-tag'),
	(-32051, 'Encounter', 'account', 'http://hl7.org/fhir/SearchParameter/Encounter-account'),
	(-32050, 'Encounter', 'appointment', 'http://hl7.org/fhir/SearchParameter/Encounter-appointment'),
	(-32049, 'Encounter', 'based-on', 'http://hl7.org/fhir/SearchParameter/Encounter-based-on'),
	(-32048, 'Encounter', 'class', 'http://hl7.org/fhir/SearchParameter/Encounter-class'),
	(-32047, 'Encounter', 'date', 'http://hl7.org/fhir/SearchParameter/clinical-date'),
	(-32046, 'Encounter', 'diagnosis', 'http://hl7.org/fhir/SearchParameter/Encounter-diagnosis'),
	(-32045, 'Encounter', 'episode-of-care', 'http://hl7.org/fhir/SearchParameter/Encounter-episode-of-care'),
	(-32044, 'Encounter', 'identifier', 'http://hl7.org/fhir/SearchParameter/clinical-identifier'),
	(-32043, 'Encounter', 'length', 'http://hl7.org/fhir/SearchParameter/Encounter-length'),
	(-32042, 'Encounter', 'location', 'http://hl7.org/fhir/SearchParameter/Encounter-location'),
	(-32041, 'Encounter', 'location-period', 'http://hl7.org/fhir/SearchParameter/Encounter-location-period'),
	(-32040, 'Encounter', 'part-of', 'http://hl7.org/fhir/SearchParameter/Encounter-part-of'),
	(-32039, 'Encounter', 'participant', 'http://hl7.org/fhir/SearchParameter/Encounter-participant'),
	(-32038, 'Encounter', 'participant-type', 'http://hl7.org/fhir/SearchParameter/Encounter-participant-type'),
	(-32037, 'Encounter', 'patient', 'http://hl7.org/fhir/SearchParameter/clinical-patient'),
	(-32036, 'Encounter', 'practitioner', 'http://hl7.org/fhir/SearchParameter/Encounter-practitioner'),
	(-32035, 'Encounter', 'reason-code', 'http://hl7.org/fhir/SearchParameter/Encounter-reason-code'),
	(-32034, 'Encounter', 'reason-reference', 'http://hl7.org/fhir/SearchParameter/Encounter-reason-reference'),
	(-32033, 'Encounter', 'service-provider', 'http://hl7.org/fhir/SearchParameter/Encounter-service-provider'),
	(-32032, 'Encounter', 'special-arrangement', 'http://hl7.org/fhir/SearchParameter/Encounter-special-arrangement'),
	(-32031, 'Encounter', 'status', 'http://hl7.org/fhir/SearchParameter/Encounter-status'),
	(-32030, 'Encounter', 'subject', 'http://hl7.org/fhir/SearchParameter/Encounter-subject'),
	(-32029, 'Encounter', 'type', 'http://hl7.org/fhir/SearchParameter/clinical-type'),
	(-31611, 'Location', '_profile', 'http://hl7.org/fhir/SearchParameter/Resource-profile'),
	(-31610, 'Location', '_security', 'http://hl7.org/fhir/SearchParameter/Resource-security'),
	(-31609, 'Location', '_source', 'http://hl7.org/fhir/SearchParameter/Resource-source'),
	(-31608, 'Location', '_tag', 'http://hl7.org/fhir/SearchParameter/Resource-tag'),
	(-31607, 'Location', 'address', 'http://hl7.org/fhir/SearchParameter/Location-address'),
	(-31606, 'Location', 'address-city', 'http://hl7.org/fhir/SearchParameter/Location-address-city'),
	(-31605, 'Location', 'address-country', 'http://hl7.org/fhir/SearchParameter/Location-address-country'),
	(-31604, 'Location', 'address-postalcode', 'http://hl7.org/fhir/SearchParameter/Location-address-postalcode'),
	(-31603, 'Location', 'address-state', 'http://hl7.org/fhir/SearchParameter/Location-address-state'),
	(-31602, 'Location', 'address-use', 'http://hl7.org/fhir/SearchParameter/Location-address-use'),
	(-31601, 'Location', 'endpoint', 'http://hl7.org/fhir/SearchParameter/Location-endpoint'),
	(-31600, 'Location', 'identifier', 'http://hl7.org/fhir/SearchParameter/Location-identifier'),
	(-31599, 'Location', 'name', 'http://hl7.org/fhir/SearchParameter/Location-name'),
	(-31598, 'Location', 'operational-status', 'http://hl7.org/fhir/SearchParameter/Location-operational-status'),
	(-31597, 'Location', 'organization', 'http://hl7.org/fhir/SearchParameter/Location-organization'),
	(-31596, 'Location', 'partof', 'http://hl7.org/fhir/SearchParameter/Location-partof'),
	(-31595, 'Location', 'status', 'http://hl7.org/fhir/SearchParameter/Location-status'),
	(-31594, 'Location', 'type', 'http://hl7.org/fhir/SearchParameter/Location-type'),
	(-31282, 'Observation', '_profile', 'http://hl7.org/fhir/SearchParameter/Resource-profile'),
	(-31281, 'Observation', '_security', 'http://hl7.org/fhir/SearchParameter/Resource-security'),
	(-31280, 'Observation', '_source', 'http://hl7.org/fhir/SearchParameter/Resource-source'),
	(-31279, 'Observation', '_tag', 'http://hl7.org/fhir/SearchParameter/Resource-tag'),
	(-31278, 'Observation', 'amino-acid-change', 'http://hl7.org/fhir/SearchParameter/observation-genetic-Observation-amino-acid-change'),
	(-31277, 'Observation', 'based-on', 'http://hl7.org/fhir/SearchParameter/Observation-based-on'),
	(-31276, 'Observation', 'category', 'http://hl7.org/fhir/SearchParameter/Observation-category'),
	(-31275, 'Observation', 'code', 'http://hl7.org/fhir/SearchParameter/clinical-code'),
	(-31274, 'Observation', 'code-value-concept', 'http://hl7.org/fhir/SearchParameter/Observation-code-value-concept'),
	(-31273, 'Observation', 'code-value-date', 'http://hl7.org/fhir/SearchParameter/Observation-code-value-date'),
	(-31272, 'Observation', 'code-value-quantity', 'http://hl7.org/fhir/SearchParameter/Observation-code-value-quantity'),
	(-31271, 'Observation', 'code-value-string', 'http://hl7.org/fhir/SearchParameter/Observation-code-value-string'),
	(-31270, 'Observation', 'combo-code', 'http://hl7.org/fhir/SearchParameter/Observation-combo-code'),
	(-31269, 'Observation', 'combo-code-value-concept', 'http://hl7.org/fhir/SearchParameter/Observation-combo-code-value-concept'),
	(-31268, 'Observation', 'combo-code-value-quantity', 'http://hl7.org/fhir/SearchParameter/Observation-combo-code-value-quantity'),
	(-31267, 'Observation', 'combo-data-absent-reason', 'http://hl7.org/fhir/SearchParameter/Observation-combo-data-absent-reason'),
	(-31266, 'Observation', 'combo-value-concept', 'http://hl7.org/fhir/SearchParameter/Observation-combo-value-concept'),
	(-31265, 'Observation', 'combo-value-quantity', 'http://hl7.org/fhir/SearchParameter/Observation-combo-value-quantity'),
	(-31264, 'Observation', 'component-code', 'http://hl7.org/fhir/SearchParameter/Observation-component-code'),
	(-31263, 'Observation', 'component-code-value-concept', 'http://hl7.org/fhir/SearchParameter/Observation-component-code-value-concept'),
	(-31262, 'Observation', 'component-code-value-quantity', 'http://hl7.org/fhir/SearchParameter/Observation-component-code-value-quantity'),
	(-31261, 'Observation', 'component-data-absent-reason', 'http://hl7.org/fhir/SearchParameter/Observation-component-data-absent-reason'),
	(-31260, 'Observation', 'component-value-concept', 'http://hl7.org/fhir/SearchParameter/Observation-component-value-concept'),
	(-31259, 'Observation', 'component-value-quantity', 'http://hl7.org/fhir/SearchParameter/Observation-component-value-quantity'),
	(-31258, 'Observation', 'data-absent-reason', 'http://hl7.org/fhir/SearchParameter/Observation-data-absent-reason'),
	(-31257, 'Observation', 'date', 'http://hl7.org/fhir/SearchParameter/clinical-date'),
	(-31256, 'Observation', 'derived-from', 'http://hl7.org/fhir/SearchParameter/Observation-derived-from'),
	(-31255, 'Observation', 'device', 'http://hl7.org/fhir/SearchParameter/Observation-device'),
	(-31254, 'Observation', 'dna-variant', 'http://hl7.org/fhir/SearchParameter/observation-genetic-Observation-dna-variant'),
	(-31253, 'Observation', 'encounter', 'http://hl7.org/fhir/SearchParameter/clinical-encounter'),
	(-31252, 'Observation', 'focus', 'http://hl7.org/fhir/SearchParameter/Observation-focus'),
	(-31251, 'Observation', 'gene-amino-acid-change', 'http://hl7.org/fhir/SearchParameter/observation-genetic-Observation-gene-amino-acid-change'),
	(-31250, 'Observation', 'gene-dnavariant', 'http://hl7.org/fhir/SearchParameter/observation-genetic-Observation-gene-dnavariant'),
	(-31249, 'Observation', 'gene-identifier', 'http://hl7.org/fhir/SearchParameter/observation-genetic-Observation-gene-identifier'),
	(-31248, 'Observation', 'has-member', 'http://hl7.org/fhir/SearchParameter/Observation-has-member'),
	(-31247, 'Observation', 'identifier', 'http://hl7.org/fhir/SearchParameter/clinical-identifier'),
	(-31246, 'Observation', 'method', 'http://hl7.org/fhir/SearchParameter/Observation-method'),
	(-31245, 'Observation', 'part-of', 'http://hl7.org/fhir/SearchParameter/Observation-part-of'),
	(-31244, 'Observation', 'patient', 'http://hl7.org/fhir/SearchParameter/clinical-patient'),
	(-31243, 'Observation', 'performer', 'http://hl7.org/fhir/SearchParameter/Observation-performer'),
	(-31242, 'Observation', 'specimen', 'http://hl7.org/fhir/SearchParameter/Observation-specimen'),
	(-31241, 'Observation', 'status', 'http://hl7.org/fhir/SearchParameter/Observation-status'),
	(-31240, 'Observation', 'subject', 'http://hl7.org/fhir/SearchParameter/Observation-subject'),
	(-31239, 'Observation', 'value-concept', 'http://hl7.org/fhir/SearchParameter/Observation-value-concept'),
	(-31238, 'Observation', 'value-date', 'http://hl7.org/fhir/SearchParameter/Observation-value-date'),
	(-31237, 'Observation', 'value-quantity', 'http://hl7.org/fhir/SearchParameter/Observation-value-quantity'),
	(-31236, 'Observation', 'value-string', 'http://hl7.org/fhir/SearchParameter/Observation-value-string'),
	(-31162, 'Patient', '_profile', 'http://hl7.org/fhir/SearchParameter/Resource-profile'),
	(-31161, 'Patient', '_security', 'http://hl7.org/fhir/SearchParameter/Resource-security'),
	(-31160, 'Patient', '_source', 'http://hl7.org/fhir/SearchParameter/Resource-source'),
	(-31159, 'Patient', '_tag', 'http://hl7.org/fhir/SearchParameter/Resource-tag'),
	(-31158, 'Patient', 'active', 'http://hl7.org/fhir/SearchParameter/Patient-active'),
	(-31157, 'Patient', 'address', 'http://hl7.org/fhir/SearchParameter/individual-address'),
	(-31156, 'Patient', 'address-city', 'http://hl7.org/fhir/SearchParameter/individual-address-city'),
	(-31155, 'Patient', 'address-country', 'http://hl7.org/fhir/SearchParameter/individual-address-country'),
	(-31154, 'Patient', 'address-postalcode', 'http://hl7.org/fhir/SearchParameter/individual-address-postalcode'),
	(-31153, 'Patient', 'address-state', 'http://hl7.org/fhir/SearchParameter/individual-address-state'),
	(-31152, 'Patient', 'address-use', 'http://hl7.org/fhir/SearchParameter/individual-address-use'),
	(-31151, 'Patient', 'birthdate', 'http://hl7.org/fhir/SearchParameter/individual-birthdate'),
	(-31150, 'Patient', 'death-date', 'http://hl7.org/fhir/SearchParameter/Patient-death-date'),
	(-31149, 'Patient', 'deceased', 'http://hl7.org/fhir/SearchParameter/Patient-deceased'),
	(-31148, 'Patient', 'email', 'http://hl7.org/fhir/SearchParameter/individual-email'),
	(-31147, 'Patient', 'family', 'http://hl7.org/fhir/SearchParameter/individual-family'),
	(-31146, 'Patient', 'gender', 'http://hl7.org/fhir/SearchParameter/individual-gender'),
	(-31145, 'Patient', 'general-practitioner', 'http://hl7.org/fhir/SearchParameter/Patient-general-practitioner'),
	(-31144, 'Patient', 'given', 'http://hl7.org/fhir/SearchParameter/individual-given'),
	(-31143, 'Patient', 'identifier', 'http://hl7.org/fhir/SearchParameter/Patient-identifier'),
	(-31142, 'Patient', 'language', 'http://hl7.org/fhir/SearchParameter/Patient-language'),
	(-31141, 'Patient', 'link', 'http://hl7.org/fhir/SearchParameter/Patient-link'),
	(-31140, 'Patient', 'mothersMaidenName', 'http://hl7.org/fhir/SearchParameter/patient-extensions-Patient-mothersMaidenName'),
	(-31139, 'Patient', 'name', 'http://hl7.org/fhir/SearchParameter/Patient-name'),
	(-31138, 'Patient', 'organization', 'http://hl7.org/fhir/SearchParameter/Patient-organization'),
	(-31137, 'Patient', 'part-agree', 'http://hl7.org/fhir/SearchParameter/example-extension'),
	(-31136, 'Patient', 'phone', 'http://hl7.org/fhir/SearchParameter/individual-phone'),
	(-31135, 'Patient', 'phonetic', 'http://hl7.org/fhir/SearchParameter/individual-phonetic'),
	(-31134, 'Patient', 'telecom', 'http://hl7.org/fhir/SearchParameter/individual-telecom');
INSERT INTO public.fhir_quantity VALUES
	(8, -31237, 61.50, 61.50, 'http://unitsofmeasure.org', '/min', '/min', '/s', 1.025, 1.025),
	(8, -31265, 61.50, 61.50, 'http://unitsofmeasure.org', '/min', '/min', '/s', 1.025, 1.025);
INSERT INTO public.fhir_reference VALUES
	(3, -63987827879298674, -31596, 71, '301539ba-7ace-5318-8ba0-422b024e655f', NULL),
	(4, 4342048751900795431, -32042, 71, 'faf49d6e-f96a-5ffc-b7c4-c53cc6373b01', NULL),
	(4, 8773564542206032354, -32030, 103, 'd81b2f57-62b3-401b-8b32-944853206c9b', NULL),
	(4, 8773564542206032354, -32037, 103, 'd81b2f57-62b3-401b-8b32-944853206c9b', NULL),
	(5, 4342048751900795431, -32198, 71, 'faf49d6e-f96a-5ffc-b7c4-c53cc6373b01', NULL),
	(8, 3367189492868165647, -31255, 35, '91f3f288-4347-4674-ad8b-86898612c5e8', NULL),
	(8, 8773564542206032354, -31240, 103, 'd81b2f57-62b3-401b-8b32-944853206c9b', NULL),
	(8, -1978802065841430935, -31253, 44, '3949ed66-e8fd-4d65-9774-7a8eaddd0c09', NULL),
	(8, 8773564542206032354, -31244, 103, 'd81b2f57-62b3-401b-8b32-944853206c9b', NULL);
INSERT INTO public.fhir_resource OVERRIDING SYSTEM VALUE VALUES
	(1, 103, 1, 1, 1795313688135000, 6534894165573975501, false, 'd81b2f57-62b3-401b-8b32-944853206c9b'),
	(2, 71, 1, 1, 1795313688153000, 3293657727427611829, false, '301539ba-7ace-5318-8ba0-422b024e655f'),
	(3, 71, 1, 1, 1795313688161000, -6601396865703130840, false, 'faf49d6e-f96a-5ffc-b7c4-c53cc6373b01'),
	(4, 44, 1, 2, 1795313688174000, 5094943779446104243, false, '3949ed66-e8fd-4d65-9774-7a8eaddd0c09'),
	(5, 35, 1, 1, 1795313689310000, -283314693832765323, false, '91f3f288-4347-4674-ad8b-86898612c5e8'),
	(6, 35, 1, 1, 1795313689406000, -7086118647966523708, false, '29d14240-6025-45bf-bbe9-4c458fd4c6dc'),
	(7, 35, 1, 1, 1795313689417000, -7498011392538031431, false, '94d63e91-9543-48ac-9790-27b7e7251863'),
	(8, 96, 1, 1, 1795313689470000, -8797621240464421278, false, 'c04bfb4d-2840-53e7-979c-3b34e2a9990d'),
	(9, 8, 1, 1, 1795313689823000, -5522473850766995714, false, 'e18cb87d-f52b-480c-a0b2-a75affce1585');
INSERT INTO public.fhir_string VALUES
	(1, -31139, 'former', 'Former'),
	(1, -31139, 'ona', 'Ona'),
	(1, -31147, 'former', 'Former'),
	(1, -31144, 'ona', 'Ona'),
	(1, -31135, 'former', 'Former'),
	(1, -31135, 'ona', 'Ona'),
	(2, -31599, 'old', 'OLD'),
	(3, -31599, 'old 1 1', 'OLD 1 1'),
	(4, -32048, 'inpatient encounter', 'inpatient encounter'),
	(5, -32201, 'mon', 'MON'),
	(5, -32201, 'mdc_dev_mon_physio_multi_param_mds', 'MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS'),
	(5, -32201, 'monitor', 'Monitor'),
	(5, -32192, 'monitor', 'Monitor'),
	(5, -32192, 'mdc_dev_mon_physio_multi_param_mds', 'MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS'),
	(6, -32201, '02a17cfffe110001/69966', '02A17CFFFE110001/69966'),
	(6, -32201, 'mdc_dev_mon_physio_multi_param_vmd', 'MDC_DEV_MON_PHYSIO_MULTI_PARAM_VMD'),
	(6, -32192, 'mdc_dev_mon_physio_multi_param_vmd', 'MDC_DEV_MON_PHYSIO_MULTI_PARAM_VMD'),
	(7, -32201, '02a17cfffe110001/69966/69967', '02A17CFFFE110001/69966/69967'),
	(7, -32201, 'mdc_dev_mon_physio_multi_param_chan', 'MDC_DEV_MON_PHYSIO_MULTI_PARAM_CHAN'),
	(7, -32192, 'mdc_dev_mon_physio_multi_param_chan', 'MDC_DEV_MON_PHYSIO_MULTI_PARAM_CHAN'),
	(8, -31276, 'vital signs', 'Vital Signs'),
	(8, -31270, 'heart rate', 'Heart rate'),
	(8, -31270, 'mdc_ecg_heart_rate', 'MDC_ECG_HEART_RATE'),
	(8, -31275, 'heart rate', 'Heart rate'),
	(8, -31275, 'mdc_ecg_heart_rate', 'MDC_ECG_HEART_RATE'),
	(9, -32635, 'kept', 'kept');
INSERT INTO public.fhir_token VALUES
	(1, -5568755003502174039, -31158, 'true', NULL),
	(1, -2658940239324877945, -31149, 'false', NULL),
	(1, 7381002402807267568, -31143, 'old1', 'urn:wardbridge:authority:HIS'),
	(1, -6473111998452306430, -31146, 'female', 'http://hl7.org/fhir/administrative-gender'),
	(2, 2019148840888247941, -31595, 'active', 'http://hl7.org/fhir/location-status'),
	(2, 7909622276253829352, -31600, 'old-d82be3f8', 'urn:wardbridge:place'),
	(3, 2019148840888247941, -31595, 'active', 'http://hl7.org/fhir/location-status'),
	(3, 2734791793711584437, -31600, 'old-1-1-b3bc310b', 'urn:wardbridge:place'),
	(4, 4303001849144081110, -32048, 'imp', 'http://terminology.hl7.org/CodeSystem/v3-ActCode'),
	(4, -3418845287006514033, -32031, 'in-progress', 'http://hl7.org/fhir/encounter-status'),
	(4, -8042818021354211842, -32044, 'vold1', 'urn:wardbridge:visit'),
	(5, 7333728886403673446, -32199, '02a17cfffe110001', 'urn:wardbridge:device'),
	(5, 2019148840888247941, -32193, 'active', 'http://hl7.org/fhir/device-status'),
	(5, 8491152385741448848, -32192, '69965', 'urn:iso:std:iso:11073:10101'),
	(6, 261098033053846783, -32199, '02a17cfffe110001/69966', 'urn:wardbridge:device'),
	(6, 2019148840888247941, -32193, 'active', 'http://hl7.org/fhir/device-status'),
	(6, 7551437241064958399, -32192, '69966', 'urn:iso:std:iso:11073:10101'),
	(7, 1443432931796848897, -32199, '02a17cfffe110001/69966/69967', 'urn:wardbridge:device'),
	(7, 2019148840888247941, -32193, 'active', 'http://hl7.org/fhir/device-status'),
	(7, -3474344115980337146, -32192, '69967', 'urn:iso:std:iso:11073:10101'),
	(8, -7190862941531344170, -31276, 'vital-signs', 'http://terminology.hl7.org/CodeSystem/observation-category'),
	(8, 3863173653401842091, -31270, '8867-4', 'http://loinc.org'),
	(8, 2016247162521427012, -31270, '147842', 'urn:iso:std:iso:11073:10101'),
	(8, -8125750971984698237, -31241, 'preliminary', 'http://hl7.org/fhir/observation-status'),
	(8, 3863173653401842091, -31275, '8867-4', 'http://loinc.org'),
	(8, 2016247162521427012, -31275, '147842', 'urn:iso:std:iso:11073:10101'),
	(8, -3256131137059209701, -31247, '91f3f288-4347-4674-ad8b-86898612c5e8|69966/69967/147842|1795313689254000|periodic', 'urn:wardbridge:charted');
INSERT INTO public.fhir_type OVERRIDING SYSTEM VALUE VALUES
	(1, 'Account'),
	(2, 'ActivityDefinition'),
	(3, 'AdverseEvent'),
	(4, 'AllergyIntolerance'),
	(5, 'Appointment'),
	(6, 'AppointmentResponse'),
	(7, 'AuditEvent'),
	(8, 'Basic'),
	(9, 'Binary'),
	(10, 'BiologicallyDerivedProduct'),
	(11, 'BodyStructure'),
	(12, 'Bundle'),
	(13, 'CapabilityStatement'),
	(14, 'CarePlan'),
	(15, 'CareTeam'),
	(16, 'CatalogEntry'),
	(17, 'ChargeItem'),
	(18, 'ChargeItemDefinition'),
	(19, 'Claim'),
	(20, 'ClaimResponse'),
	(21, 'ClinicalImpression'),
	(22, 'CodeSystem'),
	(23, 'Communication'),
	(24, 'CommunicationRequest'),
	(25, 'CompartmentDefinition'),
	(26, 'Composition'),
	(27, 'ConceptMap'),
	(28, 'Condition'),
	(29, 'Consent'),
	(30, 'Contract'),
	(31, 'Coverage'),
	(32, 'CoverageEligibilityRequest'),
	(33, 'CoverageEligibilityResponse'),
	(34, 'DetectedIssue'),
	(35, 'Device'),
	(36, 'DeviceDefinition'),
	(37, 'DeviceMetric'),
	(38, 'DeviceRequest'),
	(39, 'DeviceUseStatement'),
	(40, 'DiagnosticReport'),
	(41, 'DocumentManifest'),
	(42, 'DocumentReference'),
	(43, 'EffectEvidenceSynthesis'),
	(44, 'Encounter'),
	(45, 'Endpoint'),
	(46, 'EnrollmentRequest'),
	(47, 'EnrollmentResponse'),
	(48, 'EpisodeOfCare'),
	(49, 'EventDefinition'),
	(50, 'Evidence'),
	(51, 'EvidenceVariable'),
	(52, 'ExampleScenario'),
	(53, 'ExplanationOfBenefit'),
	(54, 'FamilyMemberHistory'),
	(55, 'Flag'),
	(56, 'Goal'),
	(57, 'GraphDefinition'),
	(58, 'Group'),
	(59, 'GuidanceResponse'),
	(60, 'HealthcareService'),
	(61, 'ImagingStudy'),
	(62, 'Immunization'),
	(63, 'ImmunizationEvaluation'),
	(64, 'ImmunizationRecommendation'),
	(65, 'ImplementationGuide'),
	(66, 'InsurancePlan'),
	(67, 'Invoice'),
	(68, 'Library'),
	(69, 'Linkage'),
	(70, 'List'),
	(71, 'Location'),
	(72, 'Measure'),
	(73, 'MeasureReport'),
	(74, 'Media'),
	(75, 'Medication'),
	(76, 'MedicationAdministration'),
	(77, 'MedicationDispense'),
	(78, 'MedicationKnowledge'),
	(79, 'MedicationRequest'),
	(80, 'MedicationStatement'),
	(81, 'MedicinalProduct'),
	(82, 'MedicinalProductAuthorization'),
	(83, 'MedicinalProductContraindication'),
	(84, 'MedicinalProductIndication'),
	(85, 'MedicinalProductIngredient'),
	(86, 'MedicinalProductInteraction'),
	(87, 'MedicinalProductManufactured'),
	(88, 'MedicinalProductPackaged'),
	(89, 'MedicinalProductPharmaceutical'),
	(90, 'MedicinalProductUndesirableEffect'),
	(91, 'MessageDefinition'),
	(92, 'MessageHeader'),
	(93, 'MolecularSequence'),
	(94, 'NamingSystem'),
	(95, 'NutritionOrder'),
	(96, 'Observation'),
	(97, 'ObservationDefinition'),
	(98, 'OperationDefinition'),
	(99, 'OperationOutcome'),
	(100, 'Organization'),
	(101, 'OrganizationAffiliation'),
	(102, 'Parameters'),
	(103, 'Patient'),
	(104, 'PaymentNotice'),
	(105, 'PaymentReconciliation'),
	(106, 'Person'),
	(107, 'PlanDefinition'),
	(108, 'Practitioner'),
	(109, 'PractitionerRole'),
	(110, 'Procedure'),
	(111, 'Provenance'),
	(112, 'Questionnaire'),
	(113, 'QuestionnaireResponse'),
	(114, 'RelatedPerson'),
	(115, 'RequestGroup'),
	(116, 'ResearchDefinition'),
	(117, 'ResearchElementDefinition'),
	(118, 'ResearchStudy'),
	(119, 'ResearchSubject'),
	(120, 'RiskAssessment'),
	(121, 'RiskEvidenceSynthesis'),
	(122, 'Schedule'),
	(123, 'SearchParameter'),
	(124, 'ServiceRequest'),
	(125, 'Slot'),
	(126, 'Specimen'),
	(127, 'SpecimenDefinition'),
	(128, 'StructureDefinition'),
	(129, 'StructureMap'),
	(130, 'Subscription'),
	(131, 'Substance'),
	(132, 'SubstanceNucleicAcid'),
	(133, 'SubstancePolymer'),
	(134, 'SubstanceProtein'),
	(135, 'SubstanceReferenceInformation'),
	(136, 'SubstanceSourceMaterial'),
	(137, 'SubstanceSpecification'),
	(138, 'SupplyDelivery'),
	(139, 'SupplyRequest'),
	(140, 'Task'),
	(141, 'TerminologyCapabilities'),
	(142, 'TestReport'),
	(143, 'TestScript'),
	(144, 'ValueSet'),
	(145, 'VerificationResult'),
	(146, 'VisionPrescription');
INSERT INTO public.fhir_version OVERRIDING SYSTEM VALUE VALUES
	(1, 1, 103, 'C', 1795313688135000, 1, '776', '\x7b227265736f7572636554797065223a2250617469656e74222c226964223a2264383162326635372d363262332d343031622d386233322d393434383533323036633962222c226d657461223a7b2276657273696f6e4964223a2231222c226c61737455706461746564223a22323032362d31312d32325430323a31343a34382e3133355a227d2c226964656e746966696572223a5b7b2273797374656d223a2275726e3a776172646272696467653a617574686f726974793a484953222c2276616c7565223a224f4c4431227d5d2c22616374697665223a747275652c226e616d65223a5b7b22757365223a226f6666696369616c222c2266616d696c79223a22466f726d6572222c22676976656e223a5b224f6e61225d7d5d2c2267656e646572223a2266656d616c65222c22626972746844617465223a22313935302d30312d3031227d'),
	(2, 1, 71, 'C', 1795313688153000, 2, '776', '\x7b227265736f7572636554797065223a224c6f636174696f6e222c226964223a2233303135333962612d376163652d353331382d386261302d343232623032346536353566222c226d657461223a7b2276657273696f6e4964223a2231222c226c61737455706461746564223a22323032362d31312d32325430323a31343a34382e3135335a227d2c226964656e746966696572223a5b7b2273797374656d223a2275726e3a776172646272696467653a706c616365222c2276616c7565223a226f6c642d6438326265336638227d5d2c22737461747573223a22616374697665222c226e616d65223a224f4c44222c226d6f6465223a22696e7374616e6365222c22706879736963616c54797065223a7b22636f64696e67223a5b7b2273797374656d223a22687474703a2f2f7465726d696e6f6c6f67792e686c372e6f72672f436f646553797374656d2f6c6f636174696f6e2d706879736963616c2d74797065222c22636f6465223a227761222c22646973706c6179223a2257617264227d5d7d7d'),
	(3, 1, 71, 'C', 1795313688161000, 3, '776', '\x7b227265736f7572636554797065223a224c6f636174696f6e222c226964223a2266616634396436652d663936612d356666632d623763342d633533636336333733623031222c226d657461223a7b2276657273696f6e4964223a2231222c226c61737455706461746564223a22323032362d31312d32325430323a31343a34382e3136315a227d2c226964656e746966696572223a5b7b2273797374656d223a2275726e3a776172646272696467653a706c616365222c2276616c7565223a226f6c642d312d312d6233626333313062227d5d2c22737461747573223a22616374697665222c226e616d65223a224f4c4420312031222c226d6f6465223a22696e7374616e6365222c22706879736963616c54797065223a7b22636f64696e67223a5b7b2273797374656d223a22687474703a2f2f7465726d696e6f6c6f67792e686c372e6f72672f436f646553797374656d2f6c6f636174696f6e2d706879736963616c2d74797065222c22636f6465223a226264222c22646973706c6179223a22426564227d5d7d2c22706172744f66223a7b227265666572656e6365223a224c6f636174696f6e2f33303135333962612d376163652d353331382d386261302d343232623032346536353566227d7d'),
	(4, 1, 44, 'C', 1795313688166000, 4, '776', '\x7b227265736f7572636554797065223a22456e636f756e746572222c226964223a2233393439656436362d653866642d346436352d393737342d376138656164646430633039222c226d657461223a7b2276657273696f6e4964223a2231222c226c61737455706461746564223a22323032362d31312d32325430323a31343a34382e3136365a227d2c22737461747573223a22696e2d70726f6772657373222c22636c617373223a7b2273797374656d223a22687474703a2f2f7465726d696e6f6c6f67792e686c372e6f72672f436f646553797374656d2f76332d416374436f6465222c22636f6465223a22494d50222c22646973706c6179223a22696e70617469656e7420656e636f756e746572227d2c227375626a656374223a7b227265666572656e6365223a2250617469656e742f64383162326635372d363262332d343031622d386233322d393434383533323036633962227d2c226964656e746966696572223a5b7b2273797374656d223a2275726e3a776172646272696467653a7669736974222c2276616c7565223a22564f4c4431227d5d2c22706572696f64223a7b227374617274223a22323032362d31312d32325430323a30393a34382e3036355a227d2c226c6f636174696f6e223a5b7b226c6f636174696f6e223a7b227265666572656e6365223a224c6f636174696f6e2f66616634396436652d663936612d356666632d623763342d633533636336333733623031227d2c22737461747573223a22616374697665222c22706572696f64223a7b227374617274223a22323032362d31312d32325430323a30393a34382e3036355a227d7d5d7d'),
	(4, 2, 44, 'U', 1795313688174000, 5, '776', '\x7b227265736f7572636554797065223a22456e636f756e746572222c226964223a2233393439656436362d653866642d346436352d393737342d376138656164646430633039222c226d657461223a7b2276657273696f6e4964223a2232222c226c61737455706461746564223a22323032362d31312d32325430323a31343a34382e3137345a227d2c22737461747573223a22696e2d70726f6772657373222c22636c617373223a7b2273797374656d223a22687474703a2f2f7465726d696e6f6c6f67792e686c372e6f72672f436f646553797374656d2f76332d416374436f6465222c22636f6465223a22494d50222c22646973706c6179223a22696e70617469656e7420656e636f756e746572227d2c227375626a656374223a7b227265666572656e6365223a2250617469656e742f64383162326635372d363262332d343031622d386233322d393434383533323036633962227d2c226964656e746966696572223a5b7b2273797374656d223a2275726e3a776172646272696467653a7669736974222c2276616c7565223a22564f4c4431227d5d2c22706572696f64223a7b227374617274223a22323032362d31312d32325430323a30393a34382e3036355a227d2c226c6f636174696f6e223a5b7b226c6f636174696f6e223a7b227265666572656e6365223a224c6f636174696f6e2f66616634396436652d663936612d356666632d623763342d633533636336333733623031227d2c22737461747573223a22616374697665222c22706572696f64223a7b227374617274223a22323032362d31312d32325430323a30393a34382e3036355a227d7d5d7d'),
	(5, 1, 35, 'C', 1795313689310000, 6, '787', '\x7b227265736f7572636554797065223a22446576696365222c226964223a2239316633663238382d343334372d343637342d616438622d383638393836313263356538222c226d657461223a7b2276657273696f6e4964223a2231222c226c61737455706461746564223a22323032362d31312d32325430323a31343a34392e3331305a227d2c226964656e746966696572223a5b7b2273797374656d223a2275726e3a776172646272696467653a646576696365222c2276616c7565223a2230324131374346464645313130303031227d5d2c22737461747573223a22616374697665222c226465766963654e616d65223a5b7b226e616d65223a224d4f4e222c2274797065223a22757365722d667269656e646c792d6e616d65227d5d2c2274797065223a7b22636f64696e67223a5b7b2273797374656d223a2275726e3a69736f3a7374643a69736f3a31313037333a3130313031222c22636f6465223a223639393635222c22646973706c6179223a224d44435f4445565f4d4f4e5f50485953494f5f4d554c54495f504152414d5f4d4453227d5d2c2274657874223a224d6f6e69746f72227d2c226c6f636174696f6e223a7b227265666572656e6365223a224c6f636174696f6e2f66616634396436652d663936612d356666632d623763342d633533636336333733623031227d7d'),
	(6, 1, 35, 'C', 1795313689406000, 7, '787', '\x7b227265736f7572636554797065223a22446576696365222c226964223a2232396431343234302d363032352d343562662d626265392d346334353866643463366463222c226d657461223a7b2276657273696f6e4964223a2231222c226c61737455706461746564223a22323032362d31312d32325430323a31343a34392e3430365a227d2c226964656e746966696572223a5b7b2273797374656d223a2275726e3a776172646272696467653a646576696365222c2276616c7565223a22303241313743464646453131303030312f3639393636227d5d2c22737461747573223a22616374697665222c226465766963654e616d65223a5b7b226e616d65223a22303241313743464646453131303030312f3639393636222c2274797065223a22757365722d667269656e646c792d6e616d65227d5d2c2274797065223a7b22636f64696e67223a5b7b2273797374656d223a2275726e3a69736f3a7374643a69736f3a31313037333a3130313031222c22636f6465223a223639393636222c22646973706c6179223a224d44435f4445565f4d4f4e5f50485953494f5f4d554c54495f504152414d5f564d44227d5d2c2274657874223a224d44435f4445565f4d4f4e5f50485953494f5f4d554c54495f504152414d5f564d44227d2c22706172656e74223a7b227265666572656e6365223a224465766963652f39316633663238382d343334372d343637342d616438622d383638393836313263356538227d7d'),
	(7, 1, 35, 'C', 1795313689417000, 8, '787', '\x7b227265736f7572636554797065223a22446576696365222c226964223a2239346436336539312d393534332d343861632d393739302d323762376537323531383633222c226d657461223a7b2276657273696f6e4964223a2231222c226c61737455706461746564223a22323032362d31312d32325430323a31343a34392e3431375a227d2c226964656e746966696572223a5b7b2273797374656d223a2275726e3a776172646272696467653a646576696365222c2276616c7565223a22303241313743464646453131303030312f36393936362f3639393637227d5d2c22737461747573223a22616374697665222c226465766963654e616d65223a5b7b226e616d65223a22303241313743464646453131303030312f36393936362f3639393637222c2274797065223a22757365722d667269656e646c792d6e616d65227d5d2c2274797065223a7b22636f64696e67223a5b7b2273797374656d223a2275726e3a69736f3a7374643a69736f3a31313037333a3130313031222c22636f6465223a223639393637222c22646973706c6179223a224d44435f4445565f4d4f4e5f50485953494f5f4d554c54495f504152414d5f4348414e227d5d2c2274657874223a224d44435f4445565f4d4f4e5f50485953494f5f4d554c54495f504152414d5f4348414e227d2c22706172656e74223a7b227265666572656e6365223a224465766963652f39316633663238382d343334372d343637342d616438622d383638393836313263356538227d7d'),
	(8, 1, 96, 'C', 1795313689470000, 9, '787', '\x7b227265736f7572636554797065223a224f62736572766174696f6e222c226964223a2263303462666234642d323834302d353365372d393739632d336233346532613939393064222c226d657461223a7b2276657273696f6e4964223a2231222c226c61737455706461746564223a22323032362d31312d32325430323a31343a34392e3437305a227d2c22657874656e73696f6e223a5b7b2275726c223a2275726e3a776172646272696467653a73616d706c65222c22657874656e73696f6e223a5b7b2275726c223a226368616e6e656c222c2276616c7565537472696e67223a2231227d2c7b2275726c223a2274696d65222c2276616c7565537472696e67223a2231373935333133363839323534303030227d5d7d5d2c226964656e746966696572223a5b7b2273797374656d223a2275726e3a776172646272696467653a63686172746564222c2276616c7565223a2239316633663238382d343334372d343637342d616438622d3836383938363132633565387c36393936362f36393936372f3134373834327c313739353331333638393235343030307c706572696f646963227d5d2c22737461747573223a227072656c696d696e617279222c2263617465676f7279223a5b7b22636f64696e67223a5b7b2273797374656d223a22687474703a2f2f7465726d696e6f6c6f67792e686c372e6f72672f436f646553797374656d2f6f62736572766174696f6e2d63617465676f7279222c22636f6465223a22766974616c2d7369676e73222c22646973706c6179223a22566974616c205369676e73227d5d7d5d2c22636f6465223a7b22636f64696e67223a5b7b2273797374656d223a22687474703a2f2f6c6f696e632e6f7267222c22636f6465223a22383836372d34227d2c7b2273797374656d223a2275726e3a69736f3a7374643a69736f3a31313037333a3130313031222c22636f6465223a22313437383432222c22646973706c6179223a224d44435f4543475f48454152545f52415445227d5d2c2274657874223a2248656172742072617465227d2c227375626a656374223a7b227265666572656e6365223a2250617469656e742f64383162326635372d363262332d343031622d386233322d393434383533323036633962227d2c22656e636f756e746572223a7b227265666572656e6365223a22456e636f756e7465722f33393439656436362d653866642d346436352d393737342d376138656164646430633039227d2c226566666563746976654461746554696d65223a22323032362d31312d32325430323a31343a34392e3235345a222c2276616c75655175616e74697479223a7b2276616c7565223a36312e35302c22756e6974223a222f6d696e222c2273797374656d223a22687474703a2f2f756e6974736f666d6561737572652e6f7267222c22636f6465223a222f6d696e227d2c22646576696365223a7b227265666572656e6365223a224465766963652f39316633663238382d343334372d343637342d616438622d383638393836313263356538227d7d'),
	(9, 1, 8, 'C', 1795313689823000, 10, '795', '\x7b227265736f7572636554797065223a224261736963222c226964223a2265313863623837642d663532622d343830632d613062322d613735616666636531353835222c226d657461223a7b2276657273696f6e4964223a2231222c226c61737455706461746564223a22323032362d31312d32325430323a31343a34392e3832335a227d2c22636f6465223a7b2274657874223a226b657074227d7d');
INSERT INTO public.intake_20779 VALUES
	(1, '774', 1795313688066179, 'adt', 'hl7', 'HIS|HOUSE', 'old-1', 'ADT^A01', 'ADT^A01', 'ok', false, '{HIS|OLD1}', '', '\x28b52ffd20b925040022091e2050853a076108408cd742afc44e4def4109b3fcef407c02057b301aa12a6cec30cbed81d39dcef6c0bffb9ea2e5dc759b2cfe1f0430ab80818a72fe0594f1b9cc747be0efb7172d97b9626a5682b04777014080bacb24a3317fdb1212a5c8c1b09495315b61659712ef88c69b2841f7f8dc078e82bc8b5002008eebc0c1a03a03', '\x28b52ffd607a00450900b6d3433180193607f370aa9181a45ce8b791d12669ad68180ad5788d242988c88e64939652365789176d386a46c198d4c86c4c7e493900370036008c8f54c20c0986e2c869a36ae0206ecf75d8d82f0b8f0817282c00a04c58768f5a831713b00e56db8d83fe0fb6095b0a4c67c769ff4800a5426c61cb328000bbf8751bc67b2b26721b22d9edf663e963e6e3463b95f3e3f06049ae1f5d580e7ef451080e4018929e4a803030a56f8701ac986c7a2074ca9060e6f78b280737755085986254d79a7fdcaf1004f92f82ad698419128c82ea3b76a392b01c951bef759818709c018f6557762df288ec383f96b2ecb8325aec9d28cbfffdac5e523aaff7f1bf4ae4b2624ad9386c871e48e9db75d3c5c5a60d070041e342b4719586a0a5b69a6a1709559459f18402'),
	(2, '785', 1795313689257877, 'device', 'hl7', 'MON^02A17CFFFE110001^EUI-64|ICU', 'old-1795313689.254656', 'report', 'PCD-01', 'ok', false, '{}', '[["103","OBX[2]-3","the code is not in the nomenclature"],["103","OBX[3]-3","the code is not in the nomenclature"]]', '\x28b52ffd60ac01ed090036d53e2140675807a39e43fa45e97bb60fc788e5c5ce640412039f88901a00fa3b3a92d70534003500360008e7a5f5a1b279693f54febbbb020a4948518ad3a6c4bcd2a6ff4f8357ab009fd7bcbbcc0f8140b48459da66647c4041427f696277701ab281cd8819ade45018315288d14207e2766d02bc0536ef56d7667d0bfcff3fe609f67fa1f4f9852cc33af84094840b0607018b162de2f31707693417bb71b14646d9acd0493cb14ad8102cb3323256c573b5b9d8c85294c5c8d8a707691cfeac98c6d3fd7477ff0106fdff4d5c5804c64adfac0e7b871aa153cba056fa2288d7f9398c5687b2b7d481f69232248a1f992b66d8d292835d54acf42ffe19006898faa9ab6835b584cba13324140930039423b400f805d9007c807c476ba00b06c735714a46c55ee6284c438765979e3013bcbaaa60e8996d874c5051', '\x28b52ffd607f01350c006695533b206dec204a934a0d948834739bad592b0d71442390982a304a99371ef648017ed6795ef8c5b657d51de426ae91d8ec12255f41b305608ac24461654600420043007a77dbe580e66daed33b93b38d333d20a4218f09fa0ebce83b0f370d0a207e04df45cd733883059fcb46060646454700120a00cc1195525a6bb6582cf8aa77a21a2e4fa7cc081bfc6ed676019c37ce3407843b31415345b9aa3ae1a8e862b8e15f0601b3c4e7ae8623a1eeeaf0339de1208f09b216c3ec84c3ff5ca7cb7fc9f4d6f7bbdede400398db83ca4a1b265350709df630437cdff9c82d3e171b3e6ee04c979f4eb5a456853f67034d17c789056ed3fbcbde066fae6cbd6d9873cef9812320825a926a2f64f07e0114b7f8f88d87d3f948f688777cd4c5c8933dba10231e929c88777c2444490926049a4aa741d15a4e9050a994610f83b56c654d128c62a94a59d855a5d04376607015004111ce2a6c1a3544846eded7d1d40b5c85a67df012d00cfcb5a10d50ee0c9cc1e0d418df1a66084850b1464e684b57735e007a');
INSERT INTO public.intake_cursor VALUES
	('devices', '785', 2);
INSERT INTO public.intake_key_2968 VALUES
	(2968, -2719632420291511990, '\x3c93cfbb9082733fc1fd8f66b1b6ac32', 1),
	(2968, -8577015808233220673, '\xb75851fb78830ae92ae6e52e81bdabdf', 2);
INSERT INTO public.last_value VALUES
	(1, '61.50', 61.5, 1795313689254000, 0, 1795313689257877, 0);
INSERT INTO public.patient_key VALUES
	('HIS|OLD1', 'OLD1', 'd81b2f57-62b3-401b-8b32-944853206c9b');
INSERT INTO public.patient_place VALUES
	('d81b2f57-62b3-401b-8b32-944853206c9b', 1795313388065000, NULL, 'old-1-1-b3bc310b', 'VOLD1');
INSERT INTO public.person VALUES
	('6130302d-b5f9-453f-99fa-c890e410834a', 'olivia', 'olivia', '{nurse}', '$argon2id$v=19$m=65536,t=3,p=4$y2TWsds1QLybVqmGquWlOQ$TDh/a5BBsvA78mysgWGOXOMk0AYQsMEMvJosPoCswig', '', true, '2026-11-22 02:14:48.061719+00');
INSERT INTO public.pipeline_count VALUES
	('adt_A01', 1),
	('entries_adt', 1),
	('charted', 1),
	('devices_new', 1),
	('entries_device', 1),
	('events', 2),
	('values', 1);
INSERT INTO public.place VALUES
	('old-d82be3f8', 'OLD', '', '', 'OLD', '301539ba-7ace-5318-8ba0-422b024e655f'),
	('old-1-1-b3bc310b', 'OLD', '1', '1', '1', 'faf49d6e-f96a-5ffc-b7c4-c53cc6373b01');
INSERT INTO public.schema_migration VALUES
	('core', 1, 'core', 'eaf2ea39e1c7447956be497e4a9090dee5d4688fec1d3b0251cf48d36d87ea4b', '2026-11-22 02:14:45.683389+00'),
	('security', 1, 'security', '9284cc4f9506948b89bfc439677eff771f30cfbc1f93b7a96848828c29992443', '2026-11-22 02:14:45.686672+00'),
	('fhir', 1, 'record', '1e1fddd650105f68a3774c050b3562775e950832fc2e69b6a80921355c163ab3', '2026-11-22 02:14:45.698799+00'),
	('telemetry', 1, 'telemetry', '125a917819bfc15549251621ae51fb7ed428cf7c004b3c0973087830f25d9f73', '2026-11-22 02:14:45.722177+00'),
	('exchange', 1, 'intake', '77bc66260b42024d4a655d041bd101b5a16bafadfb16b244f7a2660ddd6e9cc7', '2026-11-22 02:14:45.731541+00'),
	('exchange', 2, 'outbound', '59f6e13ba50f359cf1197f8378b54aaeaaae02779ae900ca6201133a9a1244e9', '2026-11-22 02:14:45.736181+00'),
	('exchange', 3, 'find', '73076d52255f54bd82d4fa6e128728c79394ff55a525f49eb3a130433bf80b59', '2026-11-22 02:14:45.74594+00'),
	('devices', 1, 'devices', 'b4d06ad412223f3f3c7dd94f2a90b3bd196e30a9e56404ff122f8951c499e113', '2026-11-22 02:14:45.747752+00'),
	('devices', 2, 'unbound', '9d954d2d4dd2667b692f0fea560ef50fe48333c6cdd75657768e2afe66c236f4', '2026-11-22 02:14:45.80388+00'),
	('alarms', 1, 'alarms', '1f14236560bcc50a08a7a31044ad758b907472ef28f9c66c36d8cb9e3827413f', '2026-11-22 02:14:45.805673+00'),
	('equipment', 1, 'equipment', '991a4da3b12829ab41ce3f45695f9d1a6883567063baabb7b024411eea75dea5', '2026-11-22 02:14:45.826409+00');
INSERT INTO public.telemetry_hot VALUES
	(1, '787', '91f3f288-4347-4674-ad8b-86898612c5e8', 1795313689257877, 1795313689254000, 1795313689254001, '\x28b52ffd201ff9000092919601cf000660d40ab5587000a536312e3530cb404ec000000000000090');
INSERT INTO public.visit VALUES
	('d81b2f57-62b3-401b-8b32-944853206c9b', 'VOLD1', '3949ed66-e8fd-4d65-9774-7a8eaddd0c09', '32269c7afc809b626a5b63d4');
SELECT pg_catalog.setval('public.adt_event_event_id_seq', 1, true);
SELECT pg_catalog.setval('public.alarm_alarm_id_seq', 1, false);
SELECT pg_catalog.setval('public.alarm_event_sequence_seq', 1, false);
SELECT pg_catalog.setval('public.audit_event_sequence_seq', 2, true);
SELECT pg_catalog.setval('public.binding_binding_id_seq', 1, true);
SELECT pg_catalog.setval('public.channel_channel_id_seq', 1, true);
SELECT pg_catalog.setval('public.chart_point_point_id_seq', 1, true);
SELECT pg_catalog.setval('public.device_epoch_seq', 1, false);
SELECT pg_catalog.setval('public.device_expected_expected_id_seq', 1, true);
SELECT pg_catalog.setval('public.fhir_parameter_number_seq', -30479, true);
SELECT pg_catalog.setval('public.fhir_resource_key_seq', 9, true);
SELECT pg_catalog.setval('public.fhir_type_number_seq', 146, true);
SELECT pg_catalog.setval('public.fhir_version_sequence_seq', 10, true);
SELECT pg_catalog.setval('public.hand_hand_id_seq', 1, false);
SELECT pg_catalog.setval('public.intake_sequence', 2, true);
SELECT pg_catalog.setval('public.outbound_message_id_seq', 1, false);
SELECT pg_catalog.setval('public.telemetry_sequence', 1, true);
ALTER TABLE ONLY public.adt_event
    ADD CONSTRAINT adt_event_patient_id_kind_visit_occurred_recorded_place_id_key UNIQUE NULLS NOT DISTINCT (patient_id, kind, visit, occurred, recorded, place_id);
ALTER TABLE ONLY public.adt_event
    ADD CONSTRAINT adt_event_pkey PRIMARY KEY (event_id);
ALTER TABLE ONLY public.alarm_cursor
    ADD CONSTRAINT alarm_cursor_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.alarm_event
    ADD CONSTRAINT alarm_event_pkey PRIMARY KEY (sequence);
ALTER TABLE ONLY public.alarm_heartbeat
    ADD CONSTRAINT alarm_heartbeat_pkey PRIMARY KEY (sole);
ALTER TABLE ONLY public.alarm_limit
    ADD CONSTRAINT alarm_limit_pkey PRIMARY KEY (scope, slot);
ALTER TABLE ONLY public.alarm
    ADD CONSTRAINT alarm_pkey PRIMARY KEY (alarm_id);
ALTER TABLE ONLY public.audit_event
    ADD CONSTRAINT audit_event_pkey PRIMARY KEY (sequence);
ALTER TABLE ONLY public.bed_standby
    ADD CONSTRAINT bed_standby_pkey PRIMARY KEY (place_id);
ALTER TABLE ONLY public.binding
    ADD CONSTRAINT binding_device_id_start_key UNIQUE (device_id, start);
ALTER TABLE ONLY public.binding
    ADD CONSTRAINT binding_pkey PRIMARY KEY (binding_id);
ALTER TABLE ONLY public.bound_patient
    ADD CONSTRAINT bound_patient_pkey PRIMARY KEY (patient_id);
ALTER TABLE ONLY public.channel
    ADD CONSTRAINT channel_device_id_key_kind_code_unit_ucum_key UNIQUE (device_id, key, kind, code, unit, ucum);
ALTER TABLE ONLY public.channel
    ADD CONSTRAINT channel_pkey PRIMARY KEY (channel_id);
ALTER TABLE ONLY public.chart_point
    ADD CONSTRAINT chart_point_device_id_channel_reason_slot_key UNIQUE (device_id, channel, reason, slot);
ALTER TABLE ONLY public.chart_point
    ADD CONSTRAINT chart_point_pkey PRIMARY KEY (point_id);
ALTER TABLE ONLY public.charted
    ADD CONSTRAINT charted_pkey PRIMARY KEY (observation_id);
ALTER TABLE ONLY public.device_epoch
    ADD CONSTRAINT device_epoch_pkey PRIMARY KEY (sole);
ALTER TABLE ONLY public.device_expected
    ADD CONSTRAINT device_expected_pkey PRIMARY KEY (expected_id);
ALTER TABLE ONLY public.device
    ADD CONSTRAINT device_key_key UNIQUE (key);
ALTER TABLE ONLY public.device_mode
    ADD CONSTRAINT device_mode_pkey PRIMARY KEY (device_id, start);
ALTER TABLE ONLY public.device
    ADD CONSTRAINT device_pkey PRIMARY KEY (device_id);
ALTER TABLE ONLY public.device_place
    ADD CONSTRAINT device_place_pkey PRIMARY KEY (device_id, start);
ALTER TABLE ONLY public.device_state
    ADD CONSTRAINT device_state_pkey PRIMARY KEY (device_id);
ALTER TABLE ONLY public.device_subject
    ADD CONSTRAINT device_subject_pkey PRIMARY KEY (device_id, start);
ALTER TABLE ONLY public.feed_cursor
    ADD CONSTRAINT feed_cursor_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.fhir_parameter
    ADD CONSTRAINT fhir_parameter_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.fhir_parameter
    ADD CONSTRAINT fhir_parameter_type_code_url_key UNIQUE (type, code, url);
ALTER TABLE ONLY public.fhir_resource
    ADD CONSTRAINT fhir_resource_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.fhir_type
    ADD CONSTRAINT fhir_type_name_key UNIQUE (name);
ALTER TABLE ONLY public.fhir_type
    ADD CONSTRAINT fhir_type_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.fhir_version
    ADD CONSTRAINT fhir_version_pkey PRIMARY KEY (key, version);
ALTER TABLE ONLY public.hand
    ADD CONSTRAINT hand_pkey PRIMARY KEY (hand_id);
ALTER TABLE ONLY public.intake_cursor
    ADD CONSTRAINT intake_cursor_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.intake_key
    ADD CONSTRAINT intake_key_pkey PRIMARY KEY (generation, name, digest);
ALTER TABLE ONLY public.intake_key_2967
    ADD CONSTRAINT intake_key_2967_pkey PRIMARY KEY (generation, name, digest);
ALTER TABLE ONLY public.intake_key_2968
    ADD CONSTRAINT intake_key_2968_pkey PRIMARY KEY (generation, name, digest);
ALTER TABLE ONLY public.last_value
    ADD CONSTRAINT last_value_pkey PRIMARY KEY (channel_id);
ALTER TABLE ONLY public.outbound_destination
    ADD CONSTRAINT outbound_destination_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.outbound_message
    ADD CONSTRAINT outbound_message_destination_key_key UNIQUE (destination, key);
ALTER TABLE ONLY public.outbound_message
    ADD CONSTRAINT outbound_message_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.patient_key
    ADD CONSTRAINT patient_key_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.patient_place
    ADD CONSTRAINT patient_place_pkey PRIMARY KEY (patient_id, start);
ALTER TABLE ONLY public.person
    ADD CONSTRAINT person_pkey PRIMARY KEY (person_id);
ALTER TABLE ONLY public.pipeline_count
    ADD CONSTRAINT pipeline_count_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.place
    ADD CONSTRAINT place_pkey PRIMARY KEY (place_id);
ALTER TABLE ONLY public.place
    ADD CONSTRAINT place_ward_room_bed_key UNIQUE (ward, room, bed);
ALTER TABLE ONLY public.process_state
    ADD CONSTRAINT process_state_pkey PRIMARY KEY (process);
ALTER TABLE ONLY public.refused
    ADD CONSTRAINT refused_pkey PRIMARY KEY (sequence, stage);
ALTER TABLE ONLY public.schema_migration
    ADD CONSTRAINT schema_migration_pkey PRIMARY KEY (room, number);
ALTER TABLE ONLY public.score_input
    ADD CONSTRAINT score_input_pkey PRIMARY KEY (patient_id, name, observation_id);
ALTER TABLE ONLY public.score
    ADD CONSTRAINT score_pkey PRIMARY KEY (patient_id, name, "time");
ALTER TABLE ONLY public.service_client
    ADD CONSTRAINT service_client_pkey PRIMARY KEY (client_id);
ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (digest);
ALTER TABLE ONLY public.telemetry_hot
    ADD CONSTRAINT telemetry_hot_pkey PRIMARY KEY (sequence);
ALTER TABLE ONLY public.visit
    ADD CONSTRAINT visit_pkey PRIMARY KEY (patient_id, visit);
ALTER TABLE ONLY public.work
    ADD CONSTRAINT work_pkey PRIMARY KEY (work_id);
CREATE INDEX alarm_device ON public.alarm USING btree (device_id, since) WHERE (device_id <> ''::text);
CREATE INDEX alarm_event_alarm ON public.alarm_event USING btree (alarm_id);
CREATE UNIQUE INDEX alarm_event_once ON public.alarm_event USING btree (alarm_id, event_id) WHERE (event_id <> ''::text);
CREATE UNIQUE INDEX alarm_open ON public.alarm USING btree (origin, key) WHERE (ended IS NULL);
CREATE INDEX alarm_patient ON public.alarm USING btree (patient_id, since) WHERE (patient_id <> ''::text);
CREATE INDEX alarm_place ON public.alarm USING btree (place_id, since);
CREATE INDEX audit_event_actor ON public.audit_event USING btree (actor, at);
CREATE INDEX audit_event_at ON public.audit_event USING brin (at) WITH (pages_per_range='32');
CREATE INDEX audit_event_id ON public.audit_event USING btree (audit_id);
CREATE INDEX audit_event_patients ON public.audit_event USING gin (patients) WITH (fastupdate='on') WHERE (patients <> '{}'::text[]);
CREATE INDEX audit_event_target ON public.audit_event USING btree (target_type, target_id, at) WHERE (target_id <> ''::text);
CREATE INDEX binding_conflict ON public.binding USING btree (start) WHERE (conflict <> ''::text);
CREATE INDEX binding_open ON public.binding USING btree (device_id) WHERE (stop IS NULL);
CREATE INDEX binding_patient ON public.binding USING btree (patient_id, start) WHERE (patient_id IS NOT NULL);
CREATE INDEX chart_point_observation ON public.chart_point USING btree (observation_id) WHERE (observation_id IS NOT NULL);
CREATE INDEX chart_point_patient ON public.chart_point USING btree (patient_id, "time") WHERE (patient_id IS NOT NULL);
CREATE INDEX chart_point_time ON public.chart_point USING btree (device_id, "time");
CREATE INDEX chart_point_unbound ON public.chart_point USING btree (device_id, "time") WHERE ((patient_id IS NULL) AND (NOT withdrawn));
CREATE INDEX charted_point ON public.charted USING btree (point_id);
CREATE INDEX device_by_epoch ON public.device USING btree (epoch);
CREATE UNIQUE INDEX device_expected_key ON public.device_expected USING btree (key) WHERE (key <> ''::text);
CREATE INDEX device_expected_serial ON public.device_expected USING btree (serial) WHERE (serial <> ''::text);
CREATE INDEX device_parent ON public.device USING btree (parent_id) WHERE (parent_id IS NOT NULL);
CREATE INDEX device_place_place ON public.device_place USING btree (place_id);
CREATE INDEX device_queue ON public.device USING btree (first_seen) WHERE (state = 'unknown'::text);
CREATE INDEX device_subject_ids ON public.device_subject USING gin (ids);
CREATE INDEX fhir_composite_hash ON public.fhir_composite USING btree (parameter, hash, low, key);
CREATE INDEX fhir_composite_key ON public.fhir_composite USING btree (key);
CREATE INDEX fhir_date_high ON public.fhir_date USING btree (parameter, high, key);
CREATE INDEX fhir_date_key ON public.fhir_date USING btree (key);
CREATE INDEX fhir_date_low ON public.fhir_date USING btree (parameter, low, high, key);
CREATE INDEX fhir_number_key ON public.fhir_number USING btree (key);
CREATE INDEX fhir_number_low ON public.fhir_number USING btree (parameter, low, high, key);
CREATE INDEX fhir_quantity_base ON public.fhir_quantity USING btree (parameter, base_unit, base_low, key) WHERE (base_unit IS NOT NULL);
CREATE INDEX fhir_quantity_key ON public.fhir_quantity USING btree (key);
CREATE INDEX fhir_quantity_low ON public.fhir_quantity USING btree (parameter, low, high, key);
CREATE INDEX fhir_reference_hash ON public.fhir_reference USING btree (parameter, hash, key);
CREATE INDEX fhir_reference_key ON public.fhir_reference USING btree (key);
CREATE INDEX fhir_reference_target ON public.fhir_reference USING btree (hash, key);
CREATE UNIQUE INDEX fhir_resource_id ON public.fhir_resource USING btree (type, id);
CREATE INDEX fhir_resource_key ON public.fhir_resource USING btree (type, key) WHERE (NOT deleted);
CREATE INDEX fhir_resource_updated ON public.fhir_resource USING btree (type, updated, key);
CREATE INDEX fhir_string_key ON public.fhir_string USING btree (key);
CREATE INDEX fhir_string_value ON public.fhir_string USING btree (parameter, value, key);
CREATE INDEX fhir_token_hash ON public.fhir_token USING btree (parameter, hash, key);
CREATE INDEX fhir_token_key ON public.fhir_token USING btree (key);
CREATE INDEX fhir_uri_key ON public.fhir_uri USING btree (key);
CREATE INDEX fhir_uri_value ON public.fhir_uri USING btree (parameter, value, key);
CREATE UNIQUE INDEX fhir_version_sequence ON public.fhir_version USING btree (sequence);
CREATE INDEX fhir_version_transaction ON public.fhir_version USING btree (transaction, sequence);
CREATE INDEX fhir_version_type ON public.fhir_version USING btree (type, sequence);
CREATE INDEX hand_device ON public.hand USING btree (device_id, hand_id);
CREATE INDEX hand_ends ON public.hand USING btree (ends_with) WHERE (ends_with IS NOT NULL);
CREATE INDEX hand_patient ON public.hand USING btree (patient_id) WHERE (patient_id IS NOT NULL);
CREATE INDEX intake_control ON ONLY public.intake USING btree (control, received) WHERE (control <> ''::text);
CREATE INDEX intake_20779_control_received_idx ON public.intake_20779 USING btree (control, received) WHERE (control <> ''::text);
CREATE INDEX intake_patient ON ONLY public.intake USING gin (patient_ids) WHERE (patient_ids <> '{}'::text[]);
CREATE INDEX intake_20779_patient_ids_idx ON public.intake_20779 USING gin (patient_ids) WHERE (patient_ids <> '{}'::text[]);
CREATE INDEX intake_received ON ONLY public.intake USING btree (received, sequence);
CREATE INDEX intake_20779_received_sequence_idx ON public.intake_20779 USING btree (received, sequence);
CREATE INDEX intake_sequence_at ON ONLY public.intake USING btree (sequence);
CREATE INDEX intake_20779_sequence_idx ON public.intake_20779 USING btree (sequence);
CREATE INDEX intake_read ON ONLY public.intake USING btree (xid, sequence);
CREATE INDEX intake_20779_xid_sequence_idx ON public.intake_20779 USING btree (xid, sequence);
CREATE INDEX login_failure_key ON public.login_failure USING btree (key, at);
CREATE INDEX outbound_control ON public.outbound_message USING btree (control);
CREATE INDEX outbound_created ON public.outbound_message USING btree (created, id);
CREATE INDEX outbound_dead ON public.outbound_message USING btree (destination, id) WHERE (state = 'dead'::text);
CREATE INDEX outbound_finished ON public.outbound_message USING btree (finished) WHERE (state <> 'queued'::text);
CREATE INDEX outbound_patient ON public.outbound_message USING gin (patient_ids) WHERE (patient_ids <> '{}'::text[]);
CREATE INDEX outbound_queue ON public.outbound_message USING btree (destination, xid, id) WHERE (state = 'queued'::text);
CREATE INDEX patient_key_patient ON public.patient_key USING btree (patient_id);
CREATE INDEX patient_key_value ON public.patient_key USING btree (value);
CREATE INDEX patient_place_place ON public.patient_place USING btree (place_id, start);
CREATE UNIQUE INDEX person_login ON public.person USING btree (lower(login));
CREATE INDEX refused_at ON public.refused USING btree (at);
CREATE INDEX score_input_time ON public.score_input USING btree (patient_id, name, "time");
CREATE INDEX session_expires ON public.session USING btree (expires);
CREATE INDEX session_person ON public.session USING btree (person_id);
CREATE INDEX telemetry_hot_device ON public.telemetry_hot USING btree (device_id, received);
CREATE INDEX telemetry_hot_tail ON public.telemetry_hot USING btree (xid, sequence);
CREATE INDEX telemetry_numeric_at ON ONLY public.telemetry_numeric USING btree (channel_id, start);
CREATE INDEX telemetry_wave_at ON ONLY public.telemetry_wave USING btree (channel_id, start);
CREATE INDEX work_device ON public.work USING btree (device_id, kind, state);
CREATE INDEX work_due ON public.work USING btree (due) WHERE ((kind = 'maintenance'::text) AND (state <> 'resolved'::text));
CREATE UNIQUE INDEX work_one_machine_fault ON public.work USING btree (device_id, code) WHERE ((kind = 'fault'::text) AND (state <> 'resolved'::text) AND (code <> ''::text));
CREATE UNIQUE INDEX work_one_plan ON public.work USING btree (device_id, name) WHERE ((kind = 'maintenance'::text) AND (state <> 'resolved'::text));
ALTER INDEX public.intake_control ATTACH PARTITION public.intake_20779_control_received_idx;
ALTER INDEX public.intake_patient ATTACH PARTITION public.intake_20779_patient_ids_idx;
ALTER INDEX public.intake_received ATTACH PARTITION public.intake_20779_received_sequence_idx;
ALTER INDEX public.intake_sequence_at ATTACH PARTITION public.intake_20779_sequence_idx;
ALTER INDEX public.intake_read ATTACH PARTITION public.intake_20779_xid_sequence_idx;
ALTER INDEX public.intake_key_pkey ATTACH PARTITION public.intake_key_2967_pkey;
ALTER INDEX public.intake_key_pkey ATTACH PARTITION public.intake_key_2968_pkey;
CREATE TRIGGER audit_event_append_only BEFORE DELETE OR UPDATE ON public.audit_event FOR EACH ROW EXECUTE FUNCTION public.audit_event_is_append_only();
CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON public.audit_event FOR EACH STATEMENT EXECUTE FUNCTION public.audit_event_is_append_only();
ALTER TABLE ONLY public.adt_event
    ADD CONSTRAINT adt_event_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES public.bound_patient(patient_id);
ALTER TABLE ONLY public.adt_event
    ADD CONSTRAINT adt_event_place_id_fkey FOREIGN KEY (place_id) REFERENCES public.place(place_id);
ALTER TABLE ONLY public.alarm_event
    ADD CONSTRAINT alarm_event_alarm_id_fkey FOREIGN KEY (alarm_id) REFERENCES public.alarm(alarm_id);
ALTER TABLE ONLY public.binding
    ADD CONSTRAINT binding_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(device_id);
ALTER TABLE ONLY public.binding
    ADD CONSTRAINT binding_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES public.bound_patient(patient_id);
ALTER TABLE ONLY public.binding
    ADD CONSTRAINT binding_place_id_fkey FOREIGN KEY (place_id) REFERENCES public.place(place_id);
ALTER TABLE ONLY public.chart_point
    ADD CONSTRAINT chart_point_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(device_id);
ALTER TABLE ONLY public.charted
    ADD CONSTRAINT charted_point_id_fkey FOREIGN KEY (point_id) REFERENCES public.chart_point(point_id);
ALTER TABLE ONLY public.device_expected
    ADD CONSTRAINT device_expected_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(device_id);
ALTER TABLE ONLY public.device_mode
    ADD CONSTRAINT device_mode_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(device_id);
ALTER TABLE ONLY public.device
    ADD CONSTRAINT device_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES public.device(device_id);
ALTER TABLE ONLY public.device_place
    ADD CONSTRAINT device_place_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(device_id);
ALTER TABLE ONLY public.device_place
    ADD CONSTRAINT device_place_place_id_fkey FOREIGN KEY (place_id) REFERENCES public.place(place_id);
ALTER TABLE ONLY public.device_state
    ADD CONSTRAINT device_state_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(device_id);
ALTER TABLE ONLY public.device_subject
    ADD CONSTRAINT device_subject_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(device_id);
ALTER TABLE ONLY public.hand
    ADD CONSTRAINT hand_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(device_id);
ALTER TABLE ONLY public.hand
    ADD CONSTRAINT hand_ends_with_fkey FOREIGN KEY (ends_with) REFERENCES public.bound_patient(patient_id);
ALTER TABLE ONLY public.hand
    ADD CONSTRAINT hand_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES public.bound_patient(patient_id);
ALTER TABLE ONLY public.patient_key
    ADD CONSTRAINT patient_key_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES public.bound_patient(patient_id);
ALTER TABLE ONLY public.patient_place
    ADD CONSTRAINT patient_place_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES public.bound_patient(patient_id);
ALTER TABLE ONLY public.patient_place
    ADD CONSTRAINT patient_place_place_id_fkey FOREIGN KEY (place_id) REFERENCES public.place(place_id);
ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(person_id);
ALTER TABLE ONLY public.visit
    ADD CONSTRAINT visit_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES public.bound_patient(patient_id);
