"""The table of settings: names, defaults and limits from the class `Settings`, texts from the table as it is.

A setting without a row gets one with the description of the class, at its place; that of a removed setting is removed.
Rows of three cells (setting, default, meaning) are accepted, and get their limits.
"""

import re
from typing import Any, get_args

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from todo.settings import Settings

HEAD = ["| setting | default | values | meaning |", "|---|---|---|---|"]
TABLE = re.compile(r"^\| setting \| default \|.*\n\|[-|]+\n(?:\|.*\n)+", re.MULTILINE)
KINDS: dict[Any, str] = {int: "whole number", float: "number", bool: "`on`, `off`"}


def updated(page: str) -> str:
    """The page with its table as it should be. Raises ValueError where there is no table, or a row of another form."""
    found = TABLE.search(page)
    if found is None:
        raise ValueError("docs/reference/configuration.md has no table of settings")
    rows = [_cells(line) for line in found[0].splitlines()[2:]]
    known = {cells[0].strip("`"): (cells[1], cells[-1]) for cells in rows}
    made = [_row(name, field, *known.get(name.upper(), ("", ""))) for name, field in Settings.model_fields.items()]
    return page[: found.start()] + "\n".join([*HEAD, *made]) + "\n" + page[found.end() :]


def _cells(line: str) -> list[str]:
    cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    if len(cells) not in {3, 4}:
        raise ValueError(f"a row of settings has 3 or 4 cells, with \\| for a bar in the text: {line[:60]}")
    return cells


def _row(name: str, field: FieldInfo, default: str, meaning: str) -> str:
    if isinstance(field.default, int | float | str):
        default = f"`{field.default:g}`" if isinstance(field.default, float) else f"`{field.default}`"
    cells = [f"`{name.upper()}`", default or "none", _values(field), meaning or field.description]
    return "".join(f"| {cell} ".replace("|  ", "| ") for cell in cells) + "|"


def _values(field: FieldInfo) -> str:
    """What the class itself accepts: choices, a kind of number and its limits; nothing for texts."""
    kind = field.annotation
    choices = [each for each in get_args(kind) if isinstance(each, str)]
    pattern = next((each.pattern for each in field.metadata if getattr(each, "pattern", None)), "")
    if pattern:
        choices = str(pattern).strip("^$()").split("|")
    if choices:
        return ", ".join(f"`{each}`" for each in choices)
    if kind not in KINDS:
        return ""
    low = next((_bound("≥ ", "> ", each) for each in field.metadata if isinstance(each, Ge | Gt)), "")
    high = next((_bound("≤ ", "< ", each) for each in field.metadata if isinstance(each, Le | Lt)), "")
    return " ".join([KINDS[kind], ", ".join(filter(None, (low, high)))]).strip()


def _bound(closed: str, opened: str, limit: Any) -> str:
    sign = closed if isinstance(limit, Ge | Le) else opened
    value = next(getattr(limit, name) for name in ("ge", "gt", "le", "lt") if hasattr(limit, name))
    return f"{sign}{value:,}"
