"""Row-level security for the signing keys: PostgreSQL writes no row of such a table into an error, or its log."""

from alembic import op

from todo.migrations.locks import take

revision = "2026_11_25_keys"
down_revision = "2026_11_24_parts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("signing_keys"))
    op.execute("ALTER TABLE signing_keys ENABLE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY accounts ON signing_keys TO todo_accounts USING (true) WITH CHECK (true)")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("signing_keys"))
    op.execute("DROP POLICY accounts ON signing_keys")
    op.execute("ALTER TABLE signing_keys DISABLE ROW LEVEL SECURITY")
