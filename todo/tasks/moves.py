"""The user's own order of tasks: moving one writes its sort key, and seldom those of tasks around it too.

The order is that of (position, id). Moves of one user are made one after the other, by a lock that they take before
any row, since two at once would read the same gap.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Text, Uuid, any_, bindparam, case, literal, select, tuple_, update
from sqlalchemy.orm import aliased
from sqlmodel import col

from todo.auth.caller import Caller
from todo.db.database import ScopedDatabase
from todo.db.statement import Statement
from todo.db.transaction import Transaction
from todo.tasks import actions
from todo.tasks.errors import PlaceNotFound
from todo.tasks.patches import json, patch_each
from todo.tasks.positions import LONG, between, spread
from todo.tasks.refusals import Matches, refused
from todo.tasks.rows import COLUMNS, TaskRow
from todo.tasks.tables import Task

WINDOWS = (50, 500, 5_000)
"""How many tasks on either side of a gap get new positions where it has none left, as many as it takes."""

_mine = col(Task.user_id) == bindparam("user_id")
_others = _mine & col(Task.deleted_at).is_(None) & (col(Task.id) != bindparam("id"))
_place = tuple_(col(Task.position), col(Task.id))


class Place(NamedTuple):
    """Where a task is in the order."""

    position: str
    id: UUID


_anchor = aliased(Task, name="anchor")


def _of_anchor(column: Any, first: Any) -> Any:
    """A column of the task that `:after` names, or `first` where it is null; null where there is no such task."""
    found = select(column).where(
        col(_anchor.user_id) == bindparam("user_id"),
        col(_anchor.id) == bindparam("after", type_=Uuid),
        col(_anchor.deleted_at).is_(None),
    )
    return case((bindparam("after", type_=Uuid).is_(None), first), else_=found.scalar_subquery())


AROUND = Statement.of(
    select(col(Task.position), col(Task.id))
    .where(
        _others,
        _place
        >= tuple_(
            _of_anchor(col(_anchor.position), literal("", Text)),
            _of_anchor(col(_anchor.id), literal(UUID(int=0), Uuid)),
        ),
    )
    .order_by(col(Task.position), col(Task.id))
    .limit(2),
    row=Place,
    read_only=True,
)
"""The task `:after`, and the next one to it besides the one that is moved."""

MOVE = Statement.of(
    update(Task)
    .where(_mine, col(Task.id) == bindparam("id"), col(Task.deleted_at).is_(None), actions.matching)
    .values(position=bindparam("position"))
    .returning(*COLUMNS),
    row=TaskRow,
)

_from = tuple_(bindparam("position", type_=Text), bindparam("at", type_=Uuid))
PRECEDING = Statement.of(
    select(col(Task.position), col(Task.id))
    .where(_others, _place <= _from)
    .order_by(col(Task.position).desc(), col(Task.id).desc())
    .limit(bindparam("limit", type_=BigInteger)),
    row=Place,
    read_only=True,
    long_running=True,
)
FOLLOWING = Statement.of(
    select(col(Task.position), col(Task.id))
    .where(_others, _place > _from)
    .order_by(col(Task.position), col(Task.id))
    .limit(bindparam("limit", type_=BigInteger)),
    row=Place,
    read_only=True,
    long_running=True,
)
LOCK_TASKS = Statement.of(
    select(col(Task.id))
    .where(_mine, col(Task.id) == any_(bindparam("ids", type_=ARRAY(Uuid))))
    .order_by(col(Task.id))
    .with_for_update(key_share=True),
    long_running=True,
)
SPREAD = patch_each("position")


async def move(
    db: ScopedDatabase, caller: Caller, id: UUID | None, after: UUID | None, *, matches: Matches = None
) -> TaskRow:
    """Move a task behind the task `after`, or to the front for None; one that is there already stays as it is.

    Raises PlaceNotFound where there is no task `after`, otherwise as `actions.edit` does.
    """

    async def moved(transaction: Transaction) -> TaskRow | None:
        lock(transaction, db.user_id)
        read, around = transaction.queue(actions.READ, id=id), transaction.queue(AROUND, id=id, after=after)
        rows = await transaction.fetch_all()
        found = actions.READ.typed(rows[read])
        if id is None or not found or (matches is not None and found[0].revision not in matches):
            return None
        [task] = found
        db.mentions(id)
        gap = gap_for(task, after, AROUND.typed(rows[around]))
        if gap is None:
            return task
        if position := position_in(gap):
            tasks = await transaction.fetch_last(MOVE, id=id, matches=matches, position=position)
        else:
            transaction.savepoint()
            transaction.begin_batch()
            position = await make_room(transaction, id, gap)
            tasks = await transaction.fetch(MOVE, id=id, matches=matches, position=position)
            if not tasks:
                transaction.rollback_to_savepoint()
        return tasks[0] if tasks else None

    task = await db.in_transaction(moved)
    return task or await refused(db, caller, id, matches)


def lock(transaction: Transaction, user_id: str) -> None:
    """Wait for the other moves of this user."""
    transaction.lock(f"order of {user_id}")


class Gap(NamedTuple):
    """The tasks between which another one goes."""

    before: Place | None
    behind: Place | None


def gap_for(task: TaskRow, after: UUID | None, around: Sequence[Place]) -> Gap | None:
    """Where the task goes, of what AROUND found; None where it is there already. Raises PlaceNotFound."""
    if after == task.id:
        return None
    if after is None:
        gap = Gap(None, around[0] if around else None)
    elif around and around[0].id == after:
        gap = Gap(around[0], around[1] if len(around) > 1 else None)
    else:
        raise PlaceNotFound
    own = Place(task.position, task.id)
    is_there = (gap.before is None or gap.before < own) and (gap.behind is None or own < gap.behind)
    return None if is_there else gap


def position_in(gap: Gap) -> str | None:
    """A sort key for this gap, or None where there is none that is short."""
    try:
        position = between(gap.before and gap.before.position, gap.behind and gap.behind.position)
    except ValueError:
        return None
    return position if len(position) <= LONG else None


async def make_room(transaction: Transaction, id: UUID, gap: Gap) -> str:
    """Give the tasks around the gap new sort keys, evenly, of the same batch as the move of this task; its new one."""
    start = gap.before or Place("", UUID(int=0))
    position: dict[str, Any] = {"id": id, "position": start.position, "at": start.id}
    preceding: Sequence[Place] = ()
    following: Sequence[Place] = ()
    keys: Sequence[str] = ()
    for window in WINDOWS:
        first = transaction.queue(PRECEDING, **position, limit=window + 1)
        second = transaction.queue(FOLLOWING, **position, limit=window + 1)
        rows = await transaction.fetch_all()
        preceding, following = PRECEDING.typed(rows[first]), FOLLOWING.typed(rows[second])
        lowest, highest = [
            places[window].position if len(places) > window else None for places in (preceding, following)
        ]
        preceding, following = preceding[:window][::-1], following[:window]
        with suppress(ValueError):  # of keys that are equal
            keys = spread(lowest, highest, len(preceding) + 1 + len(following))
        if keys and max(map(len, keys)) <= LONG // 2:
            break
    own = keys[len(preceding)]
    others = [key for key in keys if key != own]
    patches = {str(place.id): {"position": key} for place, key in zip([*preceding, *following], others, strict=True)}
    transaction.queue(LOCK_TASKS, ids=[id, *(place.id for place in (*preceding, *following))])
    transaction.queue(SPREAD, ids=[place.id for place in (*preceding, *following)], patches=json(patches))
    return own
