"""Batches: changes that were made together, and that one undo takes back together.

A stored answer may show several tasks: the purge of one of them erases it too.
"""

import sqlalchemy as sa
from alembic import op

from todo.migrations.locks import take
from todo.migrations.log import EVERY_TASK, SEVERAL_TASKS, as_log_role, log_function

revision = "2026_11_28_undo_batches"
down_revision = "2026_11_28_task_fields"
branch_labels = None
depends_on = None

FIELDS = ["title", "description", "completed"]
OPTIONAL = ["due_date", "time_zone", "priority", "tags", "recurrence", "recurrence_from", "remind_at"]

ERASE = f"UPDATE idempotency SET body = NULL WHERE task_id IN ('{SEVERAL_TASKS}', '{EVERY_TASK}')"  # noqa: S608 # ours


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("changes"))
    op.execute("ALTER TABLE changes ADD COLUMN IF NOT EXISTS batch bigint")  # an interrupted attempt may have
    op.execute("GRANT SELECT (body) ON idempotency TO todo_log")
    op.execute(as_log_role(log_function(FIELDS, optional=OPTIONAL, batches=True)))
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_changes_batch")  # what it left behind
        op.create_index(
            "ix_changes_batch",
            "changes",
            ["user_id", "batch"],
            postgresql_where=sa.text("batch IS NOT NULL"),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("changes", "idempotency"))
    op.execute(as_log_role(log_function(FIELDS, optional=OPTIONAL)))
    op.execute("REVOKE SELECT (body) ON idempotency FROM todo_log")
    op.execute("ALTER TABLE idempotency NO FORCE ROW LEVEL SECURITY")  # which hides the rows from their owner too
    op.execute(ERASE)
    op.execute("ALTER TABLE idempotency FORCE ROW LEVEL SECURITY")
    op.drop_index("ix_changes_batch", "changes")
    op.drop_column("changes", "batch")
