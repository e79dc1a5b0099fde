"""OAuth for MCP: the apps that may ask, and what their persons have allowed.

Only hashes of codes are kept. All of it is for todo_accounts. Servers of the release before write neither table.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from todo.migrations.locks import take

revision = "2026_11_30_oauth"
down_revision = "2026_11_30_agents"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)

STATEMENTS = """
ALTER TABLE oauth_clients ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY accounts ON oauth_clients TO todo_accounts USING (true) WITH CHECK (true);
GRANT SELECT, INSERT (id, name, redirect_uris, origin), UPDATE (last_used_at), DELETE ON oauth_clients TO todo_accounts;
ALTER TABLE oauth_grants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY accounts ON oauth_grants TO todo_accounts USING (true) WITH CHECK (true);
GRANT SELECT, INSERT (code_hash, client_id, user_id, redirect_uri, code_challenge, name, scope, permissions, tag,
    lifetime_days, expires_at), UPDATE (token_id), DELETE ON oauth_grants TO todo_accounts
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("users", "api_tokens"))
    op.create_table(
        "oauth_clients",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("redirect_uris", ARRAY(sa.Text), nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False, server_default=sa.func.now()),
        sa.Column("last_used_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_oauth_clients"),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 60", name=op.f("ck_oauth_clients_name_length")),
        sa.CheckConstraint(
            "cardinality(redirect_uris) BETWEEN 1 AND 10", name=op.f("ck_oauth_clients_redirect_uris_count")
        ),
        sa.CheckConstraint(
            "octet_length(array_to_string(redirect_uris, ' ')) <= 5010",
            name=op.f("ck_oauth_clients_redirect_uris_length"),
        ),
        sa.CheckConstraint("origin IN ('operator', 'registration')", name=op.f("ck_oauth_clients_origin_known")),
    )
    op.create_table(
        "oauth_grants",
        sa.Column("code_hash", sa.LargeBinary, nullable=False),
        sa.Column("client_id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("redirect_uri", sa.Text, nullable=False),
        sa.Column("code_challenge", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("permissions", ARRAY(sa.Text)),
        sa.Column("tag", sa.Text),
        sa.Column("lifetime_days", sa.Integer),
        sa.Column("created_at", MOMENT, nullable=False, server_default=sa.func.now()),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("token_id", sa.Uuid),
        sa.PrimaryKeyConstraint("code_hash", name="pk_oauth_grants"),
        sa.ForeignKeyConstraint(
            ["client_id"], ["oauth_clients.id"], name="fk_oauth_grants_client_id_oauth_clients", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_oauth_grants_user_id_users", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["token_id"], ["api_tokens.id"], name="fk_oauth_grants_token_id_api_tokens", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("token_id", name="uq_oauth_grants_token_id"),
        sa.CheckConstraint(
            "octet_length(redirect_uri) BETWEEN 1 AND 500", name=op.f("ck_oauth_grants_redirect_uri_length")
        ),
        sa.CheckConstraint("octet_length(code_challenge) = 43", name=op.f("ck_oauth_grants_code_challenge_length")),
    )
    op.create_index("ix_oauth_grants_client_id", "oauth_grants", ["client_id"])
    op.create_index("ix_oauth_grants_user_id", "oauth_grants", ["user_id"])
    for statement in STATEMENTS.split(";"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("users", "api_tokens"))
    op.drop_table("oauth_grants")
    op.drop_table("oauth_clients")
