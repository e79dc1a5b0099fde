"""Idempotency-Key: the answer to a write is kept with the write, in the same transaction, and given again.

What has a key waits, in its transaction's first step, for whoever has the same one, then looks for the answer that
was kept; the action's own first statement travels along, and is undone where there is an answer already. So of two
at once one executes, and a keyed write is two round trips: the key and the action, the answer and the commit.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from psycopg.errors import ForeignKeyViolation
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    Uuid,
    bindparam,
    case,
    cast,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlmodel import Field, col
from starlette.requests import Request
from starlette.responses import Response

from todo.accounts.arrivals import arrival, claims
from todo.accounts.tokens import Caller
from todo.database import Database, Via
from todo.flights import Row
from todo.problems import BadRequest, Gone, Invalid, Unauthorized
from todo.routing import BODY
from todo.schema import Table
from todo.statements import Statement
from todo.tasks.models import Task
from todo.transactions import Transaction, Tx

T = TypeVar("T")

HEADER = "Idempotency-Key"
VISIBLE = re.compile("[\x21-\x7e]{1,255}")
KEPT = timedelta(hours=24)
KEPT_PROBLEMS = {404, 409, 412}
"""Refusals of the action's own, which are kept like successes; others are not, so that a retry tries again."""


SHOW_NOTHING = {204, 404, 409}
"""Answers that say nothing of what is in a task, so that they outlive a purge; the trigger knows the same ones."""


class Idempotency(Table, table=True):
    """The answer to a write that had a key, for 24 hours. A purged task takes the body with it."""

    __tablename__ = "idempotency"
    __table_args__ = (
        CheckConstraint("char_length(key) BETWEEN 1 AND 255", name="key_length"),
        Index("ix_idempotency_task", "user_id", "task_id"),
        Index("ix_idempotency_at", "at", postgresql_using="brin"),
    )

    user_id: str = Field(primary_key=True, foreign_key="users.id", ondelete="CASCADE", sa_type=Text)
    key: str = Field(primary_key=True, sa_type=Text)
    request: bytes = Field(sa_type=LargeBinary)
    """A hash of what was asked."""
    at: datetime = Field(sa_column_kwargs={"server_default": func.now()})
    status: int = Field(sa_type=SmallInteger)
    headers: dict[str, str] = Field(sa_type=JSONB)
    body: bytes | None = Field(default=None, sa_type=LargeBinary)
    task_id: UUID | None = Field(default=None, sa_type=Uuid)
    """The task that the answer speaks of."""


FOUND = Statement.of(
    select(col(Idempotency.request), col(Idempotency.status), col(Idempotency.headers), col(Idempotency.body)).where(
        col(Idempotency.user_id) == bindparam("user_id"),
        col(Idempotency.key) == bindparam("key"),
        col(Idempotency.at) >= func.now() - KEPT,
    ),
    reads=True,
)

_its_task = select(col(Task.id)).where(
    col(Task.user_id) == bindparam("user_id"), col(Task.id) == bindparam("task_id", type_=Uuid)
)
HOLD = Statement.of(_its_task.with_for_update(read=True, key_share=True), reads=True)
"""Lets no purge of the task pass until the answer is kept, which it then erases."""

_keep = insert(Idempotency).values(
    user_id=bindparam("user_id"),
    key=bindparam("key"),
    request=bindparam("request"),
    status=bindparam("status"),
    headers=cast(bindparam("headers", type_=Text), JSONB),
    body=case((or_(~bindparam("shows_it", type_=Boolean), _its_task.exists()), bindparam("body", type_=LargeBinary))),
    task_id=bindparam("task_id"),
)
_keep = _keep.on_conflict_do_update(  # one that is over, and was not swept yet
    index_elements=[col(Idempotency.user_id), col(Idempotency.key)],
    set_={name: _keep.excluded[name] for name in ("request", "at", "status", "headers", "body", "task_id")},
)
KEEP = Statement.of(_keep)
KEEP_WITH_OWNER = Statement.of(_keep.add_cte(arrival()), alone_by="user_id")


