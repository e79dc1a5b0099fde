--
-- PostgreSQL database dump
--


-- Dumped from database version 15.20 (Debian 15.20-0+deb12u1)
-- Dumped by pg_dump version 15.20 (Debian 15.20-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: begin_behind_departure(); Type: FUNCTION; Schema: public; Owner: todo_log
--

CREATE FUNCTION public.begin_behind_departure() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    NEW.revision := coalesce(
        (SELECT departed.revision + 1 FROM departed WHERE user_hash = sha256(convert_to(NEW.id, 'UTF8'))), 0
    );
    RETURN NEW;
END $$;


ALTER FUNCTION public.begin_behind_departure() OWNER TO todo_log;

--
-- Name: check_agent(uuid, text, uuid, text, jsonb); Type: FUNCTION; Schema: public; Owner: todo_log
--

CREATE FUNCTION public.check_agent(writer uuid, owner text, task uuid, kind text, old_values jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    permissions constant text := nullif(current_setting('app.permissions', true), '');
    max_deletions constant bigint := nullif(current_setting('app.max_deletions', true), '');
    undoes constant boolean := coalesce(current_setting('app.undoes', true), '') <> '';
    completes constant boolean := coalesce(current_setting('app.completes', true), '') <> '';
    fields jsonb := old_values - 'series';
    needed text[] := '{}';
    missing text;
    counted boolean := false;
    deleted bigint;
    wait text;
BEGIN
    IF undoes THEN
        needed := '{undo}';
        counted := kind = 'delete' AND NOT completes AND NOT EXISTS (
            SELECT FROM changes c
             WHERE c.user_id = owner AND c.task_id = task AND c.kind = 'create' AND c.agent_id = writer);
        IF counted THEN  -- of a task that it has not created itself
            needed := '{undo,delete}';
        END IF;
    ELSIF completes AND kind <> 'update' THEN  -- what a completion makes, or taking one back
        needed := '{complete}';
        fields := fields - 'deleted_at';
    ELSIF kind = 'purge' THEN
        RAISE insufficient_privilege USING CONSTRAINT = 'agent_purge', TABLE = 'tasks',
            MESSAGE = 'an agent may not purge a task';
    ELSIF kind IN ('delete', 'restore') THEN
        needed := '{delete}';
        counted := kind = 'delete';
        fields := fields - 'deleted_at';
    END IF;
    IF kind = 'create' AND needed = '{}' THEN
        needed := '{create}';
    ELSIF NOT undoes AND kind <> 'create' THEN
        IF fields ? 'completed' THEN
            needed := needed || '{complete}';
        END IF;
        IF fields - 'completed' <> '{}' THEN
            needed := needed || '{edit}';
        END IF;
    END IF;
    SELECT name INTO missing FROM unnest(needed) AS name
     WHERE permissions IS NOT NULL AND name <> ALL (string_to_array(permissions, ',')) LIMIT 1;
    IF missing IS NOT NULL THEN
        RAISE insufficient_privilege USING CONSTRAINT = 'permission_' || missing, TABLE = 'tasks',
            MESSAGE = format('the token may not %s', missing);
    END IF;
    IF NOT counted OR max_deletions IS NULL THEN
        RETURN;
    END IF;
    SELECT count(*), ceil(extract(epoch FROM min(c.at) + interval '1 hour' - clock_timestamp()))::text
      INTO deleted, wait
      FROM changes c
     WHERE c.user_id = owner AND c.agent_id = writer AND c.kind = 'delete'
       AND c.at > clock_timestamp() - interval '1 hour'
       AND NOT (c.undoes IS NOT NULL AND EXISTS (
            SELECT FROM changes made
             WHERE made.user_id = owner AND made.task_id = c.task_id
               AND made.kind = 'create' AND made.agent_id = writer));
    IF deleted >= max_deletions THEN
        RAISE insufficient_privilege USING CONSTRAINT = 'agent_deletions', TABLE = 'tasks',
            MESSAGE = format('the token may delete %s tasks an hour', max_deletions), DETAIL = coalesce(wait, '3600');
    END IF;
END $$;


ALTER FUNCTION public.check_agent(writer uuid, owner text, task uuid, kind text, old_values jsonb) OWNER TO todo_log;

--
-- Name: delete_changes(); Type: FUNCTION; Schema: public; Owner: todo_log
--

CREATE FUNCTION public.delete_changes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM changes;
    ELSE
        DELETE FROM changes WHERE user_id = OLD.id;
    END IF;
    RETURN NULL;
END $$;


ALTER FUNCTION public.delete_changes() OWNER TO todo_log;

--
-- Name: import_tasks(jsonb); Type: FUNCTION; Schema: public; Owner: todo_log
--

CREATE FUNCTION public.import_tasks(items jsonb, OUT created bigint, OUT restored bigint) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    owner constant text := nullif(current_setting('app.user_id', true), '');
    max_tasks constant bigint := nullif(current_setting('app.max_tasks', true), '');
    number bigint;
    logged bigint;
    held bigint;
BEGIN
    SELECT u.revision, u.logged_bytes, u.task_count INTO number, logged, held
      FROM users u WHERE u.id = owner FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE foreign_key_violation USING TABLE = 'tasks', MESSAGE = 'the user of the task does not exist';
    END IF;
    PERFORM set_config('app.bulk', number::text, true), set_config('app.bulk_logged', logged::text, true);

    UPDATE tasks SET deleted_at = NULL, revision = tasks.revision + 1
     WHERE tasks.user_id = owner AND tasks.id = any(array(
        SELECT found.id
          FROM jsonb_array_elements(items) AS item,
               LATERAL (
                SELECT t.id FROM tasks t
                 WHERE t.user_id = owner AND t.id = (item ->> 'id')::uuid AND t.deleted_at IS NOT NULL
                   AND EXISTS (
                        SELECT FROM changes undone, changes made
                         WHERE undone.user_id = owner AND undone.revision = t.revision
                           AND made.user_id = owner AND made.task_id = t.id
                           AND made.kind IN ('create', 'restore')
                           AND undone.undoes = coalesce(made.batch, made.revision))
                OFFSET 0
                   FOR NO KEY UPDATE SKIP LOCKED) AS found
         WHERE item ->> 'deleted_at' IS NULL));
    GET DIAGNOSTICS restored = ROW_COUNT;

    INSERT INTO tasks
    SELECT task.*
      FROM jsonb_array_elements(items) WITH ORDINALITY AS listed (item, place),
           jsonb_populate_record(NULL::tasks, item || jsonb_build_object('user_id', owner, 'revision', 0)) AS task
     WHERE (SELECT true FROM tasks t WHERE t.user_id = owner AND t.id = (item ->> 'id')::uuid) IS NULL
     ORDER BY place;
    GET DIAGNOSTICS created = ROW_COUNT;
    IF held + created > max_tasks THEN
        RAISE check_violation USING CONSTRAINT = 'max_tasks', TABLE = 'tasks',
            MESSAGE = format('a user may have %s tasks', max_tasks);
    END IF;

    UPDATE users
       SET revision = current_setting('app.bulk')::bigint,
           logged_bytes = current_setting('app.bulk_logged')::bigint,
           task_count = users.task_count + created,
           changed_at = greatest(clock_timestamp(), users.changed_at + interval '1 microsecond')
     WHERE id = owner;
    PERFORM set_config('app.bulk', '', true);
END $$;


ALTER FUNCTION public.import_tasks(items jsonb, OUT created bigint, OUT restored bigint) OWNER TO todo_log;

--
-- Name: log_task(); Type: FUNCTION; Schema: public; Owner: todo_log
--

CREATE FUNCTION public.log_task() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    owner constant text := CASE WHEN TG_OP = 'DELETE' THEN OLD.user_id ELSE NEW.user_id END;
    max_tasks bigint;
    held bigint;
    number bigint;
    moment timestamptz;
    old_values jsonb;
    size integer := 0;
    logged bigint;
    max_bytes bigint;
    this_batch bigint;
    bulk boolean := false;
    agent_id uuid := nullif(current_setting('app.agent_id', true), '');
BEGIN
    IF TG_RELID <> 'tasks'::regclass AND pg_partition_root(TG_RELID) IS DISTINCT FROM 'tasks'::regclass THEN
        RAISE 'log_task() may only be a trigger of tasks';
    END IF;
    IF TG_OP = 'INSERT' THEN
        bulk := NEW.revision IS NOT NULL AND coalesce(current_setting('app.bulk', true), '') <> '';
    END IF;

    IF TG_OP = 'UPDATE' THEN
        IF (NEW.user_id, NEW.id, NEW.completed_at, NEW.created_at, NEW.updated_at, NEW.fingerprint, NEW.revision)
            IS DISTINCT FROM
            (OLD.user_id, OLD.id, OLD.completed_at, OLD.created_at, OLD.updated_at, OLD.fingerprint, OLD.revision)
        THEN
            bulk := NEW.revision <> OLD.revision
                AND coalesce(current_setting('app.bulk', true), '') <> '';
            NEW.user_id := OLD.user_id;
            NEW.id := OLD.id;
            NEW.completed_at := OLD.completed_at;
            NEW.created_at := OLD.created_at;
            NEW.updated_at := OLD.updated_at;
            NEW.fingerprint := OLD.fingerprint;
            NEW.revision := OLD.revision;
        END IF;
        IF OLD.position = '' THEN  -- a task of before there were positions
            OLD.position := task_position(OLD.created_at);
            OLD.search := task_search(OLD.title, OLD.description);
        END IF;
        IF NEW.position = '' THEN
            NEW.position := OLD.position;
        END IF;
        IF NEW.series IS NOT NULL AND NEW.series = OLD.series THEN
            IF NEW.recurrence IS DISTINCT FROM OLD.recurrence THEN
                NEW.series := NEW.series
                    || jsonb_build_object('anchor', NEW.due_date, 'anchor_number', 1, 'number', 1);
            ELSIF NEW.due_date IS DISTINCT FROM OLD.due_date OR NEW.time_zone IS DISTINCT FROM OLD.time_zone THEN
                NEW.series := NEW.series
                    || jsonb_build_object('anchor', NEW.due_date, 'anchor_number', NEW.series -> 'number');
            END IF;
        END IF;
        old_values := CASE WHEN NEW.title IS NOT DISTINCT FROM OLD.title THEN '{}' ELSE jsonb_build_object('title', OLD.title) END
            || CASE WHEN NEW.description IS NOT DISTINCT FROM OLD.description THEN '{}' ELSE jsonb_build_object('description', OLD.description) END
            || CASE WHEN NEW.completed IS NOT DISTINCT FROM OLD.completed THEN '{}' ELSE jsonb_build_object('completed', OLD.completed) END
            || CASE WHEN NEW.deleted_at IS NOT DISTINCT FROM OLD.deleted_at THEN '{}' ELSE jsonb_build_object('deleted_at', OLD.deleted_at) END
            || CASE WHEN (NEW.due_date, NEW.time_zone, NEW.priority, NEW.tags, NEW.recurrence, NEW.recurrence_from, NEW.remind_at, NEW.position, NEW.series) IS NOT DISTINCT FROM (OLD.due_date, OLD.time_zone, OLD.priority, OLD.tags, OLD.recurrence, OLD.recurrence_from, OLD.remind_at, OLD.position, OLD.series) THEN '{}' ELSE CASE WHEN NEW.due_date IS NOT DISTINCT FROM OLD.due_date THEN '{}' ELSE jsonb_build_object('due_date', OLD.due_date) END
            || CASE WHEN NEW.time_zone IS NOT DISTINCT FROM OLD.time_zone THEN '{}' ELSE jsonb_build_object('time_zone', OLD.time_zone) END
            || CASE WHEN NEW.priority IS NOT DISTINCT FROM OLD.priority THEN '{}' ELSE jsonb_build_object('priority', OLD.priority) END
            || CASE WHEN NEW.tags IS NOT DISTINCT FROM OLD.tags THEN '{}' ELSE jsonb_build_object('tags', OLD.tags) END
            || CASE WHEN NEW.recurrence IS NOT DISTINCT FROM OLD.recurrence THEN '{}' ELSE jsonb_build_object('recurrence', OLD.recurrence) END
            || CASE WHEN NEW.recurrence_from IS NOT DISTINCT FROM OLD.recurrence_from THEN '{}' ELSE jsonb_build_object('recurrence_from', OLD.recurrence_from) END
            || CASE WHEN NEW.remind_at IS NOT DISTINCT FROM OLD.remind_at THEN '{}' ELSE jsonb_build_object('remind_at', OLD.remind_at) END
            || CASE WHEN NEW.position IS NOT DISTINCT FROM OLD.position THEN '{}' ELSE jsonb_build_object('position', OLD.position) END
            || CASE WHEN NEW.series IS NOT DISTINCT FROM OLD.series THEN '{}' ELSE jsonb_build_object('series', OLD.series) END END;
        IF old_values = '{}' THEN
            RETURN OLD;
        END IF;
    END IF;

    IF TG_OP <> 'DELETE' THEN
        size := 300 + coalesce(octet_length(NEW.title::text), 0) + coalesce(octet_length(NEW.description::text), 0) + coalesce(octet_length(NEW.completed::text), 0) + coalesce(octet_length(NEW.due_date::text), 0) + coalesce(octet_length(NEW.time_zone::text), 0) + coalesce(octet_length(NEW.priority::text), 0) + coalesce(octet_length(NEW.tags::text), 0) + coalesce(octet_length(NEW.recurrence::text), 0) + coalesce(octet_length(NEW.recurrence_from::text), 0) + coalesce(octet_length(NEW.remind_at::text), 0) + coalesce(pg_column_size(old_values), 0);
    END IF;

    IF bulk THEN
        number := current_setting('app.bulk')::bigint + 1;
        logged := current_setting('app.bulk_logged')::bigint + size;
        moment := clock_timestamp();
        PERFORM set_config('app.bulk', number::text, true), set_config('app.bulk_logged', logged::text, true);
    ELSE
    UPDATE users
       SET revision = users.revision + 1,
           logged_bytes = users.logged_bytes + size,
           changed_at = greatest(clock_timestamp(), users.changed_at + interval '1 microsecond'),
           task_count = users.task_count + CASE TG_OP WHEN 'INSERT' THEN 1 WHEN 'DELETE' THEN -1 ELSE 0 END
     WHERE id = owner
    RETURNING users.revision, users.changed_at, users.task_count, users.logged_bytes INTO number, moment, held, logged;
    IF NOT FOUND THEN
        CASE TG_OP
            WHEN 'DELETE' THEN
                RETURN OLD;
            WHEN 'UPDATE' THEN
                RAISE foreign_key_violation USING TABLE = 'tasks', MESSAGE = 'the user of the task does not exist';
            ELSE
                moment := clock_timestamp();
        END CASE;
    END IF;
    END IF;
    this_batch := nullif(current_setting('app.batch', true), '');
    IF this_batch = 0 AND number IS NOT NULL THEN
        this_batch := number;
        PERFORM set_config('app.batch', number::text, true);
    END IF;

    IF agent_id IS NOT NULL THEN
        PERFORM check_agent(agent_id, owner, CASE WHEN TG_OP = 'DELETE' THEN OLD.id ELSE NEW.id END, CASE
            WHEN TG_OP = 'INSERT' THEN 'create'
            WHEN TG_OP = 'DELETE' THEN 'purge'
            WHEN OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL THEN 'delete'
            WHEN OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL THEN 'restore'
            ELSE 'update'
        END, old_values);
    END IF;

    IF TG_OP = 'DELETE' THEN
        UPDATE changes SET before = NULL, after = NULL
         WHERE user_id = OLD.user_id AND task_id = OLD.id AND after IS NOT NULL;
        UPDATE idempotency SET body = NULL
         WHERE user_id = OLD.user_id AND (task_id IN (OLD.id, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
            OR task_id = '00000000-0000-0000-0000-000000000000' AND position(convert_to(OLD.id::text, 'UTF8') IN body) > 0) AND status NOT IN (204, 404, 409);
        INSERT INTO changes (user_id, revision, task_id, kind, at, via, undoes, batch, agent_id, agent)
        VALUES (owner, number, OLD.id, 'purge', moment,
                coalesce(nullif(current_setting('app.via', true), ''), 'database'),
                nullif(current_setting('app.undoes', true), '')::bigint, this_batch, agent_id, CASE WHEN agent_id IS NOT NULL THEN current_setting('app.agent') END);
        RETURN OLD;
    END IF;

    IF TG_OP = 'INSERT' THEN
        max_tasks := nullif(current_setting('app.max_tasks', true), '');
        IF held > max_tasks THEN
            RAISE check_violation USING CONSTRAINT = 'max_tasks', TABLE = 'tasks',
                MESSAGE = format('a user may have %s tasks', max_tasks);
        END IF;
        NEW.revision := coalesce(number, 0);
        NEW.created_at := coalesce(NEW.created_at, moment);
        NEW.updated_at := CASE WHEN bulk THEN moment ELSE NEW.created_at END;
        NEW.completed_at := CASE WHEN NEW.completed THEN CASE WHEN bulk THEN coalesce(NEW.completed_at, NEW.created_at) ELSE NEW.created_at END END;
        NEW.fingerprint := task_fingerprint(jsonb_build_object('title', NEW.title, 'description', NEW.description, 'completed', NEW.completed) || jsonb_build_object('due_date', NEW.due_date, 'time_zone', NEW.time_zone, 'priority', NEW.priority, 'tags', nullif(NEW.tags, '{}'), 'recurrence', NEW.recurrence, 'recurrence_from', NEW.recurrence_from, 'remind_at', NEW.remind_at));
        IF NEW.position = '' THEN
            NEW.position := task_position(NEW.created_at);
        END IF;
        NEW.due_at := task_due_at(NEW.due_date, NEW.time_zone);
        NEW.search := task_search(NEW.title, NEW.description);
        IF number IS NULL THEN
            RETURN NEW;
        END IF;
    ELSE
        NEW.revision := number;
        NEW.updated_at := greatest(moment, OLD.updated_at + interval '1 microsecond');
        IF NEW.completed <> OLD.completed THEN
            NEW.completed_at := CASE WHEN NEW.completed THEN NEW.updated_at END;
        END IF;
        NEW.due_at := CASE
            WHEN NEW.due_date IS NOT DISTINCT FROM OLD.due_date AND NEW.time_zone IS NOT DISTINCT FROM OLD.time_zone
            THEN OLD.due_at ELSE task_due_at(NEW.due_date, NEW.time_zone)
        END;
        NEW.search := CASE
            WHEN NEW.title = OLD.title AND NEW.description IS NOT DISTINCT FROM OLD.description
            THEN OLD.search ELSE task_search(NEW.title, NEW.description)
        END;
    END IF;

    INSERT INTO changes
        (user_id, revision, task_id, kind, at, via, undoes, before, after, size, total, batch, agent_id, agent)
    VALUES (owner, number, NEW.id,
            CASE
                WHEN TG_OP = 'INSERT' THEN 'create'
                WHEN OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL THEN 'delete'
                WHEN OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL THEN 'restore'
                ELSE 'update'
            END,
            moment,
            coalesce(nullif(current_setting('app.via', true), ''), 'database'),
            nullif(current_setting('app.undoes', true), '')::bigint,
            old_values,
            jsonb_build_object('title', NEW.title, 'description', NEW.description, 'completed', NEW.completed, 'completed_at', NEW.completed_at, 'created_at', NEW.created_at, 'updated_at', NEW.updated_at, 'deleted_at', NEW.deleted_at) || jsonb_strip_nulls(jsonb_build_object('due_date', NEW.due_date, 'time_zone', NEW.time_zone, 'priority', NEW.priority, 'tags', nullif(NEW.tags, '{}'), 'recurrence', NEW.recurrence, 'recurrence_from', NEW.recurrence_from, 'remind_at', NEW.remind_at, 'position', NEW.position, 'series', NEW.series)), size, logged, this_batch, agent_id, CASE WHEN agent_id IS NOT NULL THEN current_setting('app.agent') END);

    max_bytes := nullif(current_setting('app.max_log_bytes', true), '');
    IF logged > max_bytes THEN
        DELETE FROM changes
         WHERE user_id = owner AND revision IN (
            SELECT oldest.revision
              FROM (SELECT c.revision, c.total FROM changes c
                     WHERE c.user_id = owner ORDER BY c.revision
                     LIMIT CASE WHEN (SELECT coalesce(f.total, 0) FROM changes f
                                       WHERE f.user_id = owner ORDER BY f.revision LIMIT 1) > logged - max_bytes
                                THEN 0 ELSE 400 END) oldest
             WHERE coalesce(oldest.total, 0) <= logged - max_bytes);
    END IF;
    RETURN NEW;
END $$;


ALTER FUNCTION public.log_task() OWNER TO todo_log;

--
-- Name: task_due_at(text, text); Type: FUNCTION; Schema: public; Owner: todo
--

CREATE FUNCTION public.task_due_at(due_date text, time_zone text) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $_$
BEGIN
    IF time_zone IS NOT NULL THEN
        PERFORM now() AT TIME ZONE time_zone;
    END IF;
    RETURN CASE
        WHEN due_date IS NULL THEN NULL
        WHEN length(due_date) = 10 THEN due_date::date::timestamp AT TIME ZONE 'UTC'
        WHEN due_date ~ '(Z|[+-]\d\d:\d\d)$' THEN due_date::timestamptz
        ELSE due_date::timestamp AT TIME ZONE coalesce(time_zone, 'UTC')
    END;
END $_$;


ALTER FUNCTION public.task_due_at(due_date text, time_zone text) OWNER TO todo;

--
-- Name: task_fingerprint(jsonb); Type: FUNCTION; Schema: public; Owner: todo
--

CREATE FUNCTION public.task_fingerprint(fields jsonb) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN substr(sha256(convert_to(((jsonb_build_array((fields -> 'title'::text), (fields -> 'description'::text), (fields -> 'completed'::text)) || CASE jsonb_strip_nulls((fields - '{title,description,completed}'::text[])) WHEN '{}'::jsonb THEN '[]'::jsonb ELSE jsonb_build_array(jsonb_strip_nulls((fields - '{title,description,completed}'::text[]))) END))::text, 'UTF8'::name)), 1, 16);


ALTER FUNCTION public.task_fingerprint(fields jsonb) OWNER TO todo;

--
-- Name: task_fingerprint(text, text, boolean); Type: FUNCTION; Schema: public; Owner: todo
--

CREATE FUNCTION public.task_fingerprint(title text, description text, completed boolean) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN substr(sha256(convert_to((jsonb_build_array(title, description, completed))::text, 'UTF8'::name)), 1, 16);


ALTER FUNCTION public.task_fingerprint(title text, description text, completed boolean) OWNER TO todo;

--
-- Name: task_position(timestamp with time zone); Type: FUNCTION; Schema: public; Owner: todo
--

CREATE FUNCTION public.task_position(created_at timestamp with time zone) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (lpad(to_hex(('4503599627370495'::bigint - GREATEST((0)::bigint, ((date_part('epoch'::text, (created_at - '2000-01-01 00:00:00+00'::timestamp with time zone)) * (1000000)::double precision))::bigint))), 13, '0'::text) || 'V'::text);


ALTER FUNCTION public.task_position(created_at timestamp with time zone) OWNER TO todo;

--
-- Name: task_words(text); Type: FUNCTION; Schema: public; Owner: todo
--

CREATE FUNCTION public.task_words(content text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (octet_length(content) = char_length(content)) THEN regexp_replace(lower(content), '[^a-z0-9]+'::text, ' '::text, 'g'::text) ELSE regexp_replace(regexp_replace(lower(NORMALIZE(content, NFKD)), '[\u0300-\u036f]+'::text, ''::text, 'g'::text), '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u2000-\u206f\u3000-\u3004\u3008-\u303f]+'::text, ' '::text, 'g'::text) END;


ALTER FUNCTION public.task_words(content text) OWNER TO todo;

--
-- Name: task_search(text, text); Type: FUNCTION; Schema: public; Owner: todo
--

CREATE FUNCTION public.task_search(title text, description text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (setweight(to_tsvector('simple'::regconfig, public.task_words(title)), 'A'::"char") || setweight(to_tsvector('simple'::regconfig, public.task_words(COALESCE(description, ''::text))), 'B'::"char"));


ALTER FUNCTION public.task_search(title text, description text) OWNER TO todo;

--
-- Name: task_tags_valid(text[]); Type: FUNCTION; Schema: public; Owner: todo
--

CREATE FUNCTION public.task_tags_valid(tags text[]) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
BEGIN
    RETURN coalesce(array_ndims(tags) = 1 AND cardinality(tags) <= 20 AND (
        SELECT bool_and(coalesce(char_length(tag) BETWEEN 1 AND 50 AND tag = btrim(tag), false))
            AND bool_and(tag !~ '[\u0001-\u001f\u007f-\u009f]')
            AND count(DISTINCT lower(tag)) = count(*)
          FROM unnest(tags) AS tag), false);
END $$;


ALTER FUNCTION public.task_tags_valid(tags text[]) OWNER TO todo;

--
-- Name: undo_existence(bigint); Type: FUNCTION; Schema: public; Owner: todo_log
--

CREATE FUNCTION public.undo_existence(undone bigint, OUT done boolean, OUT hindrance bigint) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET enable_nestloop TO 'off'
    AS $$
DECLARE
    owner constant text := nullif(current_setting('app.user_id', true), '');
    number bigint;
    logged bigint;
BEGIN
    done := false;
    PERFORM FROM tasks t JOIN changes c ON c.user_id = owner AND c.task_id = t.id
      WHERE t.user_id = owner AND c.batch = undone
      ORDER BY t.id FOR NO KEY UPDATE OF t;
    IF NOT EXISTS (
        SELECT FROM changes c WHERE c.user_id = owner AND c.revision = undone AND c.batch = undone
    ) OR EXISTS (
        SELECT FROM changes c
         WHERE c.user_id = owner AND c.batch = undone
           AND (c.kind = 'purge' OR c.kind <> 'create' AND coalesce(c.before - 'deleted_at', '{"": 0}') <> '{}')
    ) OR (
        SELECT count(*) > count(DISTINCT c.task_id) FROM changes c WHERE c.user_id = owner AND c.batch = undone
    ) THEN
        RETURN;
    END IF;
    SELECT max(later.revision) INTO hindrance
      FROM changes c JOIN changes later ON later.task_id = c.task_id
     WHERE c.user_id = owner AND c.batch = undone AND later.user_id = owner AND later.revision > c.revision
       AND (later.kind IN ('delete', 'restore', 'purge') OR later.before ? 'deleted_at');
    IF hindrance IS NOT NULL THEN
        RETURN;
    END IF;

    SELECT u.revision, u.logged_bytes INTO number, logged FROM users u WHERE u.id = owner FOR NO KEY UPDATE;
    PERFORM set_config('app.bulk', number::text, true), set_config('app.bulk_logged', logged::text, true);
    UPDATE tasks
       SET deleted_at = CASE WHEN c.kind = 'create' OR c.before ->> 'deleted_at' IS NOT NULL
                             THEN clock_timestamp() END,
           revision = tasks.revision + 1
      FROM changes c
     WHERE c.user_id = owner AND c.batch = undone AND tasks.user_id = owner AND tasks.id = c.task_id;
    UPDATE users
       SET revision = current_setting('app.bulk')::bigint,
           logged_bytes = current_setting('app.bulk_logged')::bigint,
           changed_at = greatest(clock_timestamp(), users.changed_at + interval '1 microsecond')
     WHERE id = owner;
    PERFORM set_config('app.bulk', '', true);
    done := true;
END $$;


ALTER FUNCTION public.undo_existence(undone bigint, OUT done boolean, OUT hindrance bigint) OWNER TO todo_log;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: alembic_version; Type: TABLE; Schema: public; Owner: todo
--

CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);


ALTER TABLE public.alembic_version OWNER TO todo;

--
-- Name: api_tokens; Type: TABLE; Schema: public; Owner: todo
--

CREATE TABLE public.api_tokens (
    id uuid NOT NULL,
    user_id text NOT NULL,
    name text NOT NULL,
    scope text NOT NULL,
    token_hash bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    last_used_at timestamp with time zone,
    agent boolean DEFAULT false NOT NULL,
    permissions text[],
    tag text,
    deletions_per_hour integer,
    CONSTRAINT ck_api_tokens_deletions_per_hour_positive CHECK ((deletions_per_hour >= 0)),
    CONSTRAINT ck_api_tokens_limits_of_agents CHECK ((agent OR ((permissions IS NULL) AND (tag IS NULL) AND (deletions_per_hour IS NULL)))),
    CONSTRAINT ck_api_tokens_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 100))),
    CONSTRAINT ck_api_tokens_permissions_known CHECK ((permissions <@ '{create,edit,complete,delete,undo}'::text[])),
    CONSTRAINT ck_api_tokens_scope_known CHECK ((scope = ANY (ARRAY['read'::text, 'write'::text]))),
    CONSTRAINT ck_api_tokens_tag_length CHECK (((char_length(tag) >= 1) AND (char_length(tag) <= 50)))
);

ALTER TABLE ONLY public.api_tokens FORCE ROW LEVEL SECURITY;


ALTER TABLE public.api_tokens OWNER TO todo;

--
-- Name: changes; Type: TABLE; Schema: public; Owner: todo
--

CREATE TABLE public.changes (
    user_id text NOT NULL,
    revision bigint NOT NULL,
    task_id uuid NOT NULL,
    kind text NOT NULL,
    at timestamp with time zone NOT NULL,
    via text NOT NULL,
    undoes bigint,
    before jsonb,
    after jsonb,
    size integer,
    total bigint,
    batch bigint,
    agent_id uuid,
    agent text,
    CONSTRAINT ck_changes_kind_known CHECK ((kind = ANY (ARRAY['create'::text, 'update'::text, 'delete'::text, 'restore'::text, 'purge'::text]))),
    CONSTRAINT ck_changes_via_known CHECK ((via = ANY (ARRAY['session'::text, 'api_token'::text, 'command_line'::text, 'sweep'::text, 'database'::text, 'agent'::text])))
);

ALTER TABLE ONLY public.changes FORCE ROW LEVEL SECURITY;


ALTER TABLE public.changes OWNER TO todo;

--
-- Name: credentials; Type: TABLE; Schema: public; Owner: todo
--

CREATE TABLE public.credentials (
    user_id text NOT NULL,
    email text NOT NULL,
    password_hash text NOT NULL,
    CONSTRAINT ck_credentials_email_length CHECK (((char_length(email) >= 3) AND (char_length(email) <= 254))),
    CONSTRAINT ck_credentials_password_hash_argon2id CHECK ((password_hash ~~ '$argon2id$%'::text))
);

ALTER TABLE ONLY public.credentials FORCE ROW LEVEL SECURITY;


ALTER TABLE public.credentials OWNER TO todo;

--
-- Name: departed; Type: TABLE; Schema: public; Owner: todo
--

CREATE TABLE public.departed (
    user_hash bytea NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    revision bigint DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY public.departed FORCE ROW LEVEL SECURITY;


ALTER TABLE public.departed OWNER TO todo;

--
-- Name: deployment; Type: TABLE; Schema: public; Owner: todo
--

CREATE TABLE public.deployment (
    singleton boolean DEFAULT true NOT NULL,
    issuer text NOT NULL,
    CONSTRAINT ck_deployment_one_row CHECK (singleton)
);


ALTER TABLE public.deployment OWNER TO todo;

--
-- Name: feeds; Type: TABLE; Schema: public; Owner: todo
--

CREATE TABLE public.feeds (
    user_id text NOT NULL,
    id uuid NOT NULL,
    secret_hash bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_used_at timestamp with time zone
);

ALTER TABLE ONLY public.feeds FORCE ROW LEVEL SECURITY;


ALTER TABLE public.feeds OWNER TO todo;

--
-- Name: idempotency; Type: TABLE; Schema: public; Owner: todo
--

CREATE TABLE public.idempotency (
    user_id text NOT NULL,
    key text NOT NULL,
    request bytea NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    status smallint NOT NULL,
    headers jsonb NOT NULL,
    body bytea,
    task_id uuid,
    total bigint,
    CONSTRAINT ck_idempotency_key_length CHECK (((char_length(key) >= 1) AND (char_length(key) <= 255)))
);

ALTER TABLE ONLY public.idempotency FORCE ROW LEVEL SECURITY;


ALTER TABLE public.idempotency OWNER TO todo;

--
-- Name: one_time_links; Type: TABLE; Schema: public; Owner: todo
--

CREATE TABLE public.one_time_links (
    hash bytea NOT NULL,
    user_id text NOT NULL,
    purpose text NOT NULL,
    email text,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT ck_one_time_links_email_given CHECK (((purpose = 'reset'::text) OR (email IS NOT NULL))),
    CONSTRAINT ck_one_time_links_email_length CHECK (((char_length(email) >= 3) AND (char_length(email) <= 254))),
    CONSTRAINT ck_one_time_links_purpose_known CHECK ((purpose = ANY (ARRAY['reset'::text, 'confirm'::text, 'change'::text])))
);

ALTER TABLE ONLY public.one_time_links FORCE ROW LEVEL SECURITY;


ALTER TABLE public.one_time_links OWNER TO todo;

--
-- Name: sessions; Type: TABLE; Schema: public; Owner: todo
--

CREATE TABLE public.sessions (
    id uuid NOT NULL,
    user_id text NOT NULL,
    token_hash bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    rotations jsonb DEFAULT '[]'::jsonb NOT NULL,
    client text,
    last_used_at timestamp with time zone,
    CONSTRAINT ck_sessions_client_length CHECK (((char_length(client) >= 1) AND (char_length(client) <= 100)))
);

ALTER TABLE ONLY public.sessions FORCE ROW LEVEL SECURITY;


ALTER TABLE public.sessions OWNER TO todo;

--
-- Name: signing_keys; Type: TABLE; Schema: public; Owner: todo
--

CREATE TABLE public.signing_keys (
    kid text NOT NULL,
    private_key text,
    public_jwk jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    retired_at timestamp with time zone
);


ALTER TABLE public.signing_keys OWNER TO todo;

--
-- Name: tasks; Type: TABLE; Schema: public; Owner: todo
--

CREATE TABLE public.tasks (
    user_id text NOT NULL,
    id uuid NOT NULL,
    title text NOT NULL,
    description text,
    completed boolean DEFAULT false NOT NULL,
    completed_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    fingerprint bytea NOT NULL,
    revision bigint NOT NULL,
    due_date text,
    time_zone text,
    priority text,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    recurrence text,
    recurrence_from text,
    remind_at timestamp with time zone,
    "position" text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    series jsonb,
    due_at timestamp with time zone,
    search tsvector,
    CONSTRAINT ck_tasks_completed_at_with_completed CHECK ((completed = (completed_at IS NOT NULL))),
    CONSTRAINT ck_tasks_description_clean CHECK ((description !~ '[\u0001-\u0008\u000b-\u001f\u007f-\u009f]'::text)),
    CONSTRAINT ck_tasks_description_length CHECK ((char_length(description) <= 10000)),
    CONSTRAINT ck_tasks_optional_fields CHECK ((((num_nulls(due_date, time_zone, priority, recurrence, recurrence_from, remind_at) = 6) AND (tags = '{}'::text[])) OR (((due_date IS NULL) OR (due_date ~ '^(19\d\d|2[01]\d\d|2200)-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?$'::text)) AND ((time_zone IS NULL) OR ((char_length(time_zone) >= 1) AND (char_length(time_zone) <= 64))) AND ((priority IS NULL) OR (priority = ANY (ARRAY['low'::text, 'medium'::text, 'high'::text, 'urgent'::text]))) AND ((tags = '{}'::text[]) OR public.task_tags_valid(tags)) AND ((recurrence IS NULL) OR (recurrence ~ '^(daily|weekly|monthly|yearly|FREQ=[A-Z0-9;=,+-]{5,195})$'::text)) AND ((recurrence_from IS NULL) OR (recurrence_from = ANY (ARRAY['due'::text, 'completion'::text]))) AND ((remind_at IS NULL) OR ((remind_at >= '1900-01-01 00:00:00+00'::timestamp with time zone) AND (remind_at < '2201-01-01 00:00:00+00'::timestamp with time zone)))))),
    CONSTRAINT ck_tasks_position_form CHECK (("position" ~ '^[0-9A-Za-z]{1,100}$'::text)),
    CONSTRAINT ck_tasks_title_clean CHECK (((title = btrim(title)) AND (title !~ '[\u0001-\u001f\u007f-\u009f]'::text))),
    CONSTRAINT ck_tasks_title_length CHECK (((char_length(title) >= 1) AND (char_length(title) <= 255))),
    CONSTRAINT ck_tasks_updated_after_created CHECK ((updated_at >= created_at))
);

ALTER TABLE ONLY public.tasks FORCE ROW LEVEL SECURITY;


ALTER TABLE public.tasks OWNER TO todo;

--
-- Name: users; Type: TABLE; Schema: public; Owner: todo
--

CREATE TABLE public.users (
    id text NOT NULL,
    email text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    revision bigint DEFAULT 0 NOT NULL,
    task_count bigint DEFAULT 0 NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    logged_bytes bigint DEFAULT 0 NOT NULL,
    name text,
    email_confirmed_at timestamp with time zone,
    CONSTRAINT ck_users_email_length CHECK (((char_length(email) >= 3) AND (char_length(email) <= 254))),
    CONSTRAINT ck_users_id_length CHECK (((char_length(id) >= 1) AND (char_length(id) <= 255))),
    CONSTRAINT ck_users_name_clean CHECK (((name = btrim(name)) AND (name !~ '[\u0001-\u001f\u007f-\u009f]'::text))),
    CONSTRAINT ck_users_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 100)))
);

