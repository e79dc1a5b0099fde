"""The operations of a batch as statements, which travel together; a move has to wait for those before it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import psycopg
from psycopg.errors import ForeignKeyViolation, InsufficientPrivilege, UniqueViolation

from todo.auth.caller import Caller
from todo.db.statement import Statement
from todo.db.transaction import Transaction
from todo.problems import Interrupted
from todo.tasks import actions, moves
from todo.tasks.batch_shapes import Complete, Create, Delete, MoveTo, Operation, Restore, Update
from todo.tasks.errors import BatchRefused, IdTaken, TaskError, TaskNotFound, TooManyTasks, UnknownTimeZone
from todo.tasks.patches import json
from todo.tasks.refusals import meaning
from todo.tasks.rows import TaskRow


class Known(NamedTuple):
    """A task that is named, when the batch begins."""

    id: UUID
    revision: int
    in_trash: bool
    repeats: bool
    """Whether it repeats, or is of a series."""


class Result(msgspec.Struct):
    """What became of one operation, as it is encoded."""

    op: str
    status: int
    task: TaskRow | None


def id_of(operation: Operation) -> UUID:
    """The id of the operation's task; a new one has been given its id."""
    task_id = operation.task.id if isinstance(operation, Create) else operation.id
    assert task_id is not None
    return task_id


class _Waiting(NamedTuple):
    """An operation whose statement was queued."""

    operation: int
    """Its index."""
    query: int
    """The index of its statement in the round trip."""
    statement: Statement[Any]
    result: Callable[[Any], Result]
    """Makes the result of the statement's row. Raises TaskError."""


class Execution:
    """The operations of a batch, one after the other, in as few round trips as there can be."""

    def __init__(
        self, transaction: Transaction, caller: Caller, known: Mapping[UUID, Known], time_zone: str | None
    ) -> None:
        self._transaction = transaction
        self._caller = caller
        self._time_zone = time_zone
        self._exist = {*known}
        """The ids for which there is a task."""
        self._repeat = {task.id for task in known.values() if task.repeats}
        """Of those that repeat, or may by now: to complete one is more than one statement."""
        self._waiting: list[_Waiting] = []
        self._results: dict[int, Result] = {}

    async def results_of(self, operations: Sequence[Operation]) -> list[Result]:
        """Do them. Raises BatchRefused, UserGone, or Interrupted where another one has created a task meanwhile."""
        for index, operation in enumerate(operations):
            match operation:
                case Create():
                    self._create(index, operation)
                case Update():
                    await self._update(index, operation)
                case Complete():
                    await self._complete(index, operation)
                case Delete():
                    self._send(index, actions.DELETE, lambda _: Result("delete", 204, None), operation.id)
                case Restore():
                    self._send(index, actions.RESTORE, lambda task: Result("restore", 200, task), operation.id)
                case MoveTo():
                    await self._move(index, operation)
        await self._fetch()
        return [self._results[index] for index in range(len(operations))]

    def _create(self, index: int, operation: Create) -> None:
        task_id = id_of(operation)
        if task_id in self._exist:
            fields = actions.repetition(operation.task, self._caller)
            self._send(
                *(index, actions.CREATED_BEFORE, lambda found: Result("create", 200, actions.the_same(found)), task_id),
                fields=fields,
            )
            return
        self._exist.add(task_id)
        if operation.task.recurrence is not None:
            self._repeat.add(task_id)
        statement, values = actions.creation(operation.task, task_id, self._caller)
        self._send(index, statement, lambda task: Result("create", 201, task), **values)

    async def _update(self, index: int, operation: Update) -> None:
        fields = operation.task.model_dump(mode="json", exclude_unset=True)
        if fields.get("recurrence") is not None:
            self._repeat.add(operation.id)
        if "completed" in fields and operation.id in self._repeat:
            await self._repeating(index, operation.op, operation.id, fields)
            return
        patch = json(fields)
        self._send(index, actions.EDIT, lambda task: Result("update", 200, task), operation.id, patch=patch)

    async def _complete(self, index: int, operation: Complete) -> None:
        completed = operation.completed
        if operation.id in self._repeat:
            await self._repeating(index, operation.op, operation.id, {"completed": completed})
            return
        self._send(
            index, actions.COMPLETE, lambda task: Result("complete", 200, task), operation.id, completed=completed
        )

    async def _repeating(self, index: int, op: str, id: UUID, fields: dict[str, Any]) -> None:
        """Complete a task that repeats, or take that back, once what was before it is done."""
        await self._fetch()
        try:
            task = await actions.repeat(self._transaction, id, fields, self._time_zone)
        except (TaskNotFound, TooManyTasks, UnknownTimeZone) as error:
            raise BatchRefused({index: error}) from None
        self._results[index] = Result(op, 200, task)

    async def _move(self, index: int, operation: MoveTo) -> None:
        transaction, task_id, after = self._transaction, operation.id, operation.after
        read, around = (
            transaction.queue(actions.READ, id=task_id),
            transaction.queue(moves.AROUND, id=task_id, after=after),
        )
        rows = await self._fetch()
        found = actions.READ.typed(rows[read])
        if not found:
            raise BatchRefused({index: TaskNotFound()})
        [task] = found
        try:
            gap = moves.gap_for(task, after, moves.AROUND.typed(rows[around]))
        except TaskError as error:
            raise BatchRefused({index: error}) from None
        if gap is None:
            self._results[index] = Result("move", 200, task)
            return
        position = moves.position_in(gap) or await moves.make_room(transaction, task_id, gap)
        self._send(index, moves.MOVE, lambda task: Result("move", 200, task), task_id, position=position)

    def _send(
        self, index: int, statement: Statement[Any], result: Callable[[Any], Result], id: UUID, **params: Any
    ) -> None:
        query = self._transaction.queue(statement, id=id, matches=None, **params)
        self._waiting.append(_Waiting(index, query, statement, result))

    async def _fetch(self) -> list[list[tuple[Any, ...]]]:
        """Send what is queued; the rows of each query, once the results are taken from them. Raises BatchRefused."""
        rows, error = await self._transaction.flush()
        errors: dict[int, TaskError] = {}
        for operation, query, statement, result in self._waiting:
            if query < len(rows):
                try:
                    [row] = statement.typed(rows[query]) or [None]
                    if row is None:
                        raise TaskNotFound
                    self._results[operation] = result(row)
                except TaskError as obstacle:
                    errors[operation] = obstacle
            elif query == len(rows) and error is not None and not isinstance(error, InsufficientPrivilege):
                if isinstance(error, UniqueViolation) and self._transaction.one_tag:
                    errors[operation] = IdTaken()  # by a task that it may not see
                else:
                    errors[operation] = _refusal(error)
        if errors:
            raise BatchRefused(errors)
        if error is not None:
            raise self._transaction.failure(error) from error
        self._waiting = []
        return rows


def _refusal(error: psycopg.Error) -> TaskError:
    """What PostgreSQL's error says of an operation. Raises UserGone, Interrupted, or the error where it is a bug."""
    match error:
        case UniqueViolation():  # created by another transaction, since the tasks were locked: then it is known
            raise Interrupted("A task with such an id was created just now; nothing was changed.", undone=True)
        case ForeignKeyViolation():
            raise meaning(error) from None
    return meaning(error)
