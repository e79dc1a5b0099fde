"""Every error is a problem document with a detail that a person can act on, and shows nothing else."""

import logging
import re
from typing import Any

import httpx
import pytest
from starlette.routing import Route

from tests.conftest import Person, http, running, settings_for
from todo.app import create_app
from todo.tasks import actions

pytestmark = pytest.mark.anyio


def problem_of(response: httpx.Response, status: int) -> dict[str, Any]:
    """The problem document of `response`, after checking its form."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    problem: dict[str, Any] = response.json()
    assert {"type", "title", "status", "detail", "instance"} <= set(problem)
    assert problem["status"] == status
    assert isinstance(problem["detail"], str)
    assert len(problem["detail"]) > 10
    return problem


@pytest.mark.parametrize(
    "path", ["/nothing", "/api", "/api/x", "/api/x/tasks/y/z", "/api//tasks", "/docs/assets/no.js"]
)
async def test_an_unknown_path_is_404(client: httpx.AsyncClient, path: str) -> None:
    assert problem_of(await client.get(path), 404)["instance"] == path


@pytest.mark.parametrize("target", ["/{}", "/api/x/tasks/{}", "/health/live?{}", "/docs?a={}", "/docs/assets/{}"])
async def test_a_path_and_query_above_8_kib_are_414(client: httpx.AsyncClient, target: str) -> None:
    longest = 8192 - len(target.format(""))
    for method in ("GET", "POST", "OPTIONS"):
        response = await client.request(method, target.format("x" * (longest + 2)))
        assert problem_of(response, 414)["instance"] == ""
    assert (await client.get(target.format("x" * (longest - 1)))).status_code != 414


async def test_a_path_that_is_too_long_is_not_matched_with_any_route(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    matched: list[str] = []
    matches = Route.matches

    def recorded(route: Route, scope: Any) -> Any:
        matched.append(scope["path"])
        return matches(route, scope)

    monkeypatch.setattr(Route, "matches", recorded)

    problem_of(await client.post("/health/live"), 405)
    assert matched
    matched.clear()
    problem_of(await client.options("/api/" + "%" * 60_000 + "/tasks"), 414)
    assert matched == []


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/x/tasks", "GET, HEAD, POST"),
        ("POST", "/api/x/tasks/y", "DELETE, GET, HEAD, PATCH, PUT"),
        ("GET", "/api/x/tasks/y/complete", "PATCH"),
        ("GET", "/api/auth/signin", "POST"),
        ("POST", "/health/live", "GET, HEAD"),
        ("POST", "/docs/assets/swagger-ui.css", "GET, HEAD"),
    ],
)
async def test_a_method_that_is_not_supported_is_405(
    client: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    response = await client.request(method, path)

    problem_of(response, 405)
    assert response.headers["allow"] == allowed


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_that_is_too_large_is_413(ada: Person, announced: bool) -> None:
    body = b'{"title": "' + b"x" * 65536 + b'"}'

    async def in_pieces() -> Any:
        for start in range(0, len(body), 1000):
            yield body[start : start + 1000]

    options: dict[str, Any] = {"content": body if announced else in_pieces()}
    response = await ada.call("POST", ada.tasks, headers={"Content-Type": "application/json"}, **options)

    assert "64 KiB" in problem_of(response, 413)["detail"]
    assert await ada.list() == []


@pytest.mark.parametrize(("method", "path"), [("DELETE", ""), ("POST", "/restore")])
async def test_the_limit_also_holds_for_a_body_that_is_ignored(ada: Person, method: str, path: str) -> None:
    task = await ada.create()

    problem_of(await ada.call(method, f"{ada.tasks}/{task['id']}{path}", content=b"x" * 65537), 413)

    assert await ada.list() == [task]
    assert (await ada.call(method, f"{ada.tasks}/{task['id']}{path}", content=b"x" * 10)).is_success


async def test_a_body_of_exactly_the_limit_is_accepted(ada: Person) -> None:
    body = b'{"title": "x", "padding": "' + b"x" * (65536 - 29) + b'"}'
    assert len(body) == 65536

    response = await ada.call("POST", ada.tasks, headers={"Content-Type": "application/json"}, content=body)

    assert response.status_code == 201


@pytest.mark.parametrize("kind", [None, "", "text/plain", "application/x-www-form-urlencoded", "application", "json"])
async def test_a_body_without_a_json_content_type_is_415(ada: Person, kind: str | None) -> None:
    task = await ada.create()
    headers = {} if kind is None else {"Content-Type": kind}

    for method, path in (("POST", ""), ("PUT", f"/{task['id']}"), ("PATCH", f"/{task['id']}/complete")):
        response = await ada.call(
            method, ada.tasks + path, headers=headers, content=b'{"title": "x", "completed": true}'
        )
        assert "application/json" in problem_of(response, 415)["detail"]
    assert await ada.list() == [task]


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/merge-patch+json"]
)
async def test_other_json_content_types_are_accepted(ada: Person, kind: str) -> None:
    response = await ada.call("POST", ada.tasks, headers={"Content-Type": kind}, content=b'{"title": "x"}')

    assert response.status_code == 201


async def test_a_bug_shows_a_request_id_and_nothing_else(
    ada: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("select secret from password")

    monkeypatch.setattr(actions, "read", broken)
    with caplog.at_level(logging.ERROR, "todo"):
        response = await ada.get("01930d2c-6f6a-7d2e-9c1b-3f1f5b7a9d10")

    problem = problem_of(response, 500)
    assert "secret" not in response.text
    [record] = caplog.records
    assert problem["request_id"] in record.getMessage()
    assert record.exc_info
    assert ada.token not in caplog.text


async def test_a_page_of_another_origin_can_read_a_500(database_url: str) -> None:
    settings = settings_for(database_url, cors_origins="https://app.example.com")
    async with running(create_app(settings)) as other, http(other) as client:
        other.state.resources = None  # a bug
        response = await client.get(
            "/api/x/tasks", headers={"Origin": "https://app.example.com", "Authorization": "Bearer x"}
        )

    problem_of(response, 500)
    assert response.headers["access-control-allow-origin"] == "https://app.example.com"


async def test_a_detail_names_the_invalid_fields(ada: Person) -> None:
    response = await ada.post(title="", completed="yes")

    problem = problem_of(response, 422)
    assert re.match(r"title: .+; completed: .+", problem["detail"])
    assert all(set(error) == {"loc", "msg", "type"} for error in problem["errors"])


@pytest.mark.parametrize(
    "path", ["/%00", "/%ff", "/api/%F0%9F%A6%8A/tasks", "/api/a%2Fb/tasks", "/..%2f..%2fetc/passwd"]
)
async def test_unusual_paths_get_a_problem_document(client: httpx.AsyncClient, path: str) -> None:
    problem_of(await client.get(path), 401 if path == "/api/%F0%9F%A6%8A/tasks" else 404)
