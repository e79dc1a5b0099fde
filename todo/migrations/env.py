"""What Alembic runs: each pending migration in a transaction of its own, or in several where it says so.

Whose turn it is says `todo.migrate`, before; the printed SQL says it by itself.
"""

from alembic import context
from sqlmodel import SQLModel

import todo.accounts.models
import todo.changes.models
import todo.idempotency
import todo.tasks.models  # noqa: F401 # the models register their tables
from todo.migrate import TURN

if context.is_offline_mode():
    context.configure(
        dialect_name="postgresql",
        dialect_opts={"paramstyle": "named"},  # so that a % is printed as it is
        target_metadata=SQLModel.metadata,
        literal_binds=True,
        transaction_per_migration=True,
    )
    context.execute(f"SELECT pg_advisory_lock({TURN})")
    with context.begin_transaction():
        context.run_migrations()
    context.execute(f"SELECT pg_advisory_unlock({TURN})")
else:
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=SQLModel.metadata,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
