"""One number a user: the log of changes, the answers kept for retries, the count of tasks, and who may sweep.

Clients write meanwhile, so what takes long locks no writer out, and what locks writers out takes milliseconds:

1. The indexes on tasks are built concurrently.
2. One transaction changes the catalogue: columns, tables, and the trigger, which counts and logs from then on. Users
   who are there already begin at 1; how many tasks they have is null.
3. The tasks of the users whose count is null are counted, a few users at a time.
4. The counts are said to be there: checked first, then required.

Interrupted, it goes on where it was when it is run again.
"""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

from todo.migrations.locks import take

revision = "2026_11_24_changes"
down_revision = "2026_11_22_tokens"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)

ME = "(SELECT nullif(current_setting('app.user_id', true), ''))"

# A third role, which no process works as: it owns the trigger's function, so that the log is written for every
# writer of tasks, and by nothing else. Roles belong to the whole cluster, as in the first migration.
ROLE = """
DO $$
BEGIN
    FOR attempt IN 1..10 LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'todo_log') THEN
                CREATE ROLE todo_log NOLOGIN;
            END IF;
            IF NOT EXISTS (
                SELECT FROM pg_auth_members
                WHERE roleid = 'todo_log'::regrole AND member = current_user::regrole
                  AND coalesce((to_jsonb(pg_auth_members) ->> 'set_option')::boolean, true)
            ) THEN
                EXECUTE 'GRANT todo_log TO CURRENT_USER' ||
                    CASE WHEN current_setting('server_version_num')::int >= 160000
                         THEN ' WITH INHERIT FALSE, SET TRUE' ELSE '' END;
            END IF;
            EXIT;
        EXCEPTION WHEN duplicate_object OR unique_violation OR internal_error THEN
            IF attempt = 10 THEN RAISE; END IF;
            PERFORM pg_sleep(0.05);
        END;
    END LOOP;
    EXECUTE format('GRANT USAGE, CREATE ON SCHEMA %I TO todo_log', current_schema());
END $$
"""

# The stamps and the log of every change, for every writer.
#
# Lock order: the task's row, which is locked when a BEFORE trigger runs, then its user's. A writer of several
# tasks locks them in the order of their ids. The number is taken under the user's lock, so the log is in the order
# of commits.
#
# A change that changes nothing gives the row back as it was: a NULL would leave RETURNING empty, and the row would
# look missing. Where the user is gone, their account is being deleted and nothing is logged, or the foreign key
# refuses the row. Of what it was, a change keeps the fields that it altered; of what it is, all.
LOG = """
CREATE FUNCTION log_task() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
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
    IF TG_RELID <> 'tasks'::regclass THEN
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

# The functions find their tables whatever the writer's search_path is, and theirs are not taken for ours; no role may
# use them on a table of its own.
LOG_IS_SAFE = """
DO $$
BEGIN
    IF NOT has_schema_privilege('todo_log', current_schema(), 'CREATE') THEN
        RAISE 'the owner of the schema % must first GRANT CREATE ON SCHEMA % TO todo_log',
            current_schema(), current_schema();
    END IF;
    EXECUTE format('ALTER FUNCTION log_task() SET search_path = %I, pg_temp', current_schema());
    EXECUTE format('ALTER FUNCTION begin_behind_departure() SET search_path = %I, pg_temp', current_schema());
    REVOKE EXECUTE ON FUNCTION log_task(), begin_behind_departure() FROM PUBLIC;
    ALTER FUNCTION log_task() OWNER TO todo_log;
    ALTER FUNCTION begin_behind_departure() OWNER TO todo_log;
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM todo_log', current_schema());
END $$
"""

# Who deleted their account with another issuer and comes back begins behind their last number.
COMING_BACK = """
CREATE FUNCTION begin_behind_departure() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    NEW.revision := coalesce(
        (SELECT departed.revision + 1 FROM departed WHERE user_hash = sha256(convert_to(NEW.id, 'UTF8'))), 0
    );
    RETURN NEW;
END $$
"""

# Users who are there already start at 1 where they have tasks, at 0 where they have none. What was before is not in
# the log, so a client that asks for it must read the list.
#
# A write of a task holds its user's row until it is committed. So a transaction that holds that row, and reads only
# then, sees every task that the trigger counted or has still to count: the row is locked by one statement and the
# tasks are counted by the next. What was written since the trigger exists has moved the revision beyond 1. A row that
# is not free is left for later: a transaction that does not wait cannot deadlock.
COUNT = """
DO $$
DECLARE
    behind text := '';
    them text[];
