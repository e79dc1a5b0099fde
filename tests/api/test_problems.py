"""Every error is a problem document with a detail that a person can act on, and tells nothing else."""

import logging
import re
from typing import Any

import httpx
import pytest

from tests.conftest import Person, http, running, settings_for
from todo.app import create_app
from todo.tasks import actions

pytestmark = pytest.mark.anyio


def told(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem document of `answer`, whole."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    problem: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "instance"} <= set(problem)
    assert problem["status"] == status
    assert isinstance(problem["detail"], str)
    assert len(problem["detail"]) > 10
    return problem


@pytest.mark.parametrize(
    "path", ["/nothing", "/api", "/api/x", "/api/x/tasks/y/z", "/api//tasks", "/docs/assets/no.js"]
)
async def test_an_unknown_path(client: httpx.AsyncClient, path: str) -> None:
    assert told(await client.get(path), 404)["instance"] == path


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/x/tasks", "GET, POST"),
        ("POST", "/api/x/tasks/y", "DELETE, GET, PUT"),
        ("PATCH", "/api/x/tasks/y", "DELETE, GET, PUT"),
        ("GET", "/api/x/tasks/y/complete", "PATCH"),
        ("GET", "/api/auth/signin", "POST"),
        ("POST", "/health/live", "GET"),
        ("POST", "/docs/assets/swagger-ui.css", "GET, HEAD"),
    ],
)
async def test_a_method_that_is_not_served(client: httpx.AsyncClient, method: str, path: str, allowed: str) -> None:
    answer = await client.request(method, path)

    told(answer, 405)
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_that_is_too_large(ada: Person, announced: bool) -> None:
    body = b'{"title": "' + b"x" * 65536 + b'"}'

    async def in_pieces() -> Any:
        for start in range(0, len(body), 1000):
            yield body[start : start + 1000]

    options: dict[str, Any] = {"content": body if announced else in_pieces()}
    answer = await ada.call("POST", ada.tasks, headers={"Content-Type": "application/json"}, **options)

    assert "64 KiB" in told(answer, 413)["detail"]
    assert await ada.list() == []


@pytest.mark.parametrize(("method", "path"), [("DELETE", ""), ("POST", "/restore")])
async def test_a_body_that_nobody_takes_may_not_be_too_large_either(ada: Person, method: str, path: str) -> None:
    task = await ada.create()

    told(await ada.call(method, f"{ada.tasks}/{task['id']}{path}", content=b"x" * 65537), 413)

    assert await ada.list() == [task]
    assert (await ada.call(method, f"{ada.tasks}/{task['id']}{path}", content=b"x" * 10)).is_success


async def test_a_body_of_just_the_limit_is_read(ada: Person) -> None:
    body = b'{"title": "x", "padding": "' + b"x" * (65536 - 29) + b'"}'
    assert len(body) == 65536

    answer = await ada.call("POST", ada.tasks, headers={"Content-Type": "application/json"}, content=body)

    assert answer.status_code == 201


@pytest.mark.parametrize("kind", [None, "", "text/plain", "application/x-www-form-urlencoded", "application", "json"])
async def test_a_body_that_is_not_said_to_be_json(ada: Person, kind: str | None) -> None:
    task = await ada.create()
    headers = {} if kind is None else {"Content-Type": kind}

    for method, path in (("POST", ""), ("PUT", f"/{task['id']}"), ("PATCH", f"/{task['id']}/complete")):
        answer = await ada.call(method, ada.tasks + path, headers=headers, content=b'{"title": "x", "completed": true}')
        assert "application/json" in told(answer, 415)["detail"]
    assert await ada.list() == [task]


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/merge-patch+json"]
)
async def test_a_body_that_is_said_to_be_json_otherwise(ada: Person, kind: str) -> None:
    answer = await ada.call("POST", ada.tasks, headers={"Content-Type": kind}, content=b'{"title": "x"}')

    assert answer.status_code == 201


async def test_a_bug_tells_a_request_id_and_nothing_else(
    ada: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("select secret from password")

    monkeypatch.setattr(actions, "read", broken)
    with caplog.at_level(logging.ERROR, "todo"):
        answer = await ada.get("01930d2c-6f6a-7d2e-9c1b-3f1f5b7a9d10")

    problem = told(answer, 500)
    assert "secret" not in answer.text
    [record] = caplog.records
    assert problem["request_id"] in record.getMessage()
    assert record.exc_info
    assert ada.token not in caplog.text


async def test_a_bug_is_told_across_origins_too(database_url: str) -> None:
    settings = settings_for(database_url, cors_origins="https://app.example.com")
    async with running(create_app(settings)) as other, http(other) as client:
        other.state.resources = None  # a bug
        answer = await client.get(
            "/api/x/tasks", headers={"Origin": "https://app.example.com", "Authorization": "Bearer x"}
        )

    told(answer, 500)
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"


async def test_a_detail_names_what_is_wrong(ada: Person) -> None:
    answer = await ada.post(title="", completed="yes")

    problem = told(answer, 422)
    assert re.match(r"title: .+; completed: .+", problem["detail"])
    assert all(set(error) == {"loc", "msg", "type"} for error in problem["errors"])


@pytest.mark.parametrize(
    "path", ["/%00", "/%ff", "/api/%F0%9F%A6%8A/tasks", "/api/a%2Fb/tasks", "/..%2f..%2fetc/passwd"]
)
async def test_odd_paths_are_told_in_order(client: httpx.AsyncClient, path: str) -> None:
    told(await client.get(path), 401 if path == "/api/%F0%9F%A6%8A/tasks" else 404)
