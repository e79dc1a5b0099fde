"""Imports with the times of the past, undoing them as one, and calendar feeds.

Two functions of the log's role do what no other writer may: `import_tasks` creates tasks with the times that a file
says, and `undo_existence` takes back changes that were made together and only created, deleted or restored. Both
write the user's row once for many tasks. They see the rows of the transaction's user alone, as the policy says.
"""

import sqlalchemy as sa
from alembic import op

from todo.migrations.locks import take
from todo.migrations.log import as_log_role, log_function

revision = "2026_11_29_transfer"
down_revision = "2026_11_29_session_clients"
branch_labels = None
depends_on = None

FIELDS = ["title", "description", "completed"]
OPTIONAL = ["due_date", "time_zone", "priority", "tags", "recurrence", "recurrence_from", "remind_at"]
MOMENT = sa.DateTime(timezone=True)
ME = "(SELECT nullif(current_setting('app.user_id', true), ''))"

# Each task is looked up by its key, in a subquery of its own: a join may be planned for the few tasks that most users
# have.
# A task that an undo of its creation, or of its restoration by a later import, took to the trash is restored: to import
# again after an undo gives all again.
# Its row is not waited for, since tasks are locked before their user, who is locked here already.
IMPORT = """
CREATE FUNCTION import_tasks(items jsonb, OUT created bigint, OUT restored bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
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
END $$
"""

# Not done where a change altered something else: then the rules for single changes say what becomes of it. Nor where a
# task was deleted, restored or purged since: `hindrance` is the newest such change. Its joins are of as many rows on
# either side, however few the planner expects.
UNDO = """
CREATE FUNCTION undo_existence(undone bigint, OUT done boolean, OUT hindrance bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET enable_nestloop = off AS $$
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
END $$
"""

FUNCTIONS = ("import_tasks(jsonb)", "undo_existence(bigint)")

# The log's role sees the tasks of the transaction's user, as the role for requests does.
RIGHTS = f"""
CREATE POLICY log ON tasks TO todo_log USING (user_id = {ME}) WITH CHECK (user_id = {ME});
GRANT SELECT, INSERT, UPDATE (deleted_at, revision) ON tasks TO todo_log;
GRANT SELECT (kind, undoes, before, batch) ON changes TO todo_log;
ALTER TABLE feeds ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON feeds TO todo_app USING (user_id = {ME}) WITH CHECK (user_id = {ME});
CREATE POLICY accounts ON feeds TO todo_accounts USING (true) WITH CHECK (true);
GRANT SELECT (user_id, id, created_at, last_used_at), INSERT (user_id, id, secret_hash), DELETE ON feeds TO todo_app;
GRANT SELECT (user_id, secret_hash, last_used_at), UPDATE (last_used_at) ON feeds TO todo_accounts
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("tasks", "users", "changes"))
    op.create_table(
        "feeds",
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("secret_hash", sa.LargeBinary, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False, server_default=sa.func.now()),
        sa.Column("last_used_at", MOMENT),
        sa.PrimaryKeyConstraint("user_id", "id", name="pk_feeds"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_feeds_user_id_users", ondelete="CASCADE"),
        sa.UniqueConstraint("secret_hash", name="uq_feeds_secret_hash"),
    )
    for statement in RIGHTS.split(";"):
        op.execute(statement)
    op.execute(as_log_role(log_function(FIELDS, optional=OPTIONAL, batches=True, bulk=True)))
    for function in (IMPORT, UNDO):
        op.execute(as_log_role(function))
    for signature in FUNCTIONS:
        op.execute(as_log_role(f"REVOKE EXECUTE ON FUNCTION {signature} FROM PUBLIC"))
        op.execute(as_log_role(f"GRANT EXECUTE ON FUNCTION {signature} TO todo_app"))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("tasks", "users", "changes"))
    op.execute(as_log_role(log_function(FIELDS, optional=OPTIONAL, batches=True)))
    op.execute("SET LOCAL ROLE todo_log")  # which owns the functions
    op.execute(f"DROP FUNCTION {', '.join(FUNCTIONS)}")
    op.execute("RESET ROLE")
    op.execute("DROP POLICY log ON tasks")
    op.execute("REVOKE ALL ON tasks FROM todo_log")
    op.execute("REVOKE SELECT (kind, undoes, before, batch) ON changes FROM todo_log")
    op.drop_table("feeds")