ALTER TABLE ONLY public.users FORCE ROW LEVEL SECURITY;


ALTER TABLE public.users OWNER TO todo;

--
-- Data for Name: alembic_version; Type: TABLE DATA; Schema: public; Owner: todo
--

INSERT INTO public.alembic_version (version_num) VALUES ('2026_11_30_agents');


--
-- Data for Name: api_tokens; Type: TABLE DATA; Schema: public; Owner: todo
--

INSERT INTO public.api_tokens (id, user_id, name, scope, token_hash, created_at, expires_at, last_used_at, agent, permissions, tag, deletions_per_hour) VALUES ('ada00000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', 'cron', 'read', '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', '2026-11-29 17:21:10.715623+00', NULL, NULL, false, NULL, NULL, NULL);


--
-- Data for Name: changes; Type: TABLE DATA; Schema: public; Owner: todo
--

INSERT INTO public.changes (user_id, revision, task_id, kind, at, via, undoes, before, after, size, total, batch, agent_id, agent) VALUES ('00000000-0000-4000-8000-000000000001', 1, 'ada00000-0000-4000-8000-000000000000', 'create', '2026-11-29 17:21:10.859363+00', 'database', NULL, NULL, '{"title": "Water the ferns", "position": "cfdcd8ed927bfV", "completed": false, "created_at": "2026-11-01T09:30:00.123456+00:00", "deleted_at": null, "updated_at": "2026-11-01T09:30:00.123456+00:00", "description": null, "completed_at": null}', 322, 322, NULL, NULL, NULL);
INSERT INTO public.changes (user_id, revision, task_id, kind, at, via, undoes, before, after, size, total, batch, agent_id, agent) VALUES ('00000000-0000-4000-8000-000000000001', 2, 'ada00000-0000-4000-8000-000000000001', 'create', '2026-11-29 17:21:10.862497+00', 'database', NULL, NULL, '{"title": "Pay the rent", "position": "cfdccb84583bfV", "completed": true, "created_at": "2026-11-01T10:30:00.123456+00:00", "deleted_at": null, "updated_at": "2026-11-01T10:30:00.123456+00:00", "description": "By bank transfer.\nBefore the third.", "completed_at": "2026-11-01T10:30:00.123456+00:00"}', 353, 675, NULL, NULL, NULL);
INSERT INTO public.changes (user_id, revision, task_id, kind, at, via, undoes, before, after, size, total, batch, agent_id, agent) VALUES ('00000000-0000-4000-8000-000000000001', 3, 'ada00000-0000-4000-8000-000000000002', 'create', '2026-11-29 17:21:10.867765+00', 'database', NULL, NULL, '{"title": "Ünïcödé: 植物に水をやる 🌿 – á is not á", "position": "cfdcbe1b1dfbfV", "completed": false, "created_at": "2026-11-01T11:30:00.123456+00:00", "deleted_at": null, "updated_at": "2026-11-01T11:30:00.123456+00:00", "description": "a\ttab, a \\ backslash, ''quotes'', $$ and a\nnew line", "completed_at": null}', 413, 1088, NULL, NULL, NULL);
INSERT INTO public.changes (user_id, revision, task_id, kind, at, via, undoes, before, after, size, total, batch, agent_id, agent) VALUES ('00000000-0000-4000-8000-000000000001', 4, 'ada00000-0000-4000-8000-000000000003', 'create', '2026-11-29 17:21:10.868414+00', 'database', NULL, NULL, '{"title": "ttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt", "position": "cfdcb0b1e3bbfV", "completed": false, "created_at": "2026-11-01T12:30:00.123456+00:00", "deleted_at": null, "updated_at": "2026-11-01T12:30:00.123456+00:00", "description": "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd", "completed_at": null}', 10562, 11650, NULL, NULL, NULL);
INSERT INTO public.changes (user_id, revision, task_id, kind, at, via, undoes, before, after, size, total, batch, agent_id, agent) VALUES ('00000000-0000-4000-8000-000000000001', 5, 'ada00000-0000-4000-8000-000000000004', 'create', '2026-11-29 17:21:10.869402+00', 'database', NULL, NULL, '{"title": "In the trash", "position": "cfdca348a97bfV", "completed": false, "created_at": "2026-11-01T13:30:00.123456+00:00", "deleted_at": null, "updated_at": "2026-11-01T13:30:00.123456+00:00", "description": null, "completed_at": null}', 319, 11969, NULL, NULL, NULL);
INSERT INTO public.changes (user_id, revision, task_id, kind, at, via, undoes, before, after, size, total, batch, agent_id, agent) VALUES ('00000000-0000-4000-8000-000000000001', 6, 'ada00000-0000-4000-8000-000000000005', 'create', '2026-11-29 17:21:10.869886+00', 'database', NULL, NULL, '{"title": "In the trash, and done", "position": "cfdc95df6f3bfV", "completed": true, "created_at": "2026-11-01T14:30:00.123456+00:00", "deleted_at": null, "updated_at": "2026-11-01T14:30:00.123456+00:00", "description": "", "completed_at": "2026-11-01T14:30:00.123456+00:00"}', 328, 12297, NULL, NULL, NULL);
INSERT INTO public.changes (user_id, revision, task_id, kind, at, via, undoes, before, after, size, total, batch, agent_id, agent) VALUES ('00000000-0000-4000-8000-000000000002', 1, 'ada00000-0000-4000-8000-000000000006', 'create', '2026-11-29 17:21:10.870324+00', 'database', NULL, NULL, '{"title": "Of Bob", "position": "cfdc887634fbfV", "completed": false, "created_at": "2026-11-01T15:30:00.123456+00:00", "deleted_at": null, "updated_at": "2026-11-01T15:30:00.123456+00:00", "description": "Nobody else sees it.", "completed_at": null}', 333, 333, NULL, NULL, NULL);
INSERT INTO public.changes (user_id, revision, task_id, kind, at, via, undoes, before, after, size, total, batch, agent_id, agent) VALUES ('00000000-0000-4000-8000-000000000001', 7, 'ada00000-0000-4000-8000-000000000000', 'update', '2026-11-29 17:21:10.871418+00', 'database', NULL, '{"completed": false}', '{"title": "Water the ferns", "position": "cfdcd8ed927bfV", "completed": true, "created_at": "2026-11-01T09:30:00.123456+00:00", "deleted_at": null, "updated_at": "2026-11-29T17:21:10.871418+00:00", "description": null, "completed_at": "2026-11-29T17:21:10.871418+00:00"}', 346, 12643, NULL, NULL, NULL);
INSERT INTO public.changes (user_id, revision, task_id, kind, at, via, undoes, before, after, size, total, batch, agent_id, agent) VALUES ('00000000-0000-4000-8000-000000000001', 8, 'ada00000-0000-4000-8000-000000000000', 'update', '2026-11-29 17:21:10.872128+00', 'database', NULL, '{"completed": true}', '{"title": "Water the ferns", "position": "cfdcd8ed927bfV", "completed": false, "created_at": "2026-11-01T09:30:00.123456+00:00", "deleted_at": null, "updated_at": "2026-11-29T17:21:10.872128+00:00", "description": null, "completed_at": null}', 347, 12990, NULL, NULL, NULL);
INSERT INTO public.changes (user_id, revision, task_id, kind, at, via, undoes, before, after, size, total, batch, agent_id, agent) VALUES ('00000000-0000-4000-8000-000000000001', 9, 'ada00000-0000-4000-8000-000000000004', 'delete', '2026-11-29 17:21:10.872522+00', 'database', NULL, '{"deleted_at": null}', '{"title": "In the trash", "position": "cfdca348a97bfV", "completed": false, "created_at": "2026-11-01T13:30:00.123456+00:00", "deleted_at": "2026-11-29T17:21:10.872487+00:00", "updated_at": "2026-11-29T17:21:10.872522+00:00", "description": null, "completed_at": null}', 345, 13335, NULL, NULL, NULL);
INSERT INTO public.changes (user_id, revision, task_id, kind, at, via, undoes, before, after, size, total, batch, agent_id, agent) VALUES ('00000000-0000-4000-8000-000000000001', 10, 'ada00000-0000-4000-8000-000000000005', 'delete', '2026-11-29 17:21:10.872803+00', 'database', NULL, '{"deleted_at": null}', '{"title": "In the trash, and done", "position": "cfdc95df6f3bfV", "completed": true, "created_at": "2026-11-01T14:30:00.123456+00:00", "deleted_at": "2026-11-29T17:21:10.872768+00:00", "updated_at": "2026-11-29T17:21:10.872803+00:00", "description": "", "completed_at": "2026-11-01T14:30:00.123456+00:00"}', 354, 13689, NULL, NULL, NULL);
INSERT INTO public.changes (user_id, revision, task_id, kind, at, via, undoes, before, after, size, total, batch, agent_id, agent) VALUES ('00000000-0000-4000-8000-000000000001', 11, 'ada00000-0000-4000-8000-000000000000', 'update', '2026-11-29 17:21:10.883188+00', 'database', NULL, '{"tags": [], "due_date": null, "priority": null, "remind_at": null, "time_zone": null, "recurrence": null, "recurrence_from": null}', '{"tags": ["home", "Käse, \"alt\""], "title": "Water the ferns", "due_date": "2027-03-28T02:30", "position": "cfdcd8ed927bfV", "priority": "urgent", "completed": false, "remind_at": "2026-11-01T09:30:00.123456+00:00", "time_zone": "Europe/Berlin", "created_at": "2026-11-01T09:30:00.123456+00:00", "deleted_at": null, "recurrence": "FREQ=MONTHLY;INTERVAL=2", "updated_at": "2026-11-29T17:21:10.883188+00:00", "description": null, "completed_at": null, "recurrence_from": "due"}', 565, 14254, NULL, NULL, NULL);
INSERT INTO public.changes (user_id, revision, task_id, kind, at, via, undoes, before, after, size, total, batch, agent_id, agent) VALUES ('00000000-0000-4000-8000-000000000001', 12, 'ada00000-0000-4000-8000-000000000000', 'update', '2026-11-29 17:21:10.886864+00', 'database', NULL, '{"series": null}', '{"tags": ["home", "Käse, \"alt\""], "title": "Water the ferns", "series": {"id": "ada00000-0000-4000-8000-000000000000", "anchor": "2027-03-28T02:30", "number": 1, "anchor_number": 1}, "due_date": "2027-03-28T02:30", "position": "cfdcd8ed927bfV", "priority": "urgent", "completed": false, "remind_at": "2026-11-01T09:30:00.123456+00:00", "time_zone": "Europe/Berlin", "created_at": "2026-11-01T09:30:00.123456+00:00", "deleted_at": null, "recurrence": "FREQ=MONTHLY;INTERVAL=2", "updated_at": "2026-11-29T17:21:10.886864+00:00", "description": null, "completed_at": null, "recurrence_from": "due"}', 455, 14709, NULL, NULL, NULL);
INSERT INTO public.changes (user_id, revision, task_id, kind, at, via, undoes, before, after, size, total, batch, agent_id, agent) VALUES ('00000000-0000-4000-8000-000000000001', 13, 'ada00000-0000-4000-8000-000000000001', 'update', '2026-11-29 17:21:10.893215+00', 'database', NULL, '{"priority": null}', '{"title": "Pay the rent", "position": "cfdccb84583bfV", "priority": "low", "completed": true, "created_at": "2026-11-01T10:30:00.123456+00:00", "deleted_at": null, "updated_at": "2026-11-29T17:21:10.893215+00:00", "description": "By bank transfer.\nBefore the third.", "completed_at": "2026-11-01T10:30:00.123456+00:00"}', 380, 15089, 13, NULL, NULL);
INSERT INTO public.changes (user_id, revision, task_id, kind, at, via, undoes, before, after, size, total, batch, agent_id, agent) VALUES ('00000000-0000-4000-8000-000000000001', 14, 'ada00000-0000-4000-8000-000000000002', 'update', '2026-11-29 17:21:10.893747+00', 'database', NULL, '{"priority": null}', '{"title": "Ünïcödé: 植物に水をやる 🌿 – á is not á", "position": "cfdcbe1b1dfbfV", "priority": "low", "completed": false, "created_at": "2026-11-01T11:30:00.123456+00:00", "deleted_at": null, "updated_at": "2026-11-29T17:21:10.893747+00:00", "description": "a\ttab, a \\ backslash, ''quotes'', $$ and a\nnew line", "completed_at": null}', 440, 15529, 13, NULL, NULL);
INSERT INTO public.changes (user_id, revision, task_id, kind, at, via, undoes, before, after, size, total, batch, agent_id, agent) VALUES ('00000000-0000-4000-8000-000000000001', 15, 'ada00000-0000-4000-8000-000000000003', 'update', '2026-11-29 17:21:10.893893+00', 'database', NULL, '{"priority": null}', '{"title": "ttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt", "position": "cfdcb0b1e3bbfV", "priority": "low", "completed": false, "created_at": "2026-11-01T12:30:00.123456+00:00", "deleted_at": null, "updated_at": "2026-11-29T17:21:10.893893+00:00", "description": "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd", "completed_at": null}', 10589, 26118, 13, NULL, NULL);
INSERT INTO public.changes (user_id, revision, task_id, kind, at, via, undoes, before, after, size, total, batch, agent_id, agent) VALUES ('00000000-0000-4000-8000-000000000001', 16, 'ada00000-0000-4000-8000-000000000004', 'update', '2026-11-29 17:21:10.894103+00', 'database', NULL, '{"priority": null}', '{"title": "In the trash", "position": "cfdca348a97bfV", "priority": "low", "completed": false, "created_at": "2026-11-01T13:30:00.123456+00:00", "deleted_at": "2026-11-29T17:21:10.872487+00:00", "updated_at": "2026-11-29T17:21:10.894103+00:00", "description": null, "completed_at": null}', 346, 26464, 13, NULL, NULL);
INSERT INTO public.changes (user_id, revision, task_id, kind, at, via, undoes, before, after, size, total, batch, agent_id, agent) VALUES ('00000000-0000-4000-8000-000000000001', 17, 'ada00000-0000-4000-8000-000000000005', 'update', '2026-11-29 17:21:10.89437+00', 'database', NULL, '{"priority": null}', '{"title": "In the trash, and done", "position": "cfdc95df6f3bfV", "priority": "low", "completed": true, "created_at": "2026-11-01T14:30:00.123456+00:00", "deleted_at": "2026-11-29T17:21:10.872768+00:00", "updated_at": "2026-11-29T17:21:10.89437+00:00", "description": "", "completed_at": "2026-11-01T14:30:00.123456+00:00"}', 355, 26819, 13, NULL, NULL);


