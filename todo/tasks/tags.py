"""The tags of a user's tasks: counted, renamed and removed everywhere.

Tags that differ in case only are one tag, as PostgreSQL's `lower` has it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Text,
    all_,
    any_,
    bindparam,
    collate,
    column,
    func,
    literal_column,
    outerjoin,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlmodel import col

from todo.auth.caller import Caller
from todo.auth.tables import User
from todo.db.database import ScopedDatabase
from todo.db.pipeline import Row
from todo.db.statement import Statement, array, text_array
from todo.db.transaction import Transaction
from todo.tasks.errors import TagNotFound, TagTooCommon, UserGone
from todo.tasks.patches import json, patch_each
from todo.tasks.tables import Task
from todo.values import folded

MAX_LISTED = 1000
"""Tags that a list has at most."""

MAX_TASKS = 5000
"""Tasks that one call changes at most: the log takes a second for so many."""


class TagCount(msgspec.Struct):
    """A tag, and how many tasks have it, as it is encoded."""

    tag: str
    count: int


@dataclass(frozen=True, slots=True)
class Tags:
    """Tags, and the user's revision when they were read."""

    revision: int
    tags: list[TagCount]


def _tags(rows: list[Row]) -> list[Tags]:
    """No rows without a user; one without a tag where there is none."""
    return [Tags(rows[0][-1], [TagCount(*row[:2]) for row in rows if row[0] is not None])] if rows else []


_mine = col(Task.user_id) == bindparam("user_id")
_spelled = (
    select(column("tag", Text), func.count().label("count"))
    .select_from(Task)
    .join(func.unnest(col(Task.tags)).table_valued("tag", name="tag"), true())
    .where(_mine, col(Task.deleted_at).is_(None))
    .where(col(User.revision) != all_(bindparam("cached", type_=ARRAY(BigInteger))))
    .group_by(column("tag"))
    .correlate(User)
    .subquery("spelled")
)
_folded = func.lower(_spelled.c.tag)
_most_used = aggregate_order_by(_spelled.c.tag, _spelled.c.count.desc(), collate(_spelled.c.tag, "C"))
_counted = (
    select(func.array_agg(_most_used)[1].label("tag"), func.sum(_spelled.c.count).cast(BigInteger).label("count"))
    .group_by(_folded)
    .order_by(func.sum(_spelled.c.count).desc(), collate(_folded, "C"))
    .limit(literal_column(str(MAX_LISTED)))
    .lateral("counted")
)
LIST = Statement.of(
    select(_counted.c.tag, _counted.c.count, col(User.revision))
    .select_from(outerjoin(User, _counted, true()))
    .where(col(User.id) == bindparam("user_id")),
    rows=_tags,
    read_only=True,
)

_old = select(func.lower(column("name", Text))).select_from(
    func.unnest(bindparam("names", type_=ARRAY(Text))).table_valued("name", name="name")
)
_has_one = (
    select(literal_column("1"))
    .select_from(func.unnest(col(Task.tags)).table_valued("tag", name="tag"))
    .where(func.lower(column("tag", Text)) == any_(func.array(_old.scalar_subquery())))
    .exists()
)
LOCK_TAGGED = Statement.of(
    select(col(Task.id), col(Task.tags))
    .where(_mine, _has_one)
    .order_by(col(Task.id))
    .limit(literal_column(str(MAX_TASKS + 1)))
    .with_for_update(key_share=True),
    long_running=True,
)
RETAG = patch_each("tags")


async def counted(db: ScopedDatabase, cached: Sequence[int] = ()) -> Tags:
    """The tags of the tasks that are not in the trash, the most used first; none where the revision is `cached`.

    Each in the spelling that is used most.
    """
    [*found] = await db.run(LIST, cached=array(cached))
    return found[0] if found else Tags(0, [])


async def rename(db: ScopedDatabase, caller: Caller, renames: Mapping[str, str | None]) -> Tags:
    """Give tags new names in all tasks, those in the trash too, and remove those without one; the tags afterwards.

    Raises TagNotFound where no task has one of them, TagTooCommon or UserGone.
    """

    async def renamed(transaction: Transaction) -> Tags:
        tagged: list[tuple[UUID, list[str]]] = await transaction.fetch(LOCK_TAGGED, names=text_array(renames))
        if len(tagged) > MAX_TASKS:
            raise TagTooCommon(MAX_TASKS)
        used = {folded(tag) for _, tags in tagged for tag in tags}
        if not used.issuperset(folded(name) for name in renames):
            if not caller.external and not await transaction.fetch(LIST, cached="{}"):
                raise UserGone
            raise TagNotFound
        db.mentions()
        transaction.begin_batch()
        patches = {str(task_id): {"tags": retagged(tags, renames)} for task_id, tags in tagged}
        transaction.queue(RETAG, ids=[task_id for task_id, _ in tagged], patches=json(patches))
        [tags] = await transaction.fetch_last(LIST, cached="{}")
        return tags

    return await db.in_transaction(renamed)


def retagged(tags: Sequence[str], renames: Mapping[str, str | None]) -> list[str]:
    """The tags of a task with their new names, in their order; of those that are the same now, the first.

    `renames` is by the old name, of which the case makes no difference; None removes.
    """
    new_names = {folded(old): new for old, new in renames.items()}
    kept: dict[str, str] = {}
    for tag in tags:
        new = new_names.get(folded(tag), tag)
        if new is not None:
            kept.setdefault(folded(new), new)
    return [*kept.values()]
