"""${message}."""

import sqlalchemy as sa
import sqlmodel
from alembic import op

from todo.migrations.locks import take  # the tables that it locks writers out of, before its work
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    ${downgrades if downgrades else "pass"}
