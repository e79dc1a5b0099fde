"""Agents: API tokens that may do a part of what their user may, and what each of them changed.

The fence is a restrictive policy: where a transaction names a tag in `app.tag`, the role for requests sees and writes
only tasks that have it, and changes that left and found their task with it. What else an agent's token allows is
checked by the log's trigger.
"""

import sqlalchemy as sa
from alembic import op

from todo.migrations.locks import take
from todo.migrations.log import as_log_role, log_function
from todo.migrations.log_agents import CHECK_AGENT

revision = "2026_11_30_agents"
down_revision = "2026_11_29_user_links"
branch_labels = None
depends_on = None

FIELDS = ["title", "description", "completed"]
OPTIONAL = ["due_date", "time_zone", "priority", "tags", "recurrence", "recurrence_from", "remind_at"]
VIAS = ["session", "api_token", "command_line", "sweep", "database"]

# Of no tag nothing is compared. Tags are folded as the filter of lists does. The planner takes IS NULL for rare, and
# would expect every user to have few rows; that a text is not like '%' it takes for usual.
TAG = "(SELECT lower(nullif(current_setting('app.tag', true), '')))"
NO_TAG = f"({TAG} LIKE '%') IS NOT TRUE"
FENCES = f"""
CREATE POLICY fence ON tasks AS RESTRICTIVE TO todo_app
    USING ({NO_TAG} OR {TAG} = ANY (lower(tags::text)::text[]));
CREATE POLICY fence ON changes AS RESTRICTIVE FOR SELECT TO todo_app
    USING ({NO_TAG} OR
           lower(after ->> 'tags')::jsonb ? {TAG}
           AND (NOT coalesce(before ? 'tags', false) OR lower(before ->> 'tags')::jsonb ? {TAG})
           AND EXISTS (SELECT FROM tasks t WHERE t.user_id = changes.user_id AND t.id = changes.task_id));
CREATE POLICY fence ON feeds AS RESTRICTIVE TO todo_app USING ({NO_TAG})
"""  # noqa: S608 # ours

CHECKS = {
    "permissions_known": "permissions <@ '{create,edit,complete,delete,undo}'",
    "tag_length": "char_length(tag) BETWEEN 1 AND 50",
    "deletions_per_hour_positive": "deletions_per_hour >= 0",
    "limits_of_agents": "agent OR permissions IS NULL AND tag IS NULL AND deletions_per_hour IS NULL",
}


def _vias(vias: list[str]) -> str:
    return "via IN (" + ", ".join(f"'{via}'" for via in vias) + ")"


def _constrain(vias: list[str]) -> None:
    op.execute("ALTER TABLE changes DROP CONSTRAINT IF EXISTS ck_changes_via_known")
    op.execute(f"ALTER TABLE changes ADD CONSTRAINT ck_changes_via_known CHECK ({_vias(vias)}) NOT VALID")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("tasks", "users", "changes", "api_tokens", "feeds"))
    # An interrupted attempt may have done this part.
    op.execute("ALTER TABLE changes ADD COLUMN IF NOT EXISTS agent_id uuid, ADD COLUMN IF NOT EXISTS agent text")
    _constrain([*VIAS, "agent"])
    op.execute("ALTER TABLE api_tokens ADD COLUMN IF NOT EXISTS agent boolean NOT NULL DEFAULT false")
    for name, kind in (("permissions", "text[]"), ("tag", "text"), ("deletions_per_hour", "integer")):
        op.execute(f"ALTER TABLE api_tokens ADD COLUMN IF NOT EXISTS {name} {kind}")
    for name, check in CHECKS.items():
        op.execute(f"ALTER TABLE api_tokens DROP CONSTRAINT IF EXISTS ck_api_tokens_{name}")
        op.execute(f"ALTER TABLE api_tokens ADD CONSTRAINT ck_api_tokens_{name} CHECK ({check})")
    for statement in FENCES.split(";"):
        op.execute(f"DROP POLICY IF EXISTS fence ON {statement.split()[4]}")
        op.execute(statement)
    op.execute("GRANT SELECT (agent_id, at) ON changes TO todo_log")
    op.execute(as_log_role("DROP FUNCTION IF EXISTS check_agent"))
    op.execute(as_log_role(CHECK_AGENT))
    op.execute(as_log_role("REVOKE EXECUTE ON FUNCTION check_agent FROM PUBLIC"))
    op.execute(as_log_role(log_function(FIELDS, optional=OPTIONAL, batches=True, bulk=True, agents=True)))
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE changes VALIDATE CONSTRAINT ck_changes_via_known")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_changes_agent")  # what it left behind
        op.create_index(
            "ix_changes_agent",
            "changes",
            ["user_id", "agent_id", "revision"],
            postgresql_where=sa.text("agent_id IS NOT NULL"),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("tasks", "users", "changes", "api_tokens", "feeds"))
    op.execute(as_log_role(log_function(FIELDS, optional=OPTIONAL, batches=True, bulk=True)))
    op.execute("SET LOCAL ROLE todo_log")  # which owns the functions
    op.execute("DROP FUNCTION check_agent")
    op.execute("RESET ROLE")
    for table in ("tasks", "changes", "feeds"):
        op.execute(f"DROP POLICY fence ON {table}")
    op.execute("REVOKE SELECT (agent_id, at) ON changes FROM todo_log")
    op.execute("ALTER TABLE api_tokens NO FORCE ROW LEVEL SECURITY")  # which hides the rows from their owner too
    op.execute("DELETE FROM api_tokens WHERE agent")  # with the columns their limits would be gone
    op.execute("ALTER TABLE api_tokens FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE api_tokens DROP COLUMN agent CASCADE")
    for name in ("permissions", "tag", "deletions_per_hour"):
        op.drop_column("api_tokens", name)
    op.drop_index("ix_changes_agent", "changes")
    op.execute("ALTER TABLE changes NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE changes SET via = 'api_token' WHERE via = 'agent'")
    op.execute("ALTER TABLE changes FORCE ROW LEVEL SECURITY")
    _constrain(VIAS)
    for name in ("agent_id", "agent"):
        op.drop_column("changes", name)
