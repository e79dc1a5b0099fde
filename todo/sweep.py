"""Sweeping: what is kept no longer goes, a little at a time, by one process at a time.

The walls let the accounts role see of tasks and of the log only what is over, so nothing else can be swept.
"""

import asyncio
import logging
import random
import time
from datetime import timedelta
from typing import Any

from psycopg import errors
from sqlalchemy import BigInteger, Select, bindparam, delete, func, literal_column, select, tuple_
from sqlmodel import SQLModel, col

from todo.accounts.models import Session
from todo.changes.models import Change
from todo.database import ACCOUNTS, Database
from todo.idempotency import KEPT, Idempotency
from todo.problems import Unavailable
from todo.statements import Statement
from todo.tasks.models import Task
from todo.transactions import Tx

log = logging.getLogger("todo")

TRASH_KEPT = timedelta(days=30)
CHANGES_KEPT = timedelta(days=90)

BATCH = 1000  # rows that go in one transaction
REST = 4  # how many times as long as a batch took is waited before the next one

LOCK = 0x746F6474  # held by whoever sweeps, until the end of each transaction, so it works through a pooler too

MINE = Statement.of(select(func.pg_try_advisory_xact_lock(literal_column(str(LOCK)))), reads=True)


def _some(table: type[SQLModel], due: Select[*tuple[Any, ...]]) -> Statement:
    """Delete what `due` names by key, at most `most` rows."""
    some = due.limit(bindparam("most", type_=BigInteger)).cte("due")
    keys = [getattr(table, column.name) for column in some.c]
    return Statement.of(
        delete(table).where(tuple_(*keys).in_(select(*some.c))).returning(literal_column("1")), slow=True
    )


SWEPT = {
    "trash": _some(
        Task,
        select(col(Task.user_id), col(Task.id))
        .where(col(Task.deleted_at) < func.now() - TRASH_KEPT)
        .order_by(col(Task.user_id), col(Task.id))  # as everybody locks them, before their users
        .with_for_update(skip_locked=True, key_share=True),
    ),
    "changes": _some(
        Change,
        select(col(Change.user_id), col(Change.revision))
        .where(col(Change.at) < func.now() - CHANGES_KEPT)
        .order_by(col(Change.at)),  # a user's oldest first, so that nothing is ever missing in the middle
    ),
    "keys": _some(
        Idempotency,
        select(col(Idempotency.user_id), col(Idempotency.key)).where(col(Idempotency.at) < func.now() - KEPT),
    ),
    "sessions": _some(Session, select(col(Session.id)).where(col(Session.expires_at) <= func.now())),
}


async def sweep(database: Database) -> dict[str, int] | None:
    """Remove everything that is kept no longer: how many rows of each kind, or None when somebody else is at it."""
    swept = dict.fromkeys(SWEPT, 0)
    for kind, statement in SWEPT.items():
        most = BATCH
        while True:
            began = time.monotonic()
            try:
                async with Tx(database, "", ACCOUNTS, "sweep").several() as steps:
                    if not (await steps.rows(MINE))[0][0]:
                        return None
                    rows = len(await steps.rows(statement, most=most))
            except Unavailable as problem:  # perhaps it is too much at once
                if most == 1:
                    log.warning("sweeping %s was put off: %s", kind, problem.detail)
                    break
                most = max(1, most // 10)
                continue
            swept[kind] += rows
            if rows < most:
                break
            await asyncio.sleep(REST * (time.monotonic() - began))
    return swept


async def now_and_then(database: Database, interval: float) -> None:
    """Sweep every `interval` seconds, for ever; not while nobody uses the database, which may be asleep. 0 is never."""
    quiet_since = None
    while interval:
        await asyncio.sleep(interval * random.uniform(0.5, 1.5))  # noqa: S311 # so that workers do not meet
        if database.last_contact == quiet_since:
            continue
        try:
            swept = await sweep(database)
        except (Unavailable, errors.Error) as error:
            log.warning("sweeping was put off: %s", error)
        else:
            if swept and any(swept.values()):
                log.info("swept: %s", ", ".join(f"{count} {kind}" for kind, count in swept.items() if count))
        quiet_since = database.last_contact
