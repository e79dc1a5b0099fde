"""One-time links that mail carries, and when an e-mail address was confirmed.

Only hashes of links are kept. As todo_app a request reads whether its user's address is confirmed; all else is for
todo_accounts. Servers of the release before write neither.
"""

import sqlalchemy as sa
from alembic import op

from todo.migrations.locks import take

revision = "2026_11_29_user_links"
down_revision = "2026_11_29_transfer"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)

STATEMENTS = """
ALTER TABLE one_time_links ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY accounts ON one_time_links TO todo_accounts USING (true) WITH CHECK (true);
GRANT SELECT, INSERT (hash, user_id, purpose, email, expires_at), DELETE ON one_time_links TO todo_accounts;
GRANT UPDATE (email, email_confirmed_at) ON users TO todo_accounts;
GRANT UPDATE (email) ON credentials TO todo_accounts;
GRANT DELETE ON feeds TO todo_accounts
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("users"))
    op.add_column("users", sa.Column("email_confirmed_at", MOMENT))
    op.create_table(
        "one_time_links",
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("email", sa.Text),
        sa.Column("created_at", MOMENT, nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_one_time_links"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_one_time_links_user_id_users", ondelete="CASCADE"),
        sa.CheckConstraint("purpose IN ('reset', 'confirm', 'change')", name=op.f("ck_one_time_links_purpose_known")),
        sa.CheckConstraint("purpose = 'reset' OR email IS NOT NULL", name=op.f("ck_one_time_links_email_given")),
        sa.CheckConstraint("char_length(email) BETWEEN 3 AND 254", name=op.f("ck_one_time_links_email_length")),
    )
    op.create_index("ix_one_time_links_user_id", "one_time_links", ["user_id"])
    for statement in STATEMENTS.split(";"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("users", "credentials"))
    op.drop_table("one_time_links")
    op.drop_column("users", "email_confirmed_at")
    op.execute("REVOKE UPDATE (email) ON users FROM todo_accounts")
    op.execute("REVOKE UPDATE (email) ON credentials FROM todo_accounts")
    op.execute("REVOKE DELETE ON feeds FROM todo_accounts")
