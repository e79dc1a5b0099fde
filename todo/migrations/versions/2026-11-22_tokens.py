"""Sessions, personal API tokens, accounts that are gone, and which issuer the database belongs to."""

import sqlalchemy as sa
from alembic import op

from todo.migrations.locks import take

revision = "2026_11_22_tokens"
down_revision = "2026_11_22_tasks"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)

ME = "(SELECT nullif(current_setting('app.user_id', true), ''))"

POLICIES = f"""
ALTER TABLE sessions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE api_tokens ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE departed ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY accounts ON sessions TO todo_accounts USING (true) WITH CHECK (true);
CREATE POLICY accounts ON api_tokens TO todo_accounts USING (true) WITH CHECK (true);
CREATE POLICY accounts ON departed TO todo_accounts USING (true) WITH CHECK (true);
CREATE POLICY own ON departed FOR SELECT TO todo_app USING (user_hash = sha256(convert_to({ME}, 'UTF8')))
"""

GRANTS = """
GRANT INSERT (id, email) ON users TO todo_app;
GRANT SELECT ON departed TO todo_app;
GRANT DELETE ON users TO todo_accounts;
GRANT UPDATE (password_hash) ON credentials TO todo_accounts;
GRANT UPDATE (retired_at), DELETE ON signing_keys TO todo_accounts;
GRANT SELECT, INSERT, UPDATE, DELETE ON sessions, api_tokens TO todo_accounts;
GRANT SELECT, INSERT, UPDATE ON departed, deployment TO todo_accounts
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("users"))
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False, server_default=sa.func.now()),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_user_id_users", ondelete="CASCADE"),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False, server_default=sa.func.now()),
        sa.Column("expires_at", MOMENT),
        sa.Column("last_used_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_api_tokens_user_id_users", ondelete="CASCADE"),
        sa.UniqueConstraint("token_hash", name="uq_api_tokens_token_hash"),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 100", name=op.f("ck_api_tokens_name_length")),
        sa.CheckConstraint("scope IN ('read', 'write')", name=op.f("ck_api_tokens_scope_known")),
    )
    op.create_index("ix_api_tokens_user_id", "api_tokens", ["user_id"])
    op.create_table(
        "departed",
        sa.Column("user_hash", sa.LargeBinary, nullable=False),
        sa.Column("at", MOMENT, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("user_hash", name="pk_departed"),
    )
    op.create_table(
        "deployment",
        sa.Column("singleton", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("singleton", name="pk_deployment"),
        sa.CheckConstraint("singleton", name=op.f("ck_deployment_one_row")),
    )
    # Users who are there already have built-in accounts. Row-level security hides them from their owner too.
    op.execute("ALTER TABLE users NO FORCE ROW LEVEL SECURITY")
    op.execute("INSERT INTO deployment (issuer) SELECT 'built-in accounts' WHERE EXISTS (SELECT FROM users)")
    op.execute("ALTER TABLE users FORCE ROW LEVEL SECURITY")
    for statement in (POLICIES + ";" + GRANTS).split(";"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("users", "credentials"))
    for table in ("deployment", "departed", "api_tokens", "sessions"):
        op.drop_table(table)
    op.execute("REVOKE INSERT (id, email) ON users FROM todo_app")
    op.execute("REVOKE DELETE ON users FROM todo_accounts")
    op.execute("REVOKE UPDATE (password_hash) ON credentials FROM todo_accounts")
    op.execute("REVOKE UPDATE (retired_at), DELETE ON signing_keys FROM todo_accounts")
