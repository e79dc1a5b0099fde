"""Words to search for: the query of the full-text search, and how well a task fits it.

Both sides go through the SQL function `task_words`, which leaves words without case and accents, so nothing of the
operators of a query is left in what a user typed.
"""

import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator
from sqlalchemy import REAL, ColumnElement, Text, bindparam, cast, func, literal_column, select
from sqlmodel import col

from todo.tasks.tables import Task
from todo.values import Length, Line

SEARCH_LENGTH = 200
MAX_BYTES = 1500
"""Of the words once they are taken apart; PostgreSQL refuses a word of 2 KiB."""


def _with_words(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text)
    if text and not any(char.isalnum() for char in apart):
        raise ValueError("has no letters or digits to search for")
    if len(apart.encode()) > MAX_BYTES:
        raise ValueError("is too long: search for fewer words")
    return text


Words = Annotated[Line, AfterValidator(_with_words), Length(max_length=SEARCH_LENGTH)]
"""What a user searches for; empty for nothing."""

_words = func.btrim(func.task_words(bindparam("search", type_=Text)))
_all_and_a_prefix = func.regexp_replace(_words, literal_column("' +'"), literal_column("' & '"), literal_column("'g'"))
_found_by = func.nullif(_all_and_a_prefix, literal_column("''")).op("||")(literal_column("':*'"))
QUERY: ColumnElement[Any] = select(
    func.to_tsquery(literal_column("'pg_catalog.simple'::regconfig"), _found_by)
).scalar_subquery()
"""All words of the parameter `search`, the last one as a prefix; in a subquery, which is evaluated once.

Null, which finds nothing, where PostgreSQL sees no word."""

MATCHES: ColumnElement[bool] = col(Task.search).op("@@")(QUERY)
RELEVANCE: ColumnElement[float] = cast(func.ts_rank(col(Task.search), QUERY), REAL)
"""Higher for better; a word of the title weighs 1.0, one of the description 0.4 (PostgreSQL's A and B)."""
