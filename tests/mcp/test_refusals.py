"""What is said when a call fails: what is wrong, and what to do next."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.mcp.agents import Human, agent
from todo.client import (
    ClientError,
    Conflict,
    ConnectionFailed,
    Forbidden,
    Invalid,
    TooManyRequests,
    Unavailable,
    UnexpectedAnswer,
)
from todo.client.models import FieldError, Problem
from todo.mcp.errors import NO_TASK, OUTDATED, explained

UNKNOWN = str(uuid4())

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("get_task", {"id": UNKNOWN}, NO_TASK),
    ("history", {"id": UNKNOWN}, NO_TASK),
    ("update_task", {"id": UNKNOWN, "title": "x"}, NO_TASK),
    ("complete_task", {"id": UNKNOWN}, NO_TASK),
    ("delete_task", {"id": UNKNOWN}, NO_TASK),
    ("move_task", {"id": UNKNOWN}, NO_TASK),
    ("move_task", {"id": "{mine}", "after": UNKNOWN}, "after: names no task"),
    ("undo", {"revision": 987654}, "There is no such change: call history"),
    ("undo", {}, "give revision or since"),
    ("get_task", {"id": "first"}, "id: Input should be a valid UUID"),
    ("update_task", {"id": "{mine}"}, "nothing to change"),
    ("update_task", {"id": "{mine}", "priority": "low", "clear": ["priority"]}, "give a value or clear, not both"),
    ("update_task", {"id": "{mine}", "clear": ["title"]}, "clear.0: "),
    ("update_task", {"id": "{mine}", "title": "x", "if_revision": 1_000_000}, OUTDATED),
    ("update_task", {"id": "{mine}", "due_date": "soon"}, "due_date: "),
    ("update_task", {"id": "{mine}", "title": "x", "dryrun": True}, "dryrun: Extra inputs are not permitted"),
    ("add_task", {"title": " "}, "title: "),
    ("add_task", {"title": "x" * 256}, "title: "),
    ("add_task", {"title": "a\u0000b"}, "title: "),
    ("add_task", {"title": "x", "tags": "home"}, "tags: "),
    ("add_task", {"title": "x", "key": "two words"}, "key: "),
    ("quick_add", {"text": "x", "time_zone": "Moon/Crater"}, "time_zone: "),
    ("batch", {"operations": []}, "operations: "),
    ("batch", {"operations": [{"op": "create"}]}, "create needs a title"),
    ("batch", {"operations": [{"op": "delete", "id": "{mine}", "title": "x"}]}, "delete changes no fields"),
    ("list_tasks", {"sort": "colour"}, "sort: "),
    ("search_tasks", {"query": "%%"}, "search: has no letters"),
]


@pytest.mark.slow
@pytest.mark.anyio
async def test_what_cannot_be_done_is_refused_with_what_to_do(kind: str, human: Human) -> None:
    async with agent(kind, human) as assistant:
        mine = (await assistant.does("add_task", title="Mine"))["task"]["id"]
        before = human.call("GET", "~/changes")
        for tool, arguments, expected in REFUSED:
            filled = {name: mine if value == "{mine}" else value for name, value in arguments.items()}
            if tool == "batch":
                filled["operations"] = [
                    {name: mine if value == "{mine}" else value for name, value in each.items()}
                    for each in arguments["operations"]
                ]
            assert expected in await assistant.is_refused(tool, **filled), (tool, arguments)
        assert human.call("GET", "~/changes") == before


@pytest.mark.slow
@pytest.mark.anyio
async def test_one_key_is_for_one_call(kind: str, human: Human) -> None:
    async with agent(kind, human) as assistant:
        first = await assistant.does("add_task", title="Once", key="a-key")
        again = await assistant.does("add_task", title="Once", key="a-key")
        assert again == first
        assert "Idempotency-Key" in await assistant.is_refused("add_task", title="Twice", key="a-key")
        assert human.titles() == ["Once"]


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_token_that_only_reads_reads(kind: str, human: Human) -> None:
    token = human.api_token(scope="read")["token"]
    async with agent(kind, human, token) as assistant:
        assert await assistant.does("list_tasks") == {"tasks": []}
        assert "may only read" in await assistant.is_refused("add_task", title="x")
        assert "Do not try another way" in await assistant.is_refused("undo", revision=1)


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_command_with_a_token_that_is_not_valid_says_so(human: Human) -> None:
    async with agent("stdio", human, "todo_nonsense") as assistant:
        assert "ask the person to sign in again" in await assistant.is_refused("list_tasks")


def problem(status: int, detail: str = "", **more: Any) -> Problem:
    return Problem(status=status, title="", detail=detail, **more)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionFailed("…", sent=False), "Wait a little"),
        (ConnectionFailed("…", sent=True), "repeat the call with the same key, my-key"),
        (Unavailable(problem(503), retry_after=3.2), "Wait 4 s"),
        (Unavailable(problem(503)), "with the same key, my-key"),
        (TooManyRequests(problem(429, "Too many deletions."), retry_after=60.0), "Too many deletions. Wait 60 s"),
        (Forbidden(problem(403, "This token may not delete tasks.")), "may not delete tasks. Do not try another way"),
        (Conflict(problem(409, "There is no room.")), "There is no room."),
        (Invalid(problem(422, errors=(FieldError(loc=("body", "title"), msg="is wrong"),))), "title: is wrong."),
        (UnexpectedAnswer("https://todo.internal …"), "tell the person to check its URL"),
        (TimeoutError(), "There was no answer in time."),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else "",
)
def test_errors_in_the_terms_of_an_agent(error: ClientError, expected: str) -> None:
    assert expected in explained(error, key="my-key")


def test_a_bug_is_no_refusal() -> None:
    with pytest.raises(httpx.InvalidURL):
        explained(httpx.InvalidURL("a bug"))
