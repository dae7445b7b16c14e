-- What people and machines changed in tables that must be accounted for, row by row. A trigger writes it, so no
-- code path can forget to: a statement without an actor (set for the transaction by security.acting) is refused.
-- "before" and "after" hold the whole row for a creation or deletion, only the columns that differ for an update:
-- replaying them from nothing gives the tables again.

CREATE TABLE change (
    sequence   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    audit_id   uuid NOT NULL,
    at         bigint NOT NULL,
    actor      text NOT NULL,
    display    text NOT NULL,
    table_name text NOT NULL,
    key        text NOT NULL,
    device_id  text NOT NULL DEFAULT '',
    action     "char" NOT NULL,
    before     jsonb,
    after      jsonb,
    reason     text NOT NULL DEFAULT ''
);
CREATE INDEX change_by_key ON change (table_name, key, sequence);
CREATE INDEX change_by_device ON change (device_id, sequence) WHERE device_id <> '';
CREATE INDEX change_by_audit ON change (audit_id);

CREATE TRIGGER change_append_only BEFORE UPDATE OR DELETE ON change
    FOR EACH ROW EXECUTE FUNCTION audit_event_is_append_only();
CREATE TRIGGER change_no_truncate BEFORE TRUNCATE ON change
    FOR EACH STATEMENT EXECUTE FUNCTION audit_event_is_append_only();

-- Arguments: the columns of the key.
CREATE FUNCTION journal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    who    jsonb;
    old_row jsonb;
    new_row jsonb;
    whole  jsonb;
    key    text;
    ident  uuid := gen_random_uuid();
BEGIN
    IF coalesce(current_setting('wardbridge.actor', true), '') = '' THEN
        RAISE EXCEPTION 'a change of % without an actor', TG_TABLE_NAME;
    END IF;
    who := current_setting('wardbridge.actor')::jsonb;
    IF TG_OP <> 'INSERT' THEN old_row := to_jsonb(OLD); END IF;
    IF TG_OP <> 'DELETE' THEN new_row := to_jsonb(NEW); END IF;
    whole := coalesce(new_row, old_row);
    IF TG_OP = 'UPDATE' THEN
        IF old_row = new_row THEN RETURN NULL; END IF;
        SELECT jsonb_object_agg(o.key, o.value), jsonb_object_agg(o.key, new_row -> o.key)
          INTO old_row, new_row
          FROM jsonb_each(old_row) o WHERE o.value IS DISTINCT FROM new_row -> o.key;
    END IF;
    SELECT string_agg(whole ->> name, '/' ORDER BY n) INTO key FROM unnest(TG_ARGV) WITH ORDINALITY AS a (name, n);
    INSERT INTO audit_event (audit_id, at, actor, actor_kind, display, roles, action, event, target_type, target_id,
                             patients, outcome, reason, query, address)
    VALUES (ident, (who ->> 'at')::bigint, who ->> 'id', who ->> 'kind', who ->> 'display',
            ARRAY(SELECT jsonb_array_elements_text(who -> 'roles')),
            CASE TG_OP WHEN 'INSERT' THEN 'C' WHEN 'UPDATE' THEN 'U' ELSE 'D' END,
            CASE TG_OP WHEN 'INSERT' THEN 'create' WHEN 'UPDATE' THEN 'update' ELSE 'delete' END,
            'table.' || TG_TABLE_NAME, key,
            CASE WHEN coalesce(whole ->> 'patient_id', '') = '' THEN '{}' ELSE ARRAY[whole ->> 'patient_id'] END,
            0, left(coalesce(who ->> 'reason', ''), 500), '', coalesce(who ->> 'address', ''));
    INSERT INTO change (audit_id, at, actor, display, table_name, key, device_id, action, before, after, reason)
    VALUES (ident, (who ->> 'at')::bigint, who ->> 'id', who ->> 'display', TG_TABLE_NAME, key,
            coalesce(whole ->> 'device_id', ''),
            CASE TG_OP WHEN 'INSERT' THEN 'C' WHEN 'UPDATE' THEN 'U' ELSE 'D' END,
            old_row, new_row, coalesce(who ->> 'reason', ''));
    RETURN NULL;
END $$;

-- Puts a table under account: SELECT account_for('asset', 'device_id'). Rows that are there already are entered first.
CREATE FUNCTION account_for(name text, VARIADIC key text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format($f$
        WITH there AS MATERIALIZED (
            SELECT gen_random_uuid() AS audit_id, (extract(epoch FROM now()) * 1000000)::bigint AS at, to_jsonb(t) AS row
            FROM %1$I t),
        keyed AS (SELECT *, (SELECT string_agg(row ->> k, '/' ORDER BY n)
                             FROM unnest($1) WITH ORDINALITY AS a (k, n)) AS key FROM there),
        told AS (
            INSERT INTO audit_event (audit_id, at, actor, actor_kind, display, roles, action, event, target_type,
                                     target_id, patients, outcome, reason, query, address)
            SELECT audit_id, at, 'wardbridge', 'system', 'Wardbridge', '{}', 'C', 'create', 'table.' || %1$L, key,
                   CASE WHEN coalesce(row ->> 'patient_id', '') = '' THEN '{}' ELSE ARRAY[row ->> 'patient_id'] END,
                   0, 'taken under account', '', '' FROM keyed)
        INSERT INTO change (audit_id, at, actor, display, table_name, key, device_id, action, after, reason)
        SELECT audit_id, at, 'wardbridge', 'Wardbridge', %1$L, key, coalesce(row ->> 'device_id', ''), 'C', row,
               'taken under account' FROM keyed$f$, name) USING key;
    EXECUTE format('CREATE TRIGGER %I AFTER INSERT OR UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION journal(%s)',
                   name || '_journal', name, (SELECT string_agg(quote_literal(k), ', ') FROM unnest(key) k));
    EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION audit_event_is_append_only()',
                   name || '_no_truncate', name);
END $$;
