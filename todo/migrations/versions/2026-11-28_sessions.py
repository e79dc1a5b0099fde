"""Refresh tokens that are answered once more, no private keys, and no connections of strangers.

- A session keeps the hashes, times and salts of its latest rotations.
- Private halves of signing keys are erased: from here on they stay in the memory of the process that made them. The
  column stays, nullable, for servers of the release before, which run on while they are replaced.
- Roles belong to the cluster, so the login of another todo database there may work as ours. Where the owner is the
  only login besides superusers, nobody who connects today is shut out: then PUBLIC may no longer connect. Elsewhere
  the server names the commands when it starts (todo/db/guard.py). The way back leaves this as it is.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from todo.migrations.locks import take

revision = "2026_11_28_sessions"
down_revision = "2026_11_28_log"
branch_labels = None
depends_on = None

CONNECT = """
DO $$
BEGIN
    IF (SELECT datdba FROM pg_database WHERE datname = current_database()) = current_user::regrole
       AND NOT EXISTS (SELECT FROM pg_roles WHERE rolcanlogin AND NOT rolsuper AND rolname <> current_user)
    THEN
        EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', current_database());
    END IF;
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("sessions", "signing_keys"))
    op.add_column(
        "sessions", sa.Column("rotations", postgresql.JSONB, nullable=False, server_default=sa.text("'[]'::jsonb"))
    )
    op.alter_column("signing_keys", "private_key", nullable=True)
    op.execute("UPDATE signing_keys SET private_key = NULL, retired_at = coalesce(retired_at, now())")
    op.execute("GRANT UPDATE (private_key) ON signing_keys TO todo_accounts")
    op.execute(CONNECT)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("sessions", "signing_keys"))
    op.execute("REVOKE UPDATE (private_key) ON signing_keys FROM todo_accounts")
    op.execute("DELETE FROM signing_keys WHERE private_key IS NULL")
    op.alter_column("signing_keys", "private_key", nullable=False)
    op.drop_column("sessions", "rotations")
