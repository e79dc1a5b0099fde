"""New values of columns from one JSON object, for edits, undo and whatever else names the fields that it sets."""

from typing import Any

from sqlalchemy import ColumnElement, Text, bindparam, cast, func, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB


def patched(*names: str) -> dict[str, ColumnElement[Any]]:
    """New values for these columns from `:patch`, a JSON object: an absent field keeps its value, null clears it."""
    patch = cast(bindparam("patch", type_=Text), JSONB)
    record = func.jsonb_populate_record(literal_column("tasks"), patch).table_valued(*names, name="patched")
    return {name: select(record.c[name]).scalar_subquery() for name in names}
