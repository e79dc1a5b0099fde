"""What Alembic runs: each pending migration in a transaction of its own, or in several where it says so.

`todo.db.migrate` holds the lock meanwhile; the printed SQL takes it itself.
"""

from alembic import context
from sqlmodel import SQLModel

import todo.accounts.tables
import todo.api.idempotency.tables
import todo.auth.tables
import todo.changes.tables
import todo.oauth.tables
import todo.tasks.tables
import todo.transfer.tables  # noqa: F401 # the classes register their tables
from todo.db.migrate import MIGRATION_LOCK

if context.is_offline_mode():
    context.configure(
        dialect_name="postgresql",
        dialect_opts={"paramstyle": "named"},  # so that a % is printed as it is
        target_metadata=SQLModel.metadata,
        literal_binds=True,
        transaction_per_migration=True,
    )
    context.execute(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
    with context.begin_transaction():
        context.run_migrations()
    context.execute(f"SELECT pg_advisory_unlock({MIGRATION_LOCK})")
else:
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=SQLModel.metadata,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
