"""What a user wants to be called.

The checks are made without looking at the rows, which all have no name yet, and are validated behind the locks: that
reads the table while others write. An upgrade that was interrupted there may run again.
"""

from alembic import op

from todo.migrations.locks import take

revision = "2026_11_28_user_names"
down_revision = "2026_11_28_undo_batches"
branch_labels = None
depends_on = None

CHECKS = {
    "ck_users_name_length": "char_length(name) BETWEEN 1 AND 100",
    "ck_users_name_clean": r"name = btrim(name) AND name !~ '[\u0001-\u001f\u007f-\u009f]'",
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("users"))
    op.execute("ALTER TABLE users ADD COLUMN IF NOT EXISTS name text")
    for name, check in CHECKS.items():
        op.execute(f"ALTER TABLE users DROP CONSTRAINT IF EXISTS {name}")
        op.execute(f"ALTER TABLE users ADD CONSTRAINT {name} CHECK ({check}) NOT VALID")
    op.execute("GRANT INSERT (name) ON users TO todo_accounts")
    with op.get_context().autocommit_block():
        for name in CHECKS:
            op.execute(f"ALTER TABLE users VALIDATE CONSTRAINT {name}")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute(take("users"))
    op.drop_column("users", "name")
