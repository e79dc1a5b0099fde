"""What a user does with changes: undo one, and ask for the user's revision."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Text,
    Uuid,
    any_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
)
from sqlmodel import col

from todo.auth.caller import Caller
from todo.auth.tables import User
from todo.changes.errors import CannotUndoPurge, ChangeNotFound, ConflictingChange
from todo.changes.pages import me, mine, number, shown
from todo.changes.rows import ChangeRow, change
from todo.changes.tables import Change
from todo.changes.undo_rules import EXISTENCE, Logged, as_one, conflicting_change, reversal
from todo.db.database import Database, ScopedDatabase
from todo.db.statement import Statement
from todo.db.transaction import Transaction
from todo.tasks import repeating
from todo.tasks.errors import StaleTask, UserGone
from todo.tasks.patches import json, patch_each
from todo.tasks.refusals import Matches
from todo.tasks.tables import LOGGED, Task

REVISION = Statement.of(select(col(User.revision)).where(me), read_only=True)

_these = col(User.id) == any_(bindparam("ids", type_=ARRAY(Text)))
REVISIONS = Statement.of(select(col(User.id), col(User.revision)).where(_these), read_only=True)

_undone = mine & (col(Change.revision) == number("undone"))
_its_batch = select(col(Change.batch)).where(_undone).scalar_subquery()
_together = mine & or_(col(Change.revision) == number("undone"), col(Change.batch) == _its_batch)
_changed_tasks = select(col(Change.task_id)).where(_together).scalar_subquery()
LOCK_TASKS = Statement.of(
    select(col(Task.id))
    .where(col(Task.user_id) == bindparam("user_id"), col(Task.id) == any_(func.array(_changed_tasks)))
    .order_by(col(Task.id))
    .with_for_update(key_share=True)
)
_first = select(func.coalesce(col(Change.batch), col(Change.revision))).where(_undone).scalar_subquery()
OF_LOG = ("task_id", "revision", "kind", "undoes", "before", "batch")
LOG_FROM_THERE = Statement.of(
    select(*(getattr(Change, name) for name in ("task_id", "revision", "kind", "undoes", "before", "batch")))
    .where(mine, col(Change.task_id) == any_(func.array(_changed_tasks)), col(Change.revision) >= _first)
    .order_by(col(Change.revision)),
    row=lambda task_id, *logged: (task_id, Logged(*logged)),
    read_only=True,
)
UNDO = patch_each(*LOGGED, EXISTENCE)

MANY = 100
"""Changes of a batch from which on it is first tried to undo them in one statement."""

TOO_MANY = 5_000
"""Changes of a batch that are not judged one by one."""

BATCH = Statement.of(
    select(col(Change.batch), func.count()).where(mine, col(Change.batch) == _its_batch).group_by(col(Change.batch)),
    read_only=True,
)
_undo = func.undo_existence(number("batch")).table_valued("done", "hindrance")
UNDO_EXISTENCE = Statement.of(select(_undo.c.done, _undo.c.hindrance), long_running=True)
"""Whether it was undone, and what hinders it: see the migration 2026_11_29_transfer."""
CONFLICT = Statement.of(
    select(col(Change.kind), col(Change.undoes)).where(mine, col(Change.revision) == number("hindrance")),
    read_only=True,
)
MADE_BY = Statement.of(
    select(
        func.count(col(Change.task_id).distinct()),
        func.count().filter(col(Change.agent_id).is_distinct_from(bindparam("agent_id", type_=Uuid))),
    ).where(_together),
    read_only=True,
)
"""How many tasks the changes are of, and how many of the changes this agent has not made."""
LAST = Statement.of(
    select(col(Change.task_id)).where(mine).order_by(col(Change.revision).desc()).limit(literal_column("1")),
    read_only=True,
)
NAMED = Statement.of(select(col(Change.task_id)).where(_undone), read_only=True)
NEWEST = Statement.of(
    shown(
        select(Change)
        .where(mine, col(Change.task_id) == any_(bindparam("ids", type_=ARRAY(Uuid))))
        .order_by(col(Change.revision).desc())
        .limit(literal_column("1"))
        .subquery("log")
    ),
    row=change,
)


async def current_revision(db: ScopedDatabase) -> int:
    """The user's revision."""
    rows = await db.run(REVISION)
    return int(rows[0][0]) if rows else 0


