"""Which client signed in to a session, and when its refresh token was last used.

The check is made without looking at the rows, which all have no client yet, and is validated behind the lock: that
reads the table while others write. An upgrade that was interrupted there may run again. Servers of the release before
write neither column.
"""

from alembic import op

from todo.migrations.locks import take

revision = "2026_11_29_session_clients"
down_revision = "2026_11_28_user_names"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("sessions"))
    op.execute("ALTER TABLE sessions ADD COLUMN IF NOT EXISTS client text")
    op.execute("ALTER TABLE sessions ADD COLUMN IF NOT EXISTS last_used_at timestamptz")
    op.execute("ALTER TABLE sessions DROP CONSTRAINT IF EXISTS ck_sessions_client_length")
    op.execute(
        "ALTER TABLE sessions ADD CONSTRAINT ck_sessions_client_length"
        " CHECK (char_length(client) BETWEEN 1 AND 100) NOT VALID"
    )
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE sessions VALIDATE CONSTRAINT ck_sessions_client_length")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("sessions"))
    op.drop_column("sessions", "last_used_at")
    op.drop_column("sessions", "client")