BEGIN
    LOOP
        them := ARRAY(
            SELECT id FROM users WHERE task_count IS NULL AND id > behind ORDER BY id LIMIT 10
               FOR NO KEY UPDATE SKIP LOCKED
        );
        IF them = '{}' THEN
            COMMIT;
            EXIT WHEN NOT EXISTS (SELECT FROM users WHERE task_count IS NULL);
            behind := '';
            PERFORM pg_sleep(0.05);
            CONTINUE;
        END IF;
        UPDATE users
           SET task_count = had.tasks,
               changed_at = CASE users.revision WHEN 1 THEN coalesce(had.last, users.changed_at)
                                                ELSE users.changed_at END,
               revision = CASE WHEN users.revision = 1 AND had.tasks = 0 THEN 0 ELSE users.revision END
          FROM unnest(them) AS counted (id) CROSS JOIN LATERAL (
               SELECT count(*) AS tasks, max(updated_at) AS last FROM tasks WHERE user_id = counted.id
          ) AS had
         WHERE users.id = counted.id;
        COMMIT;
        behind := them[cardinality(them)];
    END LOOP;
END $$
"""

# The accounts role sweeps: it sees of tasks and of the log only what is over, and never what they say.
POLICIES = f"""
ALTER TABLE changes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE idempotency ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY log ON users TO todo_log USING (true) WITH CHECK (true);
CREATE POLICY log ON changes TO todo_log USING (true) WITH CHECK (true);
CREATE POLICY log ON idempotency TO todo_log USING (true) WITH CHECK (true);
CREATE POLICY log ON departed FOR SELECT TO todo_log USING (true);
CREATE POLICY own ON changes FOR SELECT TO todo_app USING (user_id = {ME});
CREATE POLICY own ON idempotency TO todo_app USING (user_id = {ME}) WITH CHECK (user_id = {ME});
CREATE POLICY over ON tasks TO todo_accounts USING (deleted_at < now() - interval '30 days') WITH CHECK (false);
CREATE POLICY over ON changes TO todo_accounts USING (at < now() - interval '90 days') WITH CHECK (false);
CREATE POLICY over ON idempotency TO todo_accounts USING (at < now() - interval '24 hours') WITH CHECK (false)
"""

GRANTS = """
GRANT SELECT (id, revision, changed_at, task_count), UPDATE (revision, changed_at, task_count) ON users TO todo_log;
GRANT SELECT (user_id, task_id, after), INSERT, UPDATE (before, after) ON changes TO todo_log;
GRANT SELECT (user_id, task_id, status), UPDATE (body) ON idempotency TO todo_log;
GRANT SELECT ON departed TO todo_log;
GRANT SELECT ON changes TO todo_app;
GRANT SELECT, INSERT, UPDATE ON idempotency TO todo_app;
GRANT SELECT (user_id, id, deleted_at), UPDATE (deleted_at), DELETE ON tasks TO todo_accounts;
GRANT SELECT (user_id, revision, at), DELETE ON changes TO todo_accounts;
GRANT SELECT (user_id, key, at), DELETE ON idempotency TO todo_accounts
"""


def upgrade() -> None:
    if not _switched():
        with op.get_context().autocommit_block():
            _build_indexes()
        op.execute("SET LOCAL lock_timeout = '500ms'")
        op.execute(take("tasks", "users", "departed"))
        _switch()
    with op.get_context().autocommit_block():
        op.execute(COUNT)
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("users"))
    op.execute("ALTER TABLE users DROP CONSTRAINT IF EXISTS counted")
    op.execute("ALTER TABLE users ADD CONSTRAINT counted CHECK (task_count IS NOT NULL) NOT VALID")
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE users VALIDATE CONSTRAINT counted")
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("tasks", "users"))
    op.alter_column("users", "task_count", nullable=False)  # which the constraint spares looking at the rows
    op.execute("ALTER TABLE users DROP CONSTRAINT counted")
    op.execute("ALTER TABLE tasks FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE users FORCE ROW LEVEL SECURITY")


def _switched() -> bool:
    """Whether an upgrade that was interrupted came behind the second step."""
    if context.is_offline_mode():
        return False
    return any(column["name"] == "task_count" for column in sa.inspect(op.get_bind()).get_columns("users"))


def _build_indexes() -> None:
    """Build them without locking writers out; one that was interrupted is there, and of no use."""
    for name in ("ix_tasks_trash", "ix_tasks_deleted_at"):
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
    op.create_index(
        "ix_tasks_trash",
        "tasks",
        ["user_id", sa.text("created_at DESC"), sa.text("id DESC")],
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_concurrently=True,
    )
    op.create_index(
        "ix_tasks_deleted_at",
        "tasks",
        ["deleted_at"],
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_concurrently=True,
    )


def _switch() -> None:
    """Everything that changes the catalogue alone."""
    op.execute(ROLE)
    op.add_column("users", sa.Column("revision", sa.BigInteger, nullable=False, server_default=sa.text("1")))
    op.add_column("users", sa.Column("task_count", sa.BigInteger))
    for name in ("revision", "task_count"):  # of who comes from now on
        op.alter_column("users", name, server_default=sa.text("0"))
    op.add_column("users", sa.Column("changed_at", MOMENT, nullable=False, server_default=sa.func.now()))
    op.add_column("departed", sa.Column("revision", sa.BigInteger, nullable=False, server_default=sa.text("0")))
    op.add_column("tasks", sa.Column("revision", sa.BigInteger, nullable=False, server_default=sa.text("1")))
    for name in ("revision", "created_at", "updated_at"):  # the trigger gives them
        op.alter_column("tasks", name, server_default=None)
    # Row-level security hides the rows from their owner too, who is going to count them.
    op.execute("ALTER TABLE users NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE tasks NO FORCE ROW LEVEL SECURITY")
    op.create_table(
        "changes",
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("task_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("via", sa.Text, nullable=False),
        sa.Column("undoes", sa.BigInteger),
        sa.Column("before", postgresql.JSONB),
        sa.Column("after", postgresql.JSONB),
        sa.PrimaryKeyConstraint("user_id", "revision", name="pk_changes"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_changes_user_id_users", ondelete="CASCADE"),
        sa.CheckConstraint(
            "kind IN ('create', 'update', 'delete', 'restore', 'purge')", name=op.f("ck_changes_kind_known")
        ),
        sa.CheckConstraint(
            "via IN ('session', 'api_token', 'command_line', 'sweep', 'database')", name=op.f("ck_changes_via_known")
        ),
    )
    op.create_index("ix_changes_task", "changes", ["user_id", "task_id", "revision"])
    op.create_index("ix_changes_at", "changes", ["at"], postgresql_using="brin")
    op.create_table(
        "idempotency",
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("at", MOMENT, nullable=False, server_default=sa.func.now()),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("headers", postgresql.JSONB, nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.Column("task_id", sa.Uuid),
        sa.PrimaryKeyConstraint("user_id", "key", name="pk_idempotency"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_idempotency_user_id_users", ondelete="CASCADE"),
        sa.CheckConstraint("char_length(key) BETWEEN 1 AND 255", name=op.f("ck_idempotency_key_length")),
    )
    op.create_index("ix_idempotency_task", "idempotency", ["user_id", "task_id"])
    op.create_index("ix_idempotency_at", "idempotency", ["at"], postgresql_using="brin")
    op.execute("DROP TRIGGER stamp ON tasks")
    op.execute("DROP FUNCTION stamp_task")
    op.execute(LOG)
    op.execute(COMING_BACK)
    op.execute("CREATE TRIGGER begin BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION begin_behind_departure()")
    op.execute("CREATE TRIGGER log BEFORE INSERT OR UPDATE OR DELETE ON tasks FOR EACH ROW EXECUTE FUNCTION log_task()")
    op.execute(LOG_IS_SAFE)
    for statement in (POLICIES + ";" + GRANTS).split(";"):
        op.execute(statement)


# What stamped tasks before there was a log.
STAMP = """
CREATE FUNCTION stamp_task() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.updated_at := NEW.created_at;
        NEW.completed_at := CASE WHEN NEW.completed THEN NEW.created_at END;
        NEW.fingerprint := task_fingerprint(NEW.title, NEW.description, NEW.completed);
        RETURN NEW;
    END IF;
    IF (NEW.title, NEW.description, NEW.completed, NEW.deleted_at)
        IS NOT DISTINCT FROM (OLD.title, OLD.description, OLD.completed, OLD.deleted_at)
    THEN
        RETURN OLD;
    END IF;
    NEW.created_at := OLD.created_at;
    NEW.fingerprint := OLD.fingerprint;
    NEW.updated_at := greatest(clock_timestamp(), OLD.updated_at + interval '1 microsecond');
    NEW.completed_at := CASE
        WHEN NEW.completed = OLD.completed THEN OLD.completed_at
        WHEN NEW.completed THEN NEW.updated_at
    END;
    RETURN NEW;
END $$
"""


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("tasks", "users", "departed"))
    op.execute("DROP TRIGGER log ON tasks")
    op.execute("DROP TRIGGER begin ON users")
    op.execute("SET LOCAL ROLE todo_log")  # whose the functions are
    op.execute("DROP FUNCTION log_task, begin_behind_departure")
    op.execute("RESET ROLE")
    op.execute(STAMP)
    op.execute("CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION stamp_task()")
    op.execute("DROP POLICY over ON tasks")
    op.execute("DROP POLICY log ON users")
    op.execute("DROP POLICY log ON departed")
    op.execute("REVOKE ALL ON departed FROM todo_log")
    op.drop_column("departed", "revision")
    op.execute("REVOKE ALL ON tasks FROM todo_accounts")
    op.execute("REVOKE ALL ON users FROM todo_log")
    for name in ("ix_tasks_deleted_at", "ix_tasks_trash"):
        op.drop_index(name, "tasks")
    for table in ("idempotency", "changes"):
        op.drop_table(table)
    op.drop_column("tasks", "revision")
    for name in ("created_at", "updated_at"):
        op.alter_column("tasks", name, server_default=sa.func.clock_timestamp())
    for name in ("changed_at", "task_count", "revision"):
        op.drop_column("users", name)
