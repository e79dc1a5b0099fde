"""Setting some columns of tasks to values that come as JSON, and keeping the others."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Text,
    Uuid,
    any_,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col

from todo.db.pipeline import Row
from todo.db.statement import Statement
from todo.tasks.tables import Task

_patch = cast(bindparam("patch", type_=Text), JSONB)


def patched(names: Sequence[str], patch: ColumnElement[Any] = _patch) -> dict[str, ColumnElement[Any]]:
    """New values for these columns from `patch`, a JSON object: an absent field keeps its value, null clears it."""
    record = func.jsonb_populate_record(literal_column("tasks"), patch).table_valued(*names, name="patched")
    return {name: select(record.c[name]).scalar_subquery() for name in names}


def json(value: Any) -> str:
    """The value as the text of a JSON parameter."""
    return msgspec.json.encode(value).decode()


def patch_each(*names: str) -> Statement[Row]:
    """The statement that sets these columns of several tasks: `:patches` is a JSON object of a patch for each id.

    It has to be preceded by one that locks the tasks, in the order of their ids.
    """
    patches = func.jsonb_each(cast(bindparam("patches", type_=Text), JSONB)).table_valued(
        Column("key", Text), Column("value", JSONB), name="patches"
    )
    return Statement.of(
        update(Task)
        .where(
            col(Task.user_id) == bindparam("user_id"),
            col(Task.id) == any_(bindparam("ids", type_=ARRAY(Uuid))),
            col(Task.id) == cast(patches.c.key, Uuid),
        )
        .values(**patched(names, patches.c.value)),
        long_running=True,
    )