--
-- Data for Name: credentials; Type: TABLE DATA; Schema: public; Owner: todo
--

INSERT INTO public.credentials (user_id, email, password_hash) VALUES ('00000000-0000-4000-8000-000000000001', 'ada@example.com', '$argon2id$v=19$m=19456,t=2,p=1$cPpDLgpM823jNCPBJ1c9iA$JxriBqjHT6ZIBwxrblulo0GThGr8rELkAL1U4xcmK3c');
INSERT INTO public.credentials (user_id, email, password_hash) VALUES ('00000000-0000-4000-8000-000000000002', 'bob@example.com', '$argon2id$v=19$m=19456,t=2,p=1$cPpDLgpM823jNCPBJ1c9iA$JxriBqjHT6ZIBwxrblulo0GThGr8rELkAL1U4xcmK3c');
INSERT INTO public.credentials (user_id, email, password_hash) VALUES ('00000000-0000-4000-8000-000000000003', 'Grace.Hopper@example.com', '$argon2id$v=19$m=19456,t=2,p=1$cPpDLgpM823jNCPBJ1c9iA$JxriBqjHT6ZIBwxrblulo0GThGr8rELkAL1U4xcmK3c');


--
-- Data for Name: departed; Type: TABLE DATA; Schema: public; Owner: todo
--