async def undo(
    db: ScopedDatabase, caller: Caller, revision: int | None, *, matches: Matches = None, dry_run: bool = False
) -> ChangeRow:
    """Undo a change of a task that has one of the revisions in `matches`, and all that were made together with it.

    The last of the new changes that do it, or with `dry_run` would. An agent that sees one tag only undoes what it has
    done itself. Raises ChangeNotFound, StaleTask, CannotUndoPurge, ConflictingChange or UserGone.
    """
    own = db.agent.id if db.agent is not None and db.one_tag else None

    async def undone(transaction: Transaction) -> ChangeRow:
        if own is not None:
            await _require_own(transaction, own, revision)
        else:
            for batch, count in await transaction.fetch(BATCH, undone=revision):
                if count > MANY:
                    done = await _at_once(transaction, db, batch, count, revision, matches)
                    if done is not None:
                        return done
        transaction.queue(LOCK_TASKS, undone=revision)  # so that nothing is written between the read and the write
        transaction.set_fence(on=False)  # whether later changes conflict is judged by all of them
        log = transaction.queue(LOG_FROM_THERE, undone=revision)
        transaction.set_fence(on=True)
        found = LOG_FROM_THERE.typed((await transaction.fetch_all())[log])
        named = next(((task_id, logged) for task_id, logged in found if logged.revision == revision), None)
        if named is None or found[0][1].revision != named[1].undone_as:
            if not caller.external and not await transaction.fetch(REVISION):
                raise UserGone
            raise ChangeNotFound
        task_id, change = named
        logs: dict[UUID, list[Logged]] = {}
        for each_id, logged in found:
            logs.setdefault(each_id, []).append(logged)
        db.mentions(task_id)
        if matches is not None and logs[task_id][-1].revision not in matches:
            [current] = await transaction.fetch(NEWEST, ids=[task_id])
            if current.task is not None:
                raise StaleTask(current.task)
        patches = _patches(change, logs)
        transaction.set_undoes(change.undone_as)
        if change.batch is not None:
            transaction.begin_batch()
            held = None  # what a completion in it made is undone as it was made
        else:
            held = await repeating.held(transaction, task_id) if "completed" in patches[str(task_id)] else None
        if held is not None:
            await repeating.apply(transaction, held, patches[str(task_id)], None)
        else:
            transaction.queue(UNDO, ids=[*logs], patches=json(patches))
        [newest] = await transaction.fetch_last(NEWEST, ids=[*logs])
        db.mentions(newest.task_id)
        return newest

    return await (db.dry_run(undone) if dry_run else db.in_transaction(undone))


async def _require_own(transaction: Transaction, agent_id: UUID, revision: int | None) -> None:
    """Raise ChangeNotFound but for changes of this agent alone, of tasks that it sees."""
    transaction.set_fence(on=False)
    made = transaction.queue(MADE_BY, undone=revision, agent_id=agent_id)
    transaction.set_fence(on=True)
    seen = transaction.queue(LOCK_TASKS, undone=revision)
    rows = await transaction.fetch_all()
    tasks, others = rows[made][0]
    if not tasks or others or len(rows[seen]) < tasks:
        raise ChangeNotFound


async def _at_once(
    transaction: Transaction, db: ScopedDatabase, batch: int, count: int, revision: int | None, matches: Matches
) -> ChangeRow | None:
    """Undo a batch that only created, deleted or restored tasks; None where it has to be judged change by change.

    Raises StaleTask, or ConflictingChange for a batch of more than TOO_MANY changes.
    """
    [(named,)] = await transaction.fetch(NAMED, undone=revision)
    if matches is not None:
        [current] = await transaction.fetch(NEWEST, ids=[named])
        if current.revision not in matches and current.task is not None:
            raise StaleTask(current.task)
    transaction.set_undoes(batch)
    transaction.begin_batch()
    [(undone, hindrance)] = await transaction.fetch(UNDO_EXISTENCE, batch=batch)
    if not undone:
        if count > TOO_MANY and hindrance is not None:
            [(kind, undoes)] = await transaction.fetch(CONFLICT, hindrance=hindrance)
            raise ConflictingChange(hindrance, kind, undid_it=undoes == batch)
        return None
    [(last,)] = await transaction.fetch(LAST)
    [newest] = await transaction.fetch_last(NEWEST, ids=[last])
    db.mentions(newest.task_id, named)
    return newest


def _patches(change: Logged, logs: Mapping[UUID, Sequence[Logged]]) -> dict[str, dict[str, Any]]:
    """What undoes `change` and those made together with it, by task; `logs` are the tasks' changes from there on.

    Raises CannotUndoPurge or ConflictingChange.
    """
    patches: dict[str, dict[str, Any]] = {}
    conflicts: list[Logged] = []
    for task_id, log in logs.items():
        together = [each for each in log if each.undone_as == change.undone_as]
        if any(each.kind == "purge" for each in together):
            raise CannotUndoPurge
        one = as_one(together)
        if conflict := conflicting_change(one, log[len(together) :]):
            conflicts.append(conflict)
        patches[str(task_id)] = reversal(one)
    if conflicts:
        last = max(conflicts, key=lambda conflict: conflict.revision)
        raise ConflictingChange(last.revision, last.kind, undid_it=last.undoes == change.undone_as)
    return patches


async def revisions(database: Database, user_ids: Sequence[str]) -> dict[str, int]:
    """The revisions of these users, as far as they exist, in one query."""
    return dict(await database.as_accounts().run(REVISIONS, ids=[*user_ids]))
