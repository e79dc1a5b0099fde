"""/mcp as a part of the server: who may call, from where, and what it is when it is off."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Person, http, running, settings_for
from tests.mcp.agents import Human, agent
from tests.support.processes import run_command, serving
from todo.app import create_app

pytestmark = pytest.mark.anyio

CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_tasks", "arguments": {}}}
HEADERS = {"Accept": "application/json, text/event-stream"}


async def called(client: httpx.AsyncClient, token: str, body: Any = CALL, **headers: str) -> httpx.Response:
    sent = {**HEADERS, "Authorization": f"Bearer {token}", **headers}
    return await client.post("/mcp", json=body, headers=sent)


class TestOff:
    async def test_there_is_nothing_at_mcp(self, ada: Person) -> None:
        assert (await called(ada.client, ada.token)).status_code == 404

    def test_nothing_of_the_sdk_is_imported(self) -> None:
        program = (
            "import sys, todo.cli, todo.cli.server.serve; from todo.app import create_app; "
            "from todo.settings import Settings; create_app(Settings()); "
            "print([name for name in sys.modules if name.partition('.')[0] in {'mcp', 'mcp_types', 'httpx2'}])"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("mcp", ["on"])
async def test_without_a_token_that_is_valid_it_asks_for_one(database_url: str, ada: Person, mcp: str) -> None:
    async with running(create_app(settings_for(database_url, mcp=mcp))) as app, http(app) as client:
        for response in (
            await client.post("/mcp", json=CALL, headers=HEADERS),
            await client.get("/mcp"),
            await called(client, "todo_nonsense"),
        ):
            assert response.status_code == 401
            assert response.headers["content-type"] == "application/problem+json"
            assert response.headers["www-authenticate"].startswith("Bearer ")
        assert (await called(client, ada.token)).json()["result"]["structuredContent"] == {"tasks": []}


async def test_bounds_methods_and_headers(database_url: str, ada: Person) -> None:
    async with running(create_app(settings_for(database_url, mcp="on"))) as app, http(app) as client:
        for method in ("GET", "DELETE", "PUT"):
            response = await client.request(method, "/mcp", headers={"Authorization": f"Bearer {ada.token}"})
            assert (response.status_code, response.headers["allow"]) == (405, "POST")
        large = {**CALL, "params": {"name": "list_tasks", "arguments": {"cursor": "x" * 70_000}}}
        assert (await called(client, ada.token, large)).status_code == 413
        assert (await called(client, ada.token, **{"Content-Type": "text/plain"})).status_code == 415
        response = await called(client, ada.token)
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "mcp-session-id" not in response.headers
        listen = {**CALL, "method": "subscriptions/listen", "params": {}}
        assert "error" in (await called(client, ada.token, listen)).json()


async def test_the_log_names_no_user(database_url: str, ada: Person, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with running(create_app(settings_for(database_url, mcp="on"))) as app, http(app) as client:
        await called(client, ada.token)
    told = [record for record in caplog.records if record.name.partition(".")[0] in {"todo", "mcp"}]
    assert not any(ada.id in record.getMessage() for record in told)


async def test_pages_of_other_origins_and_foreign_hosts_are_refused(database_url: str, ada: Person) -> None:
    """A page that has its own name point to this server (DNS rebinding) sends an Origin and a Host of that name."""
    how = {"public_url": "https://todo.example.com", "cors_origins": "https://app.example.com"}
    async with running(create_app(settings_for(database_url, mcp="on", **how))) as app, http(app) as client:

        async def status(host: str, origin: str | None = None) -> int:
            headers = {"Host": host} | ({"Origin": origin} if origin else {})
            return (await called(client, ada.token, **headers)).status_code

        assert await status("todo.example.com") == 200
        assert await status("127.0.0.1:8000") == 200
        assert await status("todo:8000") == 200
        assert await status("evil.example.net") == 421
        assert await status("todo.example.com", "https://app.example.com") == 200
        assert await status("todo.example.com", "https://todo.example.com") == 200
        assert await status("localhost:8000", "http://localhost:8000") == 200
        assert await status("todo.example.com", "https://evil.example.net") == 403
        assert await status("todo.example.com", "null") == 403


async def test_without_a_public_url_a_page_of_a_foreign_name_is_refused_too(database_url: str, ada: Person) -> None:
    async with running(create_app(settings_for(database_url, mcp="on"))) as app, http(app) as client:
        rebound = {"Host": "evil.example.net:8000", "Origin": "http://evil.example.net:8000"}
        assert (await called(client, ada.token, **rebound)).status_code == 403
        assert (await called(client, ada.token, Host="todo.example.com")).status_code == 200


async def test_a_user_has_a_bounded_number_of_calls_at_once(
    database_url: str, ada: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("todo.mcp.endpoint.AT_ONCE", 0)
    async with running(create_app(settings_for(database_url, mcp="on"))) as app, http(app) as client:
        response = await called(client, ada.token)
        assert response.status_code == 429
        assert response.headers["retry-after"] == "1"
        monkeypatch.setattr("todo.mcp.endpoint.AT_ONCE", 1)
        for _ in range(3):  # one after the other
            assert (await called(client, bob.token)).status_code == 200


async def test_requests_and_what_their_tools_ask_for_count_for_the_rate_limit(database_url: str, ada: Person) -> None:
    settings = settings_for(database_url, mcp="on", rate_limit="5/minute")
    async with running(create_app(settings)) as app, http(app) as client:
        answers = [(await called(client, ada.token)).json()["result"] for _ in range(3)]
        assert [each["isError"] for each in answers] == [False, False, True]
        assert "Wait" in answers[2]["content"][0]["text"]
        refused = await called(client, ada.token, {**CALL, "method": "tools/list", "params": {}})
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0


async def test_a_deadline_ends_a_call(database_url: str, ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("todo.mcp.server.DEADLINE", 0.0)
    async with running(create_app(settings_for(database_url, mcp="on"))) as app, http(app) as client:
        add = {**CALL, "params": {"name": "add_task", "arguments": {"title": "x", "key": "my-key"}}}
        text = (await called(client, ada.token, add)).json()["result"]["content"][0]["text"]
        assert text.startswith("There was no answer in time.")
        assert "my-key" in text


@pytest.mark.slow
def test_without_the_sdk_the_server_does_not_start_and_says_why(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = "import sys, importlib.util as u\nfind = u.find_spec\n"
    hidden += "u.find_spec = lambda name, *more: None if name == 'mcp' else find(name, *more)\n"
    (tmp_path / "sitecustomize.py").write_text(hidden)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = run_command("serve", database_url=database_url, mcp="on", port=0)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(
        "install todo-task-api with the extra mcp (in a checkout: pip install '.[mcp]')"
    )
    assert "MCP" in done.stderr


@pytest.mark.slow
async def test_several_workers_below_a_path(tmp_path: Path, database_url: str) -> None:
    with serving(tmp_path, database_url=database_url, mcp="on", workers=2, root_path="/todo") as server:
        ada = Human.signs_up(server, tmp_path, "ada")
        for kind in ("http", "http of 2025"):
            for number in range(8):
                async with agent(kind, ada, url=f"{ada.url}/todo") as assistant:
                    await assistant.does("add_task", title=f"{kind} {number}")
        assert len(ada.titles()) == 16


@pytest.mark.slow
async def test_the_server_stops_while_an_agent_is_connected(tmp_path: Path, database_url: str) -> None:
    with serving(tmp_path, database_url=database_url, mcp="on") as server:
        ada = Human.signs_up(server, tmp_path, "ada")
        async with agent("http", ada) as assistant:
            await assistant.does("summary")
            assert server.stop() == 0
    logged = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    assert [line for line in logged if line["level"] in {"warning", "error"}] == []
    assert ada.id not in server.log.read_text()
