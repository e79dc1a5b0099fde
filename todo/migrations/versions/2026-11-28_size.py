"""Bounds in bytes: of a user's log, of their stored answers, and of pages; and an index for lists by completion."""

import sqlalchemy as sa
from alembic import op

from todo.migrations.locks import take
from todo.migrations.log import as_log_role, log_function

revision = "2026_11_28_size"
down_revision = "2026_11_28_sessions"
branch_labels = None
depends_on = None

FIELDS = ["title", "description", "completed"]


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_tasks_status")  # what an interrupted attempt left behind
        op.create_index(
            "ix_tasks_status",
            "tasks",
            ["user_id", "completed", sa.text("created_at DESC"), sa.text("id DESC")],
            postgresql_where=sa.text("deleted_at IS NULL"),
            postgresql_concurrently=True,
        )
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("tasks", "users", "changes", "idempotency"))
    op.add_column("users", sa.Column("logged_bytes", sa.BigInteger, nullable=False, server_default=sa.text("0")))
    op.add_column("changes", sa.Column("size", sa.Integer))
    op.add_column("changes", sa.Column("total", sa.BigInteger))
    op.add_column("idempotency", sa.Column("total", sa.BigInteger))
    op.execute("GRANT SELECT (logged_bytes), UPDATE (logged_bytes) ON users TO todo_log")
    op.execute("GRANT SELECT (revision, total) ON changes TO todo_log")
    op.execute("GRANT DELETE ON idempotency TO todo_app")
    op.create_index(
        "ix_idempotency_total", "idempotency", ["user_id", "total"], postgresql_where=sa.text("total IS NOT NULL")
    )  # of no row yet
    op.execute(as_log_role(log_function(FIELDS)))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("tasks", "users", "changes", "idempotency"))
    op.execute(as_log_role(log_function(FIELDS, sized=False)))
    op.execute("REVOKE DELETE ON idempotency FROM todo_app")
    op.execute("REVOKE SELECT (revision, total) ON changes FROM todo_log")
    op.drop_index("ix_tasks_status", "tasks")
    op.drop_index("ix_idempotency_total", "idempotency")
    for table, column in (
        ("idempotency", "total"), ("changes", "total"), ("changes", "size"), ("users", "logged_bytes"),
    ):  # fmt: skip
        op.drop_column(table, column)
