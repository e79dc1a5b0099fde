"""What Alembic runs: all pending migrations in one transaction, under a lock, so that ten at once do it once."""

from alembic import context
from sqlmodel import SQLModel

import todo.accounts.models
import todo.changes.models
import todo.idempotency
import todo.tasks.models  # noqa: F401 # the models register their tables

LOCK = 0x746F646F  # "todo"; held until the end of the transaction, so it works through a pooler too

if context.is_offline_mode():
    context.configure(
        dialect_name="postgresql",
        dialect_opts={"paramstyle": "named"},  # so that a % is printed as it is
        target_metadata=SQLModel.metadata,
        literal_binds=True,
    )
    with context.begin_transaction():
        context.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
        context.run_migrations()
else:
    connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        compare_server_default=True,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        context.run_migrations()