INSERT INTO public.departed (user_hash, at, revision) VALUES ('\x0000000000000000000000000000000000000000000000000000000000000000', '2026-11-29 17:21:10.715623+00', 0);


--
-- Data for Name: deployment; Type: TABLE DATA; Schema: public; Owner: todo
--

INSERT INTO public.deployment (singleton, issuer) VALUES (true, 'built-in accounts');


--
-- Data for Name: feeds; Type: TABLE DATA; Schema: public; Owner: todo
--



--
-- Data for Name: idempotency; Type: TABLE DATA; Schema: public; Owner: todo
--

INSERT INTO public.idempotency (user_id, key, request, at, status, headers, body, task_id, total) VALUES ('00000000-0000-4000-8000-000000000001', 'a key', '\x68617368', '2026-11-29 17:21:10.715623+00', 201, '{}', '\x7b7d', 'ada00000-0000-4000-8000-000000000000', NULL);


--
-- Data for Name: one_time_links; Type: TABLE DATA; Schema: public; Owner: todo
--

INSERT INTO public.one_time_links (hash, user_id, purpose, email, created_at, expires_at) VALUES ('\x0000000000000000000000000000000000000000000000000000000000000000', '00000000-0000-4000-8000-000000000001', 'change', 'ada@example.org', '2026-11-29 17:21:10.902167+00', 'infinity');
INSERT INTO public.one_time_links (hash, user_id, purpose, email, created_at, expires_at) VALUES ('\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', '00000000-0000-4000-8000-000000000002', 'reset', NULL, '2026-11-29 17:21:10.902384+00', 'infinity');


