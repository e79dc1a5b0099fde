"""The database of a request with a key: the write and its answer are one transaction.

Its first step locks the key and looks for a stored answer; the action's own first statement travels along, and is
undone where there is an answer already. So of two requests at once one executes, and a write with a key is two round
trips: the key and the action, the answer and the commit.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import msgspec
from psycopg.errors import ForeignKeyViolation
from sqlalchemy import (
    BigInteger,
    Boolean,
    LargeBinary,
    Text,
    Uuid,
    bindparam,
    case,
    cast,
    column,
    delete,
    func,
    literal_column,
    or_,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlmodel import col
from starlette.responses import Response

from todo.api.idempotency.key import HEADER, Key
from todo.api.idempotency.tables import EVERY_TASK, KEPT, SEVERAL_TASKS, Idempotency
from todo.auth.caller import Caller
from todo.auth.provisioning import claims, provisioned_user
from todo.db.database import Database, ScopedDatabase
from todo.db.pipeline import Row
from todo.db.roles import REQUESTS
from todo.db.statement import R, Statement
from todo.db.transaction import Transaction
from todo.problems import Gone, Invalid, Unauthorized

T = TypeVar("T")

SHOW_NOTHING = {204, 404, 409}
"""Answers that show nothing of a task, so that they outlive its purge; the trigger has the same list."""


class StoredAnswer(NamedTuple):
    """An answer as it is stored."""

    request: bytes
    status: int
    headers: dict[str, str]
    body: bytes | None


FIND = Statement.of(
    select(col(Idempotency.request), col(Idempotency.status), col(Idempotency.headers), col(Idempotency.body)).where(
        col(Idempotency.user_id) == bindparam("user_id"),
        col(Idempotency.key) == bindparam("key"),
        col(Idempotency.at) >= func.now() - KEPT,
    ),
    row=StoredAnswer,
    read_only=True,
)

_tasks = table("tasks", column("user_id", Text), column("id", Uuid))
_its_task = select(_tasks.c.id).where(
    _tasks.c.user_id == bindparam("user_id"), _tasks.c.id == bindparam("task_id", type_=Uuid)
)
LOCK_TASK = Statement.of(_its_task.with_for_update(read=True, key_share=True), read_only=True)
"""Lets no purge of the task pass until the answer is stored, which the purge then erases."""

ROW_BYTES = 300
"""What a stored answer takes besides its body, approximately."""

OLDEST_AT_ONCE = 400
"""Answers that one write deletes at most: together as large as the largest answer, however small they are."""

_older = Idempotency.__table__.alias("older")  # type: ignore[attr-defined] # SQLModel sets it
_stored_bytes = (
    select(func.coalesce(func.max(_older.c.total), literal_column("0")))
    .where(_older.c.user_id == bindparam("user_id"), _older.c.total.is_not(None))
    .scalar_subquery()
)
_oldest = (
    select(_older.c.key)
    .where(
        _older.c.user_id == bindparam("user_id"),
        _older.c.key != bindparam("key"),
        _older.c.total <= _stored_bytes - bindparam("max_bytes", type_=BigInteger),
    )
    .order_by(_older.c.total)
    .limit(literal_column(str(OLDEST_AT_ONCE)))
)
_delete_oldest = delete(Idempotency).where(
    col(Idempotency.user_id) == bindparam("user_id"), col(Idempotency.key).in_(_oldest)
)
"""Above the user's quota of bytes."""

_store = insert(Idempotency).values(
    user_id=bindparam("user_id"),
    key=bindparam("key"),
    request=bindparam("request"),
    status=bindparam("status"),
    headers=cast(bindparam("headers", type_=Text), JSONB),
    body=case((or_(~bindparam("shows_task", type_=Boolean), _its_task.exists()), bindparam("body", type_=LargeBinary))),
    task_id=bindparam("task_id"),
    total=_stored_bytes + bindparam("bytes", type_=BigInteger),
)
_store = _store.on_conflict_do_update(  # one that has expired, and was not deleted yet
    index_elements=[col(Idempotency.user_id), col(Idempotency.key)],
    set_={name: _store.excluded[name] for name in ("request", "at", "status", "headers", "body", "task_id", "total")},
).add_cte(_delete_oldest.cte("deleted_oldest"))
STORE = Statement.of(_store)
STORE_WITH_USER = Statement.of(_store.add_cte(provisioned_user()), lock_by="user_id")


