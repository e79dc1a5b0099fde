"""A log that costs less: what changed is compared field by field, and no foreign key is checked for each change.

The trigger is the only writer of `changes`, and has locked the user's row when it writes, so a change without a user
cannot come to be; when a user is deleted, a trigger deletes their changes, as the foreign key did. The fingerprint of
a creation takes fields that come later: it stays what it was for tasks that have none of them.
"""

from alembic import op

from todo.migrations.locks import take
from todo.migrations.log import as_log_role, log_function

revision = "2026_11_28_log"
down_revision = "2026_11_25_keys"
branch_labels = None
depends_on = None

FINGERPRINT = """
CREATE FUNCTION task_fingerprint(fields jsonb) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN substr(sha256(convert_to((
    jsonb_build_array(fields -> 'title', fields -> 'description', fields -> 'completed')
    || CASE jsonb_strip_nulls(fields - '{title,description,completed}'::text[])
           WHEN '{}' THEN '[]'::jsonb
           ELSE jsonb_build_array(jsonb_strip_nulls(fields - '{title,description,completed}'::text[]))
       END
)::text, 'UTF8')), 1, 16)
"""

DELETE_CHANGES = """
CREATE FUNCTION delete_changes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM changes;
    ELSE
        DELETE FROM changes WHERE user_id = OLD.id;
    END IF;
    RETURN NULL;
END $$
"""

# The function as the migrations before this one leave it.
BEFORE = """
CREATE OR REPLACE FUNCTION log_task() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
DECLARE
    of_the_server constant text[] :=
        '{user_id,id,completed_at,created_at,updated_at,fingerprint,revision}';
    owner constant text := CASE WHEN TG_OP = 'DELETE' THEN OLD.user_id ELSE NEW.user_id END;
    most bigint;
    held bigint;
    number bigint;
    moment timestamptz;
    was jsonb;
    will_be jsonb;
    what text;
BEGIN
    IF TG_RELID <> 'tasks'::regclass AND pg_partition_root(TG_RELID) IS DISTINCT FROM 'tasks'::regclass THEN
        RAISE 'this is the log of tasks';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        NEW.user_id := OLD.user_id;
        NEW.id := OLD.id;
        NEW.completed_at := OLD.completed_at;
        NEW.created_at := OLD.created_at;
        NEW.updated_at := OLD.updated_at;
        NEW.fingerprint := OLD.fingerprint;
        NEW.revision := OLD.revision;
        IF NEW IS NOT DISTINCT FROM OLD THEN
            RETURN OLD;
        END IF;
    END IF;

    UPDATE users
       SET revision = users.revision + 1,
           changed_at = greatest(clock_timestamp(), users.changed_at + interval '1 microsecond'),
           task_count = users.task_count + CASE TG_OP WHEN 'INSERT' THEN 1 WHEN 'DELETE' THEN -1 ELSE 0 END
     WHERE id = owner
    RETURNING users.revision, users.changed_at, users.task_count INTO number, moment, held;
    IF NOT FOUND THEN
        IF TG_OP = 'DELETE' THEN
            RETURN OLD;
        END IF;
        number := 0;
        moment := clock_timestamp();
    END IF;

    IF TG_OP = 'DELETE' THEN
        UPDATE changes SET before = NULL, after = NULL
         WHERE user_id = OLD.user_id AND task_id = OLD.id AND after IS NOT NULL;
        UPDATE idempotency SET body = NULL
         WHERE user_id = OLD.user_id AND task_id = OLD.id AND status NOT IN (204, 404, 409);
        what := 'purge';
    ELSE
        NEW.revision := number;
        IF TG_OP = 'INSERT' THEN
            most := nullif(current_setting('app.max_tasks', true), '');
            IF held > most THEN
                RAISE check_violation USING CONSTRAINT = 'max_tasks', TABLE = 'tasks',
                    MESSAGE = format('a user may have %s tasks', most);
            END IF;
            NEW.created_at := coalesce(NEW.created_at, moment);
            NEW.updated_at := NEW.created_at;
            NEW.completed_at := CASE WHEN NEW.completed THEN NEW.created_at END;
            NEW.fingerprint := task_fingerprint(NEW.title, NEW.description, NEW.completed);
            IF number = 0 THEN
                RETURN NEW;
            END IF;
            what := 'create';
        ELSE
            NEW.updated_at := greatest(moment, OLD.updated_at + interval '1 microsecond');
            IF NEW.completed <> OLD.completed THEN
                NEW.completed_at := CASE WHEN NEW.completed THEN NEW.updated_at END;
            END IF;
            was := to_jsonb(OLD) - of_the_server;
            what := CASE
                WHEN OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL THEN 'delete'
                WHEN OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL THEN 'restore'
                ELSE 'update'
            END;
        END IF;
        will_be := to_jsonb(NEW) - '{user_id,id,fingerprint,revision}'::text[];
        IF was IS NOT NULL THEN
            was := (SELECT jsonb_object_agg(key, value) FROM jsonb_each(was) WHERE value <> will_be -> key);
        END IF;
    END IF;

    INSERT INTO changes (user_id, revision, task_id, kind, at, via, undoes, before, after)
    VALUES (owner, number, CASE WHEN TG_OP = 'DELETE' THEN OLD.id ELSE NEW.id END, what, moment,
            coalesce(nullif(current_setting('app.via', true), ''), 'database'),
            nullif(current_setting('app.undoes', true), '')::bigint, was, will_be);
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("tasks", "users", "changes"))
    op.execute(FINGERPRINT)
    op.execute(as_log_role(log_function(["title", "description", "completed"], sized=False)))
    op.execute(as_log_role(DELETE_CHANGES))
    op.execute("GRANT DELETE ON changes TO todo_log")
    op.execute("CREATE TRIGGER forget AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION delete_changes()")
    op.execute("CREATE TRIGGER forget_all AFTER TRUNCATE ON users FOR EACH STATEMENT EXECUTE FUNCTION delete_changes()")
    op.execute(as_log_role("REVOKE EXECUTE ON FUNCTION delete_changes() FROM PUBLIC"))
    op.drop_constraint("fk_changes_user_id_users", "changes", type_="foreignkey")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("tasks", "users", "changes"))
    op.execute(
        "ALTER TABLE changes ADD CONSTRAINT fk_changes_user_id_users"
        " FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE NOT VALID"
    )
    op.execute("DROP TRIGGER forget ON users")
    op.execute("DROP TRIGGER forget_all ON users")
    op.execute("REVOKE DELETE ON changes FROM todo_log")
    op.execute(as_log_role(BEFORE))
    op.execute("SET LOCAL ROLE todo_log")  # which owns the function
    op.execute("DROP FUNCTION delete_changes")
    op.execute("RESET ROLE")
    op.execute("DROP FUNCTION task_fingerprint(jsonb)")
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE changes VALIDATE CONSTRAINT fk_changes_user_id_users")