@dataclass(frozen=True, slots=True)
class Key:
    """A key, and a hash of the request that it came with."""

    text: str
    request: bytes

    @classmethod
    def of(cls, request: Request) -> "Key | None":
        """The request's key, if it has one. Raises BadRequest for one that cannot be."""
        given = request.headers.getlist(HEADER)
        if not given:
            return None
        if len(given) > 1 or not VISIBLE.fullmatch(given[0]):
            raise BadRequest(f"{HEADER} must be one key of 1 to 255 visible ASCII characters.")
        scope = request.scope
        asked = [
            request.method,
            scope["path"],
            scope["query_string"],
            request.headers.getlist("if-match"),
            scope[BODY],
        ]
        return cls(given[0], hashlib.sha256(msgspec.msgpack.encode(asked)).digest())


class Replay(Exception):  # noqa: N818 # no error: the way out of an action that was done before
    """The answer is kept: it is given again."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        super().__init__()
        self._answer = status, headers, body

    def response(self) -> Response:
        """The answer, as it was, and said to be given again."""
        status, headers, body = self._answer
        return Response(body, status, headers | {"Idempotent-Replayed": "true"})


class KeyedTx(Tx):
    """The transaction of a request with a key: opened by the action's first statement, ended by `keep` or `end`."""

    def __init__(self, database: Database, caller: Caller, key: Key, via: Via) -> None:
        super().__init__(database, caller.user_id, via=via)
        self._caller = caller
        self._key = key
        self._transaction: Transaction | None = None
        self._task_id: UUID | None = None
        self._found_at = 0

    async def one(self, statement: Statement, /, **params: Any) -> list[Row]:
        """The rows of `statement`, as a step of the transaction. What fails is undone alone.

        Raises Replay when the key was answered before, and Invalid when that was another request.
        """
        self._task_id = params.get("id", self._task_id)
        first = self._transaction is None
        transaction = self._transaction or self._begin()
        transaction.savepoint()
        transaction.run(statement, **params)
        *results, error = await transaction.results()
        if first and len(results) > self._found_at:
            self._look(results[self._found_at])
        if error is not None:
            transaction.back_to_savepoint()
            raise error
        rows: list[Row] = results[-1]
        return rows

    @asynccontextmanager
    async def several(self) -> AsyncIterator[Transaction]:
        """The transaction itself, which `keep` commits."""
        if self._transaction is None:
            self._look((await self._begin().all_rows())[self._found_at])
        assert self._transaction is not None
        yield self._transaction

    async def atomically(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Do `work` as steps of the transaction. It is the whole request that is tried again."""
        async with self.several() as steps:
            return await work(steps)

    def about(self, task_id: UUID) -> None:
        """Say which task the answer will speak of, where no statement names it."""
        self._task_id = task_id

    def _begin(self) -> Transaction:
        transaction = self._transaction = Transaction(self)
        transaction.alone(f"{self._key.text} of {self.user_id}")
        if self._caller.foreign:
            transaction.alone(self.user_id)  # before any row, as whoever makes or deletes the user's row takes it
        self._found_at = transaction.run(FOUND, key=self._key.text)
        return transaction

    def _look(self, found: list[Row]) -> None:
        """Raise Replay, Gone or Invalid when an answer was kept."""
        if not found:
            return
        request, status, headers, body = found[0]
        if bytes(request) != self._key.request:
            raise Invalid.at("header", HEADER, msg="was used for another request: choose another key for this one")
        if body is None:
            raise Gone("This was answered before, and its task was purged since: the answer is kept no longer.")
        raise Replay(status, headers, bytes(body))

    async def keep(self, response: Response) -> None:
        """Keep the answer with the write, and commit both. Raises Unauthorized when the account is gone."""
        if self._transaction is None:
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in response.raw_headers
            if name != b"content-length"
        }
        answer = {
            "key": self._key.text,
            "request": self._key.request,
            "status": response.status_code,
            "headers": msgspec.json.encode(headers).decode(),
            "body": bytes(response.body),
            "task_id": self._task_id,
            "shows_it": self._task_id is not None and response.status_code not in SHOW_NOTHING,
        }
        if answer["shows_it"]:
            self._transaction.run(HOLD, task_id=self._task_id)
        if self._caller.foreign:
            self._transaction.run(KEEP_WITH_OWNER, **answer, **claims(self._caller))
        else:
            self._transaction.run(KEEP, **answer)
        try:
            await self._transaction.commit()
        except ForeignKeyViolation:
            raise Unauthorized("This account no longer exists.") from None

    async def end(self) -> None:
        """Let go of the transaction; what was not kept is undone."""
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            await transaction.end()