class Replay(Exception):  # noqa: N818 # no error: the way out of an action that was done before
    """An answer is stored: it is sent again."""

    def __init__(self, stored: StoredAnswer) -> None:
        super().__init__()
        self._stored = stored

    def response(self) -> Response:
        """The answer as it was, marked as replayed."""
        stored = self._stored
        return Response(bytes(stored.body or b""), stored.status, stored.headers | {"Idempotent-Replayed": "true"})


class IdempotentDatabase(ScopedDatabase):
    """The transaction of a request with a key: opened by the action's first statement, ended by `store` or `close`."""

    def __init__(self, database: Database, caller: Caller, key: Key) -> None:
        super().__init__(database, REQUESTS, caller.user_id, caller.via, caller.agent)
        self._caller = caller
        self._key = key
        # The token of an agent has its own keys: one that another has chosen shows it no answer of it.
        self._key_text = key.text
        if self.agent is not None and not self.agent.declared:
            self._key_text = f"{self.agent.id.hex} {sha256(key.text.encode()).hexdigest()}"
        self._transaction: Transaction | None = None
        self._task_id: UUID | None = None
        self._found_at = 0

    async def run(self, statement: Statement[R], /, **params: Any) -> list[R]:
        """The rows of `statement`, as a step of the transaction. A step that fails is undone alone.

        Raises Replay when the key was answered before, and Invalid when that was another request.
        """
        self._task_id = params.get("id", self._task_id)
        first = self._transaction is None
        transaction = self._transaction or self._begin()
        transaction.savepoint()
        transaction.queue(statement, **params)
        rows, error = await transaction.flush()
        if first and len(rows) > self._found_at:
            self._replay(rows[self._found_at])
        if error is not None:
            transaction.rollback_to_savepoint()
            raise transaction.failure(error) from error
        return statement.typed(rows[-1])

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """The transaction itself, which `store` commits."""
        if self._transaction is None:
            self._replay((await self._begin().fetch_all())[self._found_at])
        assert self._transaction is not None
        yield self._transaction

    async def in_transaction(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Do `work` as steps of the transaction, undone where it fails. Only the whole request is tried again."""
        async with self.transaction() as transaction:
            transaction.begin_work()
            try:
                return await work(transaction)
            except Exception:
                transaction.undo_work()
                raise

    def mentions(self, *task_ids: UUID) -> None:
        """Note which tasks the answer will speak of, where no statement names one; none for all of the user's.

        Several are locked by the transaction, since it has changed or locked them.
        """
        self._task_id = task_ids[0] if len(task_ids) == 1 else SEVERAL_TASKS if task_ids else EVERY_TASK

    async def store(self, response: Response) -> None:
        """Store the answer with the write, and commit both. Raises Unauthorized when the account is deleted."""
        if self._transaction is None:
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in response.raw_headers
            if name != b"content-length"
        }
        answer = {
            "key": self._key_text,
            "request": self._key.request,
            "status": response.status_code,
            "headers": msgspec.json.encode(headers).decode(),
            "body": bytes(response.body),
            "bytes": ROW_BYTES + len(response.body),
            "task_id": self._task_id,
            "shows_task": self._shows_one_task and response.status_code not in SHOW_NOTHING,
            "max_bytes": self.database.max_log_bytes,
        }
        if answer["shows_task"]:
            self._transaction.queue(LOCK_TASK, task_id=self._task_id)
        if self._caller.external:
            self._transaction.queue(STORE_WITH_USER, **answer, **claims(self._caller))
        else:
            self._transaction.queue(STORE, **answer)
        try:
            await self._transaction.commit()
        except ForeignKeyViolation:
            raise Unauthorized("This account no longer exists.") from None

    @property
    def _shows_one_task(self) -> bool:
        return self._task_id not in (None, SEVERAL_TASKS, EVERY_TASK)

    async def close(self) -> None:
        """End the transaction; what was not stored is rolled back."""
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            await transaction.close()

    def _begin(self) -> Transaction:
        transaction = self._transaction = Transaction(self, ends_later=True)
        transaction.lock(f"{self._key_text} of {self.user_id}")
        if self._caller.external:
            transaction.lock(self.user_id)  # before any row, as what makes or deletes the user's row locks it
        self._found_at = transaction.queue(FIND, key=self._key_text)
        return transaction

    def _replay(self, found: list[Row]) -> None:
        """Raise Replay, Gone or Invalid when an answer is stored."""
        if not found:
            return
        [stored] = FIND.typed(found)
        if bytes(stored.request) != self._key.request:
            raise Invalid.at("header", HEADER, msg="was used for another request: choose another key for this one")
        if stored.body is None:
            raise Gone(
                "This was done before. Its answer is not kept: its task was purged since, or it is shown only once."
            )
        raise Replay(stored)
