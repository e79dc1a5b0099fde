"""What an agent did to a user's tasks: counted, listed, and taken back."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ARRAY, DateTime, Uuid, any_, bindparam, case, false, func, literal_column, null, select
from sqlmodel import col

from todo.auth.caller import Caller
from todo.changes.actions import OF_LOG, REVISION, UNDO
from todo.changes.pages import mine, number, page_of_past, past_changes
from todo.changes.rows import PastChangeRow
from todo.changes.tables import Change
from todo.changes.undo_rules import EXISTENCE, Logged, reversal_of
from todo.db.database import ScopedDatabase
from todo.db.statement import Statement
from todo.db.transaction import Transaction
from todo.tasks.errors import UserGone
from todo.tasks.patches import json
from todo.tasks.tables import LOGGED, Task

MOST = 5_000
"""Changes that are taken back at once; the newest first."""

LAST_REVISION = 2**63 - 1
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


class AgentChanges(msgspec.Struct):
    """How much an agent did, as far as it is kept."""

    id: UUID
    name: str
    """As one of its changes has it."""
    changes: int
    last_change_at: datetime


_agent = col(Change.agent_id) == bindparam("agent_id", type_=Uuid)
AGENTS = Statement.of(
    select(col(Change.agent_id), func.min(col(Change.agent)), func.count(), func.max(col(Change.at)))
    .where(mine, col(Change.agent_id).is_not(None))
    .group_by(col(Change.agent_id)),
    row=AgentChanges,
    read_only=True,
    long_running=True,
)
CHANGES = past_changes(_agent)


async def agents(db: ScopedDatabase) -> list[AgentChanges]:
    """Who changed tasks for the user as an agent."""
    return await db.run(AGENTS)


async def agent_changes(
    db: ScopedDatabase, agent_id: UUID, *, below: int = LAST_REVISION, limit: int = 1
) -> tuple[list[PastChangeRow], bool]:
    """The changes of an agent with numbers below `below`, newest first, and whether there are more."""
    return page_of_past(await db.run(CHANGES, agent_id=agent_id, below=below, limit=limit + 1), limit)


_since = bindparam("since_at", type_=DateTime(timezone=True))
_recent = (
    select(col(Change.revision), col(Change.task_id))
    .where(
        mine,
        _agent,
        col(Change.at) >= _since,
        col(Change.revision) < number("before"),
    )
    .order_by(col(Change.revision).desc())
    .limit(number("limit"))
    .subquery("recent")
)
RECENT = Statement.of(
    select(func.min(_recent.c.revision), func.max(_recent.c.revision), func.array_agg(_recent.c.task_id.distinct()),
           func.count()),
    read_only=True,
)  # fmt: skip
_these = (col(Task.user_id) == bindparam("user_id")) & (col(Task.id) == any_(bindparam("ids", type_=ARRAY(Uuid))))
_now: Any = [part for name in (*LOGGED, EXISTENCE) for part in (name, getattr(Task, name))]
LOCK = Statement.of(
    select(col(Task.id), col(Task.title), func.jsonb_build_object(*_now))
    .where(_these)
    .order_by(col(Task.id))
    .with_for_update(key_share=True),
    long_running=True,
)
_keys = func.jsonb_object_keys(col(Change.before)).table_valued("name")
_names: Any = select(func.jsonb_object_agg(_keys.c.name, null())).select_from(_keys).scalar_subquery()
_own = func.coalesce(_agent & (col(Change.at) >= _since), false())
_before = case((_own, col(Change.before)), else_=_names)
"""Of other changes the names of the fields are enough, however large they are."""
LOG = Statement.of(
    select(_own, *(_before if name == "before" else getattr(Change, name) for name in OF_LOG))
    .where(
        mine, col(Change.task_id) == any_(bindparam("ids", type_=ARRAY(Uuid))), col(Change.revision) >= number("first")
    )
    .order_by(col(Change.revision)),
    row=lambda own, task_id, *logged: (own, task_id, Logged(*logged)),
    read_only=True,
    long_running=True,
)
BATCH = Statement.of(
    select(col(Change.batch)).where(mine).order_by(col(Change.revision).desc()).limit(literal_column("1")),
    read_only=True,
)


class Conflict(msgspec.Struct):
    """A task that was not, or not wholly, changed back."""

    task_id: UUID
    title: str | None
    """None where there is none any more."""
    fields: Sequence[str]
    """Those that stay as they are; empty for the whole task."""
    reason: str


class TakenBack(msgspec.Struct):
    """What became of taking back an agent's changes, as it is encoded."""

    undone: int
    """Changes of the agent, of those tasks that were changed back."""
    tasks: int
    conflicts: list[Conflict]
    revision: int | None
    """The number of the batch that did it, to undo it; None where nothing was changed."""
    before: int | None
    """Where there may be older changes yet: the revision from which on they were looked at."""


async def take_back(
    db: ScopedDatabase,
    caller: Caller,
    agent_id: UUID,
    *,
    since: datetime | None = None,
    before: int | None = None,
    dry_run: bool = False,
) -> TakenBack:
    """Take back what an agent changed from `since` on, below the revision `before`, the newest MOST, as one batch.

    What somebody else has altered afterwards stays, and is told. Raises UserGone.
    """
    begin = since or BEGINNING

    async def taken_back(transaction: Transaction) -> TakenBack:
        transaction.set_fence(on=False)
        known = transaction.queue(REVISION)
        recent = transaction.queue(
            RECENT, agent_id=agent_id, since_at=begin, before=before or LAST_REVISION, limit=MOST
        )
        rows = await transaction.fetch_all()
        if not rows[known] and not caller.external:
            raise UserGone
        [(first, newest, ids, found)] = rows[recent]
        if not found:
            return TakenBack(0, 0, [], None, None)
        transaction.set_fence(on=True)
        locked = transaction.queue(LOCK, ids=ids)
        transaction.set_fence(on=False)  # whether later changes conflict is judged by all of them
        log = transaction.queue(LOG, ids=ids, first=first, agent_id=agent_id, since_at=begin)
        rows = await transaction.fetch_all()
        tasks = {task_id: (title, now) for task_id, title, now in rows[locked]}
        logs: dict[UUID, list[Logged]] = {}
        own: set[int] = set()
        named: set[int] = set()
        for is_own, task_id, change in LOG.typed(rows[log]):
            logs.setdefault(task_id, []).append(change)
            if is_own:
                own.add(change.revision)
                named |= {change.revision, change.undone_as}

        patches: dict[str, dict[str, Any]] = {}
        conflicts: list[Conflict] = []
        undone = 0
        for task_id, its_log in logs.items():
            if task_id not in tasks:
                if not any(change.kind == "create" and change.revision in own for change in its_log):
                    conflicts.append(Conflict(task_id, None, (), "purged"))
                continue
            title, now = tasks[task_id]
            reversal = reversal_of(its_log, own, named, now)
            if reversal.kept:
                conflicts.append(Conflict(task_id, title, reversal.kept, "changed_since"))
            if reversal.patch:
                patches[str(task_id)] = reversal.patch
                undone += sum(change.revision in own for change in its_log)
        batch = None
        if patches:
            transaction.set_fence(on=True)
            transaction.set_undoes(newest)
            transaction.begin_batch()
            transaction.queue(UNDO, ids=[UUID(task_id) for task_id in patches], patches=json(patches))
            [(batch,)] = await transaction.fetch(BATCH)
        db.mentions()
        return TakenBack(undone, len(patches), conflicts, batch, first if found == MOST else None)

    return await (db.dry_run(taken_back) if dry_run else db.in_transaction(taken_back))
