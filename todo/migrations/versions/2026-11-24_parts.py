"""The log of tasks also where they are partitioned: its trigger then gets the partition of a row."""

from alembic import op

revision = "2026_11_24_parts"
down_revision = "2026_11_24_changes"
branch_labels = None
depends_on = None

WHOLE = "IF TG_RELID <> 'tasks'::regclass THEN"
PARTITIONED = """\
IF TG_RELID <> 'tasks'::regclass AND pg_partition_root(TG_RELID) IS DISTINCT FROM 'tasks'::regclass THEN"""

# The rest of the function stays as it is. It belongs to a role that may replace it only while it may create objects.
CHANGE = """
DO $$
DECLARE
    made constant text := pg_get_functiondef('log_task'::regproc);
BEGIN
    IF position({old} IN made) = 0 THEN
        RAISE 'the function log_task is not the one that the migrations made';
    END IF;
    IF NOT has_schema_privilege('todo_log', current_schema(), 'CREATE') THEN
        EXECUTE format('GRANT CREATE ON SCHEMA %I TO todo_log', current_schema());
    END IF;
    IF NOT has_schema_privilege('todo_log', current_schema(), 'CREATE') THEN
        RAISE 'the owner of the schema % must first GRANT CREATE ON SCHEMA % TO todo_log',
            current_schema(), current_schema();
    END IF;
    SET LOCAL ROLE todo_log;
    EXECUTE replace(made, {old}, {new});
    RESET ROLE;
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM todo_log', current_schema());
END $$
"""


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(CHANGE.format(old=_quoted(WHOLE), new=_quoted(PARTITIONED)))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(CHANGE.format(old=_quoted(PARTITIONED), new=_quoted(WHOLE)))
