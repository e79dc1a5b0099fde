"""Types of the list's query parameters, as they are written in a query."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, WithJsonSchema

from todo.tasks.fields import Tag
from todo.tasks.sorting import ORDERS

SORTED_BY = {name.lstrip("-") for name in ORDERS} | {"created_at", "updated_at"}
"""What `sort` may name."""


def _folded(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) and len(value) <= 50 else value


def _true_or_false(value: Any) -> bool:
    known = {"true": True, "false": False}
    if _folded(value) not in known:
        raise ValueError("must be true or false")
    return known[_folded(value)]


def _split(values: Any) -> Any:
    """Each of several values, and each part of one between commas."""
    parts = [part.strip() for value in values for part in value.split(",")]
    return [part for part in parts if part]


def _sort(value: Any) -> str:
    name = _folded(value)
    if not isinstance(name, str) or name.removeprefix("-") not in SORTED_BY:
        raise ValueError(f"must be one of {', '.join(sorted(SORTED_BY))}, with - before it for descending")
    return name.replace("created_at", "created").replace("updated_at", "updated")


Flag = Annotated[bool, BeforeValidator(_true_or_false), WithJsonSchema({"type": "boolean"})]
PriorityName = Annotated[Literal["low", "medium", "high", "urgent", "none"], BeforeValidator(_folded)]
Priorities = Annotated[list[PriorityName], BeforeValidator(_split)]
TagsBetweenCommas = Annotated[list[Tag], BeforeValidator(_split)]
Sort = Annotated[
    str,
    BeforeValidator(_sort),
    WithJsonSchema({"type": "string", "pattern": f"^-?({'|'.join(sorted(SORTED_BY))})$"}),
]
Direction = Annotated[Literal["asc", "desc"], BeforeValidator(_folded)]