--
-- Data for Name: sessions; Type: TABLE DATA; Schema: public; Owner: todo
--

INSERT INTO public.sessions (id, user_id, token_hash, created_at, expires_at, rotations, client, last_used_at) VALUES ('ada00000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', '\x68617368', '2026-11-29 17:21:10.715623+00', 'infinity', '[{"at": "2026-11-01T09:30:00.123456Z", "salt": "0000000000000000000000000000000000000000000000000000000000000000", "token_hash": "0000000000000000000000000000000000000000000000000000000000000000"}]', 'Firefox on Linux', '2026-11-01 09:30:00.123456+00');


--
-- Data for Name: signing_keys; Type: TABLE DATA; Schema: public; Owner: todo
--

INSERT INTO public.signing_keys (kid, private_key, public_jwk, created_at, retired_at) VALUES ('of a process', NULL, '{}', '2026-11-01 09:30:00.123456+00', '2026-11-01 09:30:00.123456+00');


--
-- Data for Name: tasks; Type: TABLE DATA; Schema: public; Owner: todo
--

INSERT INTO public.tasks (user_id, id, title, description, completed, completed_at, created_at, updated_at, deleted_at, fingerprint, revision, due_date, time_zone, priority, tags, recurrence, recurrence_from, remind_at, "position", series, due_at, search) VALUES ('00000000-0000-4000-8000-000000000002', 'ada00000-0000-4000-8000-000000000006', 'Of Bob', 'Nobody else sees it.', false, NULL, '2026-11-01 15:30:00.123456+00', '2026-11-01 15:30:00.123456+00', NULL, '\x38cc3feae19ef6ab053f9d7f517b6529', 1, NULL, NULL, NULL, '{}', NULL, NULL, NULL, 'cfdc887634fbfV', NULL, NULL, '''bob'':2A ''else'':4B ''it'':6B ''nobody'':3B ''of'':1A ''sees'':5B');
INSERT INTO public.tasks (user_id, id, title, description, completed, completed_at, created_at, updated_at, deleted_at, fingerprint, revision, due_date, time_zone, priority, tags, recurrence, recurrence_from, remind_at, "position", series, due_at, search) VALUES ('00000000-0000-4000-8000-000000000001', 'ada00000-0000-4000-8000-000000000000', 'Water the ferns', NULL, false, NULL, '2026-11-01 09:30:00.123456+00', '2026-11-29 17:21:10.886864+00', NULL, '\x696f70b686c9f6eb6534009b2cd2163b', 12, '2027-03-28T02:30', 'Europe/Berlin', 'urgent', '{home,"Käse, \"alt\""}', 'FREQ=MONTHLY;INTERVAL=2', 'due', '2026-11-01 09:30:00.123456+00', 'cfdcd8ed927bfV', '{"id": "ada00000-0000-4000-8000-000000000000", "anchor": "2027-03-28T02:30", "number": 1, "anchor_number": 1}', '2027-03-28 01:30:00+00', '''ferns'':3A ''the'':2A ''water'':1A');
INSERT INTO public.tasks (user_id, id, title, description, completed, completed_at, created_at, updated_at, deleted_at, fingerprint, revision, due_date, time_zone, priority, tags, recurrence, recurrence_from, remind_at, "position", series, due_at, search) VALUES ('00000000-0000-4000-8000-000000000001', 'ada00000-0000-4000-8000-000000000001', 'Pay the rent', 'By bank transfer.
Before the third.', true, '2026-11-01 10:30:00.123456+00', '2026-11-01 10:30:00.123456+00', '2026-11-29 17:21:10.893215+00', NULL, '\x3e15d824fe54bddb9560b02591cd0475', 13, NULL, NULL, 'low', '{}', NULL, NULL, NULL, 'cfdccb84583bfV', NULL, NULL, '''bank'':5B ''before'':7B ''by'':4B ''pay'':1A ''rent'':3A ''the'':2A,8B ''third'':9B ''transfer'':6B');
INSERT INTO public.tasks (user_id, id, title, description, completed, completed_at, created_at, updated_at, deleted_at, fingerprint, revision, due_date, time_zone, priority, tags, recurrence, recurrence_from, remind_at, "position", series, due_at, search) VALUES ('00000000-0000-4000-8000-000000000001', 'ada00000-0000-4000-8000-000000000002', 'Ünïcödé: 植物に水をやる 🌿 – á is not á', 'a	tab, a \ backslash, ''quotes'', $$ and a
new line', false, NULL, '2026-11-01 11:30:00.123456+00', '2026-11-29 17:21:10.893747+00', NULL, '\x3dab167aaad586fb99f7df6b03ca06f3', 14, NULL, NULL, 'low', '{}', NULL, NULL, NULL, 'cfdcbe1b1dfbfV', NULL, NULL, '''a'':3A,6A,7B,9B,13B ''and'':12B ''backslash'':10B ''is'':4A ''line'':15B ''new'':14B ''not'':5A ''quotes'':11B ''tab'':8B ''unicode'':1A ''植物に水をやる'':2A');
INSERT INTO public.tasks (user_id, id, title, description, completed, completed_at, created_at, updated_at, deleted_at, fingerprint, revision, due_date, time_zone, priority, tags, recurrence, recurrence_from, remind_at, "position", series, due_at, search) VALUES ('00000000-0000-4000-8000-000000000001', 'ada00000-0000-4000-8000-000000000003', 'ttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', false, NULL, '2026-11-01 12:30:00.123456+00', '2026-11-29 17:21:10.893893+00', NULL, '\x7fe63ba25e44d9d1539b99aee86225d8', 15, NULL, NULL, 'low', '{}', NULL, NULL, NULL, 'cfdcb0b1e3bbfV', NULL, NULL, '''ttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt'':1A');
INSERT INTO public.tasks (user_id, id, title, description, completed, completed_at, created_at, updated_at, deleted_at, fingerprint, revision, due_date, time_zone, priority, tags, recurrence, recurrence_from, remind_at, "position", series, due_at, search) VALUES ('00000000-0000-4000-8000-000000000001', 'ada00000-0000-4000-8000-000000000004', 'In the trash', NULL, false, NULL, '2026-11-01 13:30:00.123456+00', '2026-11-29 17:21:10.894103+00', '2026-11-29 17:21:10.872487+00', '\x4c573b0a5f405c1a3ec2c42fb46add49', 16, NULL, NULL, 'low', '{}', NULL, NULL, NULL, 'cfdca348a97bfV', NULL, NULL, '''in'':1A ''the'':2A ''trash'':3A');
INSERT INTO public.tasks (user_id, id, title, description, completed, completed_at, created_at, updated_at, deleted_at, fingerprint, revision, due_date, time_zone, priority, tags, recurrence, recurrence_from, remind_at, "position", series, due_at, search) VALUES ('00000000-0000-4000-8000-000000000001', 'ada00000-0000-4000-8000-000000000005', 'In the trash, and done', '', true, '2026-11-01 14:30:00.123456+00', '2026-11-01 14:30:00.123456+00', '2026-11-29 17:21:10.89437+00', '2026-11-29 17:21:10.872768+00', '\x04f27db41acdc0332fca334d5ae171fa', 17, NULL, NULL, 'low', '{}', NULL, NULL, NULL, 'cfdc95df6f3bfV', NULL, NULL, '''and'':4A ''done'':5A ''in'':1A ''the'':2A ''trash'':3A');


--
-- Data for Name: users; Type: TABLE DATA; Schema: public; Owner: todo
--

INSERT INTO public.users (id, email, created_at, revision, task_count, changed_at, logged_bytes, name, email_confirmed_at) VALUES ('00000000-0000-4000-8000-000000000003', 'Grace.Hopper@example.com', '2026-11-01 09:30:00.123456+00', 0, 0, '2026-11-29 17:21:10.715623+00', 0, NULL, NULL);
INSERT INTO public.users (id, email, created_at, revision, task_count, changed_at, logged_bytes, name, email_confirmed_at) VALUES ('00000000-0000-4000-8000-000000000002', 'bob@example.com', '2026-11-01 09:30:00.123456+00', 1, 1, '2026-11-29 17:21:10.870324+00', 333, NULL, NULL);
INSERT INTO public.users (id, email, created_at, revision, task_count, changed_at, logged_bytes, name, email_confirmed_at) VALUES ('00000000-0000-4000-8000-000000000001', 'ada@example.com', '2026-11-01 09:30:00.123456+00', 17, 6, '2026-11-29 17:21:10.89437+00', 26819, 'Ada Lovelace 🌿', '2026-11-01 09:30:00.123456+00');


--
-- Name: alembic_version alembic_version_pkc; Type: CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);


--
-- Name: api_tokens pk_api_tokens; Type: CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.api_tokens
    ADD CONSTRAINT pk_api_tokens PRIMARY KEY (id);


--
-- Name: changes pk_changes; Type: CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.changes
    ADD CONSTRAINT pk_changes PRIMARY KEY (user_id, revision);


--
-- Name: credentials pk_credentials; Type: CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.credentials
    ADD CONSTRAINT pk_credentials PRIMARY KEY (user_id);


--
-- Name: departed pk_departed; Type: CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.departed
    ADD CONSTRAINT pk_departed PRIMARY KEY (user_hash);


--
-- Name: deployment pk_deployment; Type: CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.deployment
    ADD CONSTRAINT pk_deployment PRIMARY KEY (singleton);


--
-- Name: feeds pk_feeds; Type: CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.feeds
    ADD CONSTRAINT pk_feeds PRIMARY KEY (user_id, id);


--
-- Name: idempotency pk_idempotency; Type: CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.idempotency
    ADD CONSTRAINT pk_idempotency PRIMARY KEY (user_id, key);


--
-- Name: one_time_links pk_one_time_links; Type: CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.one_time_links
    ADD CONSTRAINT pk_one_time_links PRIMARY KEY (hash);


--
-- Name: sessions pk_sessions; Type: CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT pk_sessions PRIMARY KEY (id);


--
-- Name: signing_keys pk_signing_keys; Type: CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.signing_keys
    ADD CONSTRAINT pk_signing_keys PRIMARY KEY (kid);


--
-- Name: tasks pk_tasks; Type: CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT pk_tasks PRIMARY KEY (user_id, id);


--
-- Name: users pk_users; Type: CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT pk_users PRIMARY KEY (id);


--
-- Name: api_tokens uq_api_tokens_token_hash; Type: CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.api_tokens
    ADD CONSTRAINT uq_api_tokens_token_hash UNIQUE (token_hash);


--
-- Name: feeds uq_feeds_secret_hash; Type: CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.feeds
    ADD CONSTRAINT uq_feeds_secret_hash UNIQUE (secret_hash);


--
-- Name: ix_api_tokens_user_id; Type: INDEX; Schema: public; Owner: todo
--

CREATE INDEX ix_api_tokens_user_id ON public.api_tokens USING btree (user_id);


--
-- Name: ix_changes_agent; Type: INDEX; Schema: public; Owner: todo
--

CREATE INDEX ix_changes_agent ON public.changes USING btree (user_id, agent_id, revision) WHERE (agent_id IS NOT NULL);


--
-- Name: ix_changes_at; Type: INDEX; Schema: public; Owner: todo
--

CREATE INDEX ix_changes_at ON public.changes USING brin (at);


--
-- Name: ix_changes_batch; Type: INDEX; Schema: public; Owner: todo
--

CREATE INDEX ix_changes_batch ON public.changes USING btree (user_id, batch) WHERE (batch IS NOT NULL);


--
-- Name: ix_changes_task; Type: INDEX; Schema: public; Owner: todo
--

CREATE INDEX ix_changes_task ON public.changes USING btree (user_id, task_id, revision);


--
-- Name: ix_idempotency_at; Type: INDEX; Schema: public; Owner: todo
--

CREATE INDEX ix_idempotency_at ON public.idempotency USING brin (at);


--
-- Name: ix_idempotency_task; Type: INDEX; Schema: public; Owner: todo
--

CREATE INDEX ix_idempotency_task ON public.idempotency USING btree (user_id, task_id);


--
-- Name: ix_idempotency_total; Type: INDEX; Schema: public; Owner: todo
--

CREATE INDEX ix_idempotency_total ON public.idempotency USING btree (user_id, total) WHERE (total IS NOT NULL);


--
-- Name: ix_one_time_links_user_id; Type: INDEX; Schema: public; Owner: todo
--

CREATE INDEX ix_one_time_links_user_id ON public.one_time_links USING btree (user_id);


--
-- Name: ix_sessions_user_id; Type: INDEX; Schema: public; Owner: todo
--

CREATE INDEX ix_sessions_user_id ON public.sessions USING btree (user_id);


--
-- Name: ix_tasks_deleted_at; Type: INDEX; Schema: public; Owner: todo
--

CREATE INDEX ix_tasks_deleted_at ON public.tasks USING btree (deleted_at) WHERE (deleted_at IS NOT NULL);


--
-- Name: ix_tasks_due; Type: INDEX; Schema: public; Owner: todo
--

CREATE INDEX ix_tasks_due ON public.tasks USING btree (user_id, due_at, id) WHERE ((deleted_at IS NULL) AND (due_at IS NOT NULL));


--
-- Name: ix_tasks_list; Type: INDEX; Schema: public; Owner: todo
--

CREATE INDEX ix_tasks_list ON public.tasks USING btree (user_id, created_at DESC, id DESC) WHERE (deleted_at IS NULL);


--
-- Name: ix_tasks_position; Type: INDEX; Schema: public; Owner: todo
--

CREATE INDEX ix_tasks_position ON public.tasks USING btree (user_id, "position", id) WHERE (deleted_at IS NULL);


--
-- Name: ix_tasks_status; Type: INDEX; Schema: public; Owner: todo
--

CREATE INDEX ix_tasks_status ON public.tasks USING btree (user_id, completed, created_at DESC, id DESC) WHERE (deleted_at IS NULL);


--
-- Name: ix_tasks_trash; Type: INDEX; Schema: public; Owner: todo
--

CREATE INDEX ix_tasks_trash ON public.tasks USING btree (user_id, created_at DESC, id DESC) WHERE (deleted_at IS NOT NULL);


--
-- Name: uq_credentials_email; Type: INDEX; Schema: public; Owner: todo
--

CREATE UNIQUE INDEX uq_credentials_email ON public.credentials USING btree (lower(email));


--
-- Name: uq_signing_keys_current; Type: INDEX; Schema: public; Owner: todo
--

CREATE UNIQUE INDEX uq_signing_keys_current ON public.signing_keys USING btree (((retired_at IS NULL))) WHERE (retired_at IS NULL);


--
-- Name: users begin; Type: TRIGGER; Schema: public; Owner: todo
--

CREATE TRIGGER begin BEFORE INSERT ON public.users FOR EACH ROW EXECUTE FUNCTION public.begin_behind_departure();


--
-- Name: users forget; Type: TRIGGER; Schema: public; Owner: todo
--

CREATE TRIGGER forget AFTER DELETE ON public.users FOR EACH ROW EXECUTE FUNCTION public.delete_changes();


--
-- Name: users forget_all; Type: TRIGGER; Schema: public; Owner: todo
--

CREATE TRIGGER forget_all AFTER TRUNCATE ON public.users FOR EACH STATEMENT EXECUTE FUNCTION public.delete_changes();


--
-- Name: tasks log; Type: TRIGGER; Schema: public; Owner: todo
--

CREATE TRIGGER log BEFORE INSERT OR DELETE OR UPDATE ON public.tasks FOR EACH ROW EXECUTE FUNCTION public.log_task();


--
-- Name: api_tokens fk_api_tokens_user_id_users; Type: FK CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.api_tokens
    ADD CONSTRAINT fk_api_tokens_user_id_users FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- Name: credentials fk_credentials_user_id_users; Type: FK CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.credentials
    ADD CONSTRAINT fk_credentials_user_id_users FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- Name: feeds fk_feeds_user_id_users; Type: FK CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.feeds
    ADD CONSTRAINT fk_feeds_user_id_users FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- Name: idempotency fk_idempotency_user_id_users; Type: FK CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.idempotency
    ADD CONSTRAINT fk_idempotency_user_id_users FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- Name: one_time_links fk_one_time_links_user_id_users; Type: FK CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.one_time_links
    ADD CONSTRAINT fk_one_time_links_user_id_users FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- Name: sessions fk_sessions_user_id_users; Type: FK CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT fk_sessions_user_id_users FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- Name: tasks fk_tasks_user_id_users; Type: FK CONSTRAINT; Schema: public; Owner: todo
--

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT fk_tasks_user_id_users FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- Name: api_tokens accounts; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY accounts ON public.api_tokens TO todo_accounts USING (true) WITH CHECK (true);


--
-- Name: credentials accounts; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY accounts ON public.credentials TO todo_accounts USING (true) WITH CHECK (true);


--
-- Name: departed accounts; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY accounts ON public.departed TO todo_accounts USING (true) WITH CHECK (true);


--
-- Name: feeds accounts; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY accounts ON public.feeds TO todo_accounts USING (true) WITH CHECK (true);


--
-- Name: one_time_links accounts; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY accounts ON public.one_time_links TO todo_accounts USING (true) WITH CHECK (true);


--
-- Name: sessions accounts; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY accounts ON public.sessions TO todo_accounts USING (true) WITH CHECK (true);


--
-- Name: signing_keys accounts; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY accounts ON public.signing_keys TO todo_accounts USING (true) WITH CHECK (true);


--
-- Name: users accounts; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY accounts ON public.users TO todo_accounts USING (true) WITH CHECK (true);


--
-- Name: api_tokens; Type: ROW SECURITY; Schema: public; Owner: todo
--

ALTER TABLE public.api_tokens ENABLE ROW LEVEL SECURITY;

--
-- Name: changes; Type: ROW SECURITY; Schema: public; Owner: todo
--

ALTER TABLE public.changes ENABLE ROW LEVEL SECURITY;

--
-- Name: credentials; Type: ROW SECURITY; Schema: public; Owner: todo
--

ALTER TABLE public.credentials ENABLE ROW LEVEL SECURITY;

--
-- Name: departed; Type: ROW SECURITY; Schema: public; Owner: todo
--

ALTER TABLE public.departed ENABLE ROW LEVEL SECURITY;

--
-- Name: feeds; Type: ROW SECURITY; Schema: public; Owner: todo
--

ALTER TABLE public.feeds ENABLE ROW LEVEL SECURITY;

--
-- Name: changes fence; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY fence ON public.changes AS RESTRICTIVE FOR SELECT TO todo_app USING ((((( SELECT lower(NULLIF(current_setting('app.tag'::text, true), ''::text)) AS lower) ~~ '%'::text) IS NOT TRUE) OR (((lower((after ->> 'tags'::text)))::jsonb ? ( SELECT lower(NULLIF(current_setting('app.tag'::text, true), ''::text)) AS lower)) AND ((NOT COALESCE((before ? 'tags'::text), false)) OR ((lower((before ->> 'tags'::text)))::jsonb ? ( SELECT lower(NULLIF(current_setting('app.tag'::text, true), ''::text)) AS lower))) AND (EXISTS ( SELECT
   FROM public.tasks t
  WHERE ((t.user_id = changes.user_id) AND (t.id = changes.task_id)))))));


--
-- Name: feeds fence; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY fence ON public.feeds AS RESTRICTIVE TO todo_app USING (((( SELECT lower(NULLIF(current_setting('app.tag'::text, true), ''::text)) AS lower) ~~ '%'::text) IS NOT TRUE));


--
-- Name: tasks fence; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY fence ON public.tasks AS RESTRICTIVE TO todo_app USING ((((( SELECT lower(NULLIF(current_setting('app.tag'::text, true), ''::text)) AS lower) ~~ '%'::text) IS NOT TRUE) OR (( SELECT lower(NULLIF(current_setting('app.tag'::text, true), ''::text)) AS lower) = ANY ((lower((tags)::text))::text[]))));


--
-- Name: idempotency; Type: ROW SECURITY; Schema: public; Owner: todo
--

ALTER TABLE public.idempotency ENABLE ROW LEVEL SECURITY;

--
-- Name: changes log; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY log ON public.changes TO todo_log USING (true) WITH CHECK (true);


--
-- Name: departed log; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY log ON public.departed FOR SELECT TO todo_log USING (true);


--
-- Name: idempotency log; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY log ON public.idempotency TO todo_log USING (true) WITH CHECK (true);


--
-- Name: tasks log; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY log ON public.tasks TO todo_log USING ((user_id = ( SELECT NULLIF(current_setting('app.user_id'::text, true), ''::text) AS "nullif"))) WITH CHECK ((user_id = ( SELECT NULLIF(current_setting('app.user_id'::text, true), ''::text) AS "nullif")));


--
-- Name: users log; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY log ON public.users TO todo_log USING (true) WITH CHECK (true);


--
-- Name: one_time_links; Type: ROW SECURITY; Schema: public; Owner: todo
--

ALTER TABLE public.one_time_links ENABLE ROW LEVEL SECURITY;

--
-- Name: changes over; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY over ON public.changes TO todo_accounts USING ((at < (now() - '90 days'::interval))) WITH CHECK (false);


--
-- Name: idempotency over; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY over ON public.idempotency TO todo_accounts USING ((at < (now() - '24:00:00'::interval))) WITH CHECK (false);


--
-- Name: tasks over; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY over ON public.tasks TO todo_accounts USING ((deleted_at < (now() - '30 days'::interval))) WITH CHECK (false);


--
-- Name: changes own; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY own ON public.changes FOR SELECT TO todo_app USING ((user_id = ( SELECT NULLIF(current_setting('app.user_id'::text, true), ''::text) AS "nullif")));


--
-- Name: departed own; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY own ON public.departed FOR SELECT TO todo_app USING ((user_hash = sha256(convert_to(( SELECT NULLIF(current_setting('app.user_id'::text, true), ''::text) AS "nullif"), 'UTF8'::name))));


--
-- Name: feeds own; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY own ON public.feeds TO todo_app USING ((user_id = ( SELECT NULLIF(current_setting('app.user_id'::text, true), ''::text) AS "nullif"))) WITH CHECK ((user_id = ( SELECT NULLIF(current_setting('app.user_id'::text, true), ''::text) AS "nullif")));


--
-- Name: idempotency own; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY own ON public.idempotency TO todo_app USING ((user_id = ( SELECT NULLIF(current_setting('app.user_id'::text, true), ''::text) AS "nullif"))) WITH CHECK ((user_id = ( SELECT NULLIF(current_setting('app.user_id'::text, true), ''::text) AS "nullif")));


--
-- Name: tasks own; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY own ON public.tasks TO todo_app USING ((user_id = ( SELECT NULLIF(current_setting('app.user_id'::text, true), ''::text) AS "nullif"))) WITH CHECK ((user_id = ( SELECT NULLIF(current_setting('app.user_id'::text, true), ''::text) AS "nullif")));


--
-- Name: users own; Type: POLICY; Schema: public; Owner: todo
--

CREATE POLICY own ON public.users TO todo_app USING ((id = ( SELECT NULLIF(current_setting('app.user_id'::text, true), ''::text) AS "nullif"))) WITH CHECK ((id = ( SELECT NULLIF(current_setting('app.user_id'::text, true), ''::text) AS "nullif")));


--
-- Name: sessions; Type: ROW SECURITY; Schema: public; Owner: todo
--

ALTER TABLE public.sessions ENABLE ROW LEVEL SECURITY;

--
-- Name: signing_keys; Type: ROW SECURITY; Schema: public; Owner: todo
--

ALTER TABLE public.signing_keys ENABLE ROW LEVEL SECURITY;

--
-- Name: tasks; Type: ROW SECURITY; Schema: public; Owner: todo
--

ALTER TABLE public.tasks ENABLE ROW LEVEL SECURITY;

--
-- Name: users; Type: ROW SECURITY; Schema: public; Owner: todo
--

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;

--
-- Name: SCHEMA public; Type: ACL; Schema: -; Owner: pg_database_owner
--

GRANT USAGE ON SCHEMA public TO todo_app;
GRANT USAGE ON SCHEMA public TO todo_accounts;
GRANT USAGE ON SCHEMA public TO todo_log;


--
-- Name: FUNCTION begin_behind_departure(); Type: ACL; Schema: public; Owner: todo_log
--

REVOKE ALL ON FUNCTION public.begin_behind_departure() FROM PUBLIC;


--
-- Name: FUNCTION check_agent(writer uuid, owner text, task uuid, kind text, old_values jsonb); Type: ACL; Schema: public; Owner: todo_log
--

REVOKE ALL ON FUNCTION public.check_agent(writer uuid, owner text, task uuid, kind text, old_values jsonb) FROM PUBLIC;


--
-- Name: FUNCTION delete_changes(); Type: ACL; Schema: public; Owner: todo_log
--

REVOKE ALL ON FUNCTION public.delete_changes() FROM PUBLIC;


--
-- Name: FUNCTION import_tasks(items jsonb, OUT created bigint, OUT restored bigint); Type: ACL; Schema: public; Owner: todo_log
--

REVOKE ALL ON FUNCTION public.import_tasks(items jsonb, OUT created bigint, OUT restored bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.import_tasks(items jsonb, OUT created bigint, OUT restored bigint) TO todo_app;


--
-- Name: FUNCTION log_task(); Type: ACL; Schema: public; Owner: todo_log
--

REVOKE ALL ON FUNCTION public.log_task() FROM PUBLIC;


--
-- Name: FUNCTION undo_existence(undone bigint, OUT done boolean, OUT hindrance bigint); Type: ACL; Schema: public; Owner: todo_log
--

REVOKE ALL ON FUNCTION public.undo_existence(undone bigint, OUT done boolean, OUT hindrance bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.undo_existence(undone bigint, OUT done boolean, OUT hindrance bigint) TO todo_app;


--
-- Name: TABLE alembic_version; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT ON TABLE public.alembic_version TO todo_accounts;


--
-- Name: TABLE api_tokens; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.api_tokens TO todo_accounts;


--
-- Name: TABLE changes; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT,DELETE ON TABLE public.changes TO todo_log;
GRANT SELECT ON TABLE public.changes TO todo_app;
GRANT DELETE ON TABLE public.changes TO todo_accounts;


--
-- Name: COLUMN changes.user_id; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT(user_id) ON TABLE public.changes TO todo_log;
GRANT SELECT(user_id) ON TABLE public.changes TO todo_accounts;


--
-- Name: COLUMN changes.revision; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT(revision) ON TABLE public.changes TO todo_accounts;
GRANT SELECT(revision) ON TABLE public.changes TO todo_log;


--
-- Name: COLUMN changes.task_id; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT(task_id) ON TABLE public.changes TO todo_log;


--
-- Name: COLUMN changes.kind; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT(kind) ON TABLE public.changes TO todo_log;


--
-- Name: COLUMN changes.at; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT(at) ON TABLE public.changes TO todo_accounts;
GRANT SELECT(at) ON TABLE public.changes TO todo_log;


--
-- Name: COLUMN changes.undoes; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT(undoes) ON TABLE public.changes TO todo_log;


--
-- Name: COLUMN changes.before; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT(before),UPDATE(before) ON TABLE public.changes TO todo_log;


--
-- Name: COLUMN changes.after; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT(after),UPDATE(after) ON TABLE public.changes TO todo_log;


--
-- Name: COLUMN changes.total; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT(total) ON TABLE public.changes TO todo_log;


--
-- Name: COLUMN changes.batch; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT(batch) ON TABLE public.changes TO todo_log;


--
-- Name: COLUMN changes.agent_id; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT(agent_id) ON TABLE public.changes TO todo_log;


--
-- Name: TABLE credentials; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT,INSERT ON TABLE public.credentials TO todo_accounts;


--
-- Name: COLUMN credentials.email; Type: ACL; Schema: public; Owner: todo
--

GRANT UPDATE(email) ON TABLE public.credentials TO todo_accounts;


--
-- Name: COLUMN credentials.password_hash; Type: ACL; Schema: public; Owner: todo
--

GRANT UPDATE(password_hash) ON TABLE public.credentials TO todo_accounts;


--
-- Name: TABLE departed; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT ON TABLE public.departed TO todo_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.departed TO todo_accounts;
GRANT SELECT ON TABLE public.departed TO todo_log;


--
-- Name: TABLE deployment; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT,INSERT,UPDATE ON TABLE public.deployment TO todo_accounts;


--
-- Name: TABLE feeds; Type: ACL; Schema: public; Owner: todo
--

GRANT DELETE ON TABLE public.feeds TO todo_app;
GRANT DELETE ON TABLE public.feeds TO todo_accounts;


--
-- Name: COLUMN feeds.user_id; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT(user_id),INSERT(user_id) ON TABLE public.feeds TO todo_app;
GRANT SELECT(user_id) ON TABLE public.feeds TO todo_accounts;


--
-- Name: COLUMN feeds.id; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT(id),INSERT(id) ON TABLE public.feeds TO todo_app;


--
-- Name: COLUMN feeds.secret_hash; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(secret_hash) ON TABLE public.feeds TO todo_app;
GRANT SELECT(secret_hash) ON TABLE public.feeds TO todo_accounts;


--
-- Name: COLUMN feeds.created_at; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT(created_at) ON TABLE public.feeds TO todo_app;


--
-- Name: COLUMN feeds.last_used_at; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT(last_used_at) ON TABLE public.feeds TO todo_app;
GRANT SELECT(last_used_at),UPDATE(last_used_at) ON TABLE public.feeds TO todo_accounts;


--
-- Name: TABLE idempotency; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.idempotency TO todo_app;
GRANT DELETE ON TABLE public.idempotency TO todo_accounts;


--
-- Name: COLUMN idempotency.user_id; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT(user_id) ON TABLE public.idempotency TO todo_log;
GRANT SELECT(user_id) ON TABLE public.idempotency TO todo_accounts;


--
-- Name: COLUMN idempotency.key; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT(key) ON TABLE public.idempotency TO todo_accounts;


--
-- Name: COLUMN idempotency.at; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT(at) ON TABLE public.idempotency TO todo_accounts;


--
-- Name: COLUMN idempotency.status; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT(status) ON TABLE public.idempotency TO todo_log;


--
-- Name: COLUMN idempotency.body; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT(body),UPDATE(body) ON TABLE public.idempotency TO todo_log;


--
-- Name: COLUMN idempotency.task_id; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT(task_id) ON TABLE public.idempotency TO todo_log;


--
-- Name: TABLE one_time_links; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT,DELETE ON TABLE public.one_time_links TO todo_accounts;


--
-- Name: COLUMN one_time_links.hash; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(hash) ON TABLE public.one_time_links TO todo_accounts;


--
-- Name: COLUMN one_time_links.user_id; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(user_id) ON TABLE public.one_time_links TO todo_accounts;


--
-- Name: COLUMN one_time_links.purpose; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(purpose) ON TABLE public.one_time_links TO todo_accounts;


--
-- Name: COLUMN one_time_links.email; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(email) ON TABLE public.one_time_links TO todo_accounts;


--
-- Name: COLUMN one_time_links.expires_at; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(expires_at) ON TABLE public.one_time_links TO todo_accounts;


--
-- Name: TABLE sessions; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sessions TO todo_accounts;


--
-- Name: TABLE signing_keys; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT,INSERT,DELETE ON TABLE public.signing_keys TO todo_accounts;


--
-- Name: COLUMN signing_keys.private_key; Type: ACL; Schema: public; Owner: todo
--

GRANT UPDATE(private_key) ON TABLE public.signing_keys TO todo_accounts;


--
-- Name: COLUMN signing_keys.retired_at; Type: ACL; Schema: public; Owner: todo
--

GRANT UPDATE(retired_at) ON TABLE public.signing_keys TO todo_accounts;


--
-- Name: TABLE tasks; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT,DELETE ON TABLE public.tasks TO todo_app;
GRANT DELETE ON TABLE public.tasks TO todo_accounts;
GRANT SELECT,INSERT ON TABLE public.tasks TO todo_log;


--
-- Name: COLUMN tasks.user_id; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(user_id) ON TABLE public.tasks TO todo_app;
GRANT SELECT(user_id) ON TABLE public.tasks TO todo_accounts;


--
-- Name: COLUMN tasks.id; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(id) ON TABLE public.tasks TO todo_app;
GRANT SELECT(id) ON TABLE public.tasks TO todo_accounts;


--
-- Name: COLUMN tasks.title; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(title),UPDATE(title) ON TABLE public.tasks TO todo_app;


--
-- Name: COLUMN tasks.description; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(description),UPDATE(description) ON TABLE public.tasks TO todo_app;


--
-- Name: COLUMN tasks.completed; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(completed),UPDATE(completed) ON TABLE public.tasks TO todo_app;


--
-- Name: COLUMN tasks.deleted_at; Type: ACL; Schema: public; Owner: todo
--

GRANT UPDATE(deleted_at) ON TABLE public.tasks TO todo_app;
GRANT SELECT(deleted_at),UPDATE(deleted_at) ON TABLE public.tasks TO todo_accounts;
GRANT UPDATE(deleted_at) ON TABLE public.tasks TO todo_log;


--
-- Name: COLUMN tasks.revision; Type: ACL; Schema: public; Owner: todo
--

GRANT UPDATE(revision) ON TABLE public.tasks TO todo_log;


--
-- Name: COLUMN tasks.due_date; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(due_date),UPDATE(due_date) ON TABLE public.tasks TO todo_app;


--
-- Name: COLUMN tasks.time_zone; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(time_zone),UPDATE(time_zone) ON TABLE public.tasks TO todo_app;


--
-- Name: COLUMN tasks.priority; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(priority),UPDATE(priority) ON TABLE public.tasks TO todo_app;


--
-- Name: COLUMN tasks.tags; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(tags),UPDATE(tags) ON TABLE public.tasks TO todo_app;


--
-- Name: COLUMN tasks.recurrence; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(recurrence),UPDATE(recurrence) ON TABLE public.tasks TO todo_app;


--
-- Name: COLUMN tasks.recurrence_from; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(recurrence_from),UPDATE(recurrence_from) ON TABLE public.tasks TO todo_app;


--
-- Name: COLUMN tasks.remind_at; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(remind_at),UPDATE(remind_at) ON TABLE public.tasks TO todo_app;


--
-- Name: COLUMN tasks."position"; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT("position"),UPDATE("position") ON TABLE public.tasks TO todo_app;


--
-- Name: COLUMN tasks.series; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(series),UPDATE(series) ON TABLE public.tasks TO todo_app;


--
-- Name: TABLE users; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT ON TABLE public.users TO todo_app;
GRANT SELECT,DELETE ON TABLE public.users TO todo_accounts;


--
-- Name: COLUMN users.id; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(id) ON TABLE public.users TO todo_accounts;
GRANT INSERT(id) ON TABLE public.users TO todo_app;
GRANT SELECT(id) ON TABLE public.users TO todo_log;


--
-- Name: COLUMN users.email; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(email),UPDATE(email) ON TABLE public.users TO todo_accounts;
GRANT INSERT(email) ON TABLE public.users TO todo_app;


--
-- Name: COLUMN users.revision; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT(revision),UPDATE(revision) ON TABLE public.users TO todo_log;


--
-- Name: COLUMN users.task_count; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT(task_count),UPDATE(task_count) ON TABLE public.users TO todo_log;


--
-- Name: COLUMN users.changed_at; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT(changed_at),UPDATE(changed_at) ON TABLE public.users TO todo_log;


--
-- Name: COLUMN users.logged_bytes; Type: ACL; Schema: public; Owner: todo
--

GRANT SELECT(logged_bytes),UPDATE(logged_bytes) ON TABLE public.users TO todo_log;


--
-- Name: COLUMN users.name; Type: ACL; Schema: public; Owner: todo
--

GRANT INSERT(name) ON TABLE public.users TO todo_accounts;


--
-- Name: COLUMN users.email_confirmed_at; Type: ACL; Schema: public; Owner: todo
--

GRANT UPDATE(email_confirmed_at) ON TABLE public.users TO todo_accounts;


--
-- PostgreSQL database dump complete
--


