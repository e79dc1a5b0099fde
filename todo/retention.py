"""Retention: rows that are past their time are deleted, a few at a time, by one process at a time.

The row-level policies show the accounts role only expired rows of tasks, changes and stored answers, so no other rows
of these can be deleted here.
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

from todo.accounts.tables import OneTimeLink, Session
from todo.api.idempotency.tables import KEPT, Idempotency
from todo.changes.tables import Change
from todo.db.database import Database
from todo.db.pipeline import Row
from todo.db.statement import Statement
from todo.metrics.counts import COUNTS
from todo.metrics.names import LAST_SWEEP, SWEPT
from todo.oauth import clients
from todo.oauth.tables import OAuthClient, OAuthGrant
from todo.problems import Unavailable
from todo.tasks.tables import TRASH_KEPT, Task

log = logging.getLogger("todo")

CHANGES_KEPT = timedelta(days=90)

BATCH = 1000  # rows that go in one transaction
PAUSE = 4  # times as long as a batch took passes before the next one

SWEEP_LOCK = 0x746F6474  # held until the end of each transaction, so it works through a pooler too

TRY_LOCK = Statement.of(select(func.pg_try_advisory_xact_lock(literal_column(str(SWEEP_LOCK)))), read_only=True)


def _delete_some(table: type[SQLModel], due: Select[*tuple[Any, ...]]) -> Statement[Row]:
    """Delete the rows that `due` names by key, at most `limit`."""
    some = due.limit(bindparam("limit", type_=BigInteger)).cte("due")
    keys = [getattr(table, column.name) for column in some.c]
    return Statement.of(
        delete(table).where(tuple_(*keys).in_(select(*some.c))).returning(literal_column("1")), long_running=True
    )


EXPIRED = {
    "trash": _delete_some(
        Task,
        select(col(Task.user_id), col(Task.id))
        .where(col(Task.deleted_at) < func.now() - TRASH_KEPT)
        .order_by(col(Task.user_id), col(Task.id))  # the lock order of all writers, before their users
        .with_for_update(skip_locked=True, key_share=True),
    ),
    "changes": _delete_some(
        Change,
        select(col(Change.user_id), col(Change.revision))
        .where(col(Change.at) < func.now() - CHANGES_KEPT)
        .order_by(col(Change.at)),  # a user's oldest first, so that nothing is ever missing in the middle
    ),
    "keys": _delete_some(
        Idempotency,
        select(col(Idempotency.user_id), col(Idempotency.key)).where(col(Idempotency.at) < func.now() - KEPT),
    ),
    "sessions": _delete_some(Session, select(col(Session.id)).where(col(Session.expires_at) <= func.now())),
    "links": _delete_some(OneTimeLink, select(col(OneTimeLink.hash)).where(col(OneTimeLink.expires_at) <= func.now())),
    "codes": _delete_some(
        OAuthGrant,
        select(col(OAuthGrant.code_hash)).where(
            col(OAuthGrant.expires_at) <= func.now(), col(OAuthGrant.token_id).is_(None)
        ),
    ),
    "clients": _delete_some(OAuthClient, select(col(OAuthClient.id)).where(clients.unused)),
}


async def delete_expired(database: Database) -> dict[str, int] | None:
    """Delete all rows that have expired: how many of each kind, or None while another process does."""
    deleted = dict.fromkeys(EXPIRED, 0)
    complete = True
    for kind, statement in EXPIRED.items():
        limit = BATCH
        while True:
            began = time.monotonic()
            try:
                async with database.as_accounts(via="sweep").transaction() as transaction:
                    if not (await transaction.fetch(TRY_LOCK))[0][0]:
                        return None
                    rows = len(await transaction.fetch(statement, limit=limit))
            except Unavailable as problem:  # perhaps there are too many at once
                if limit == 1:
                    log.warning("deleting expired %s is postponed: %s", kind, problem.detail)
                    complete = False
                    break
                limit = max(1, limit // 10)
                continue
            deleted[kind] += rows
            COUNTS.add(SWEPT, kind, by=rows)
            if rows < limit:
                break
            await asyncio.sleep(PAUSE * (time.monotonic() - began))
    if complete:
        COUNTS.set(LAST_SWEEP, to=time.time())
    return deleted


async def run_regularly(database: Database, interval: float) -> None:
    """Delete expired rows every `interval` seconds; not while the database is unused and may be suspended. 0: never."""
    idle_since = None
    COUNTS.set(LAST_SWEEP, to=time.time())  # from which on a sweep may be overdue
    while interval:
        await asyncio.sleep(interval * random.uniform(0.5, 1.5))  # noqa: S311 # so that workers do not meet
        if database.last_contact == idle_since:
            COUNTS.set(LAST_SWEEP, to=time.time())
            continue
        try:
            deleted = await delete_expired(database)
        except (Unavailable, errors.Error) as error:
            log.warning("deleting expired rows is postponed: %s", error)
        else:
            if deleted and any(deleted.values()):
                log.info(
                    "deleted expired rows: %s", ", ".join(f"{count} {kind}" for kind, count in deleted.items() if count)
                )
        idle_since = database.last_contact
