"""A request's target: how it is matched, logged, and answered where nothing is there."""

import html
import json
import logging
import re
import urllib.parse

import httpx
import pytest
from starlette.types import Message, Scope

from tests.conftest import Person, http, running, settings_for
from todo.app import create_app
from todo.logs import formatter
from todo.tasks import actions

pytestmark = pytest.mark.anyio


class TestMatching:
    @pytest.mark.parametrize(
        "ending", ["/tasks%0A", "/tasks%0a/", "%2Ftasks", "%2ftasks", "/tasks%00", "/tasks%7F", "/tasks%2F"]
    )
    async def test_an_encoded_separator_changes_no_route(self, ada: Person, ending: str) -> None:
        response = await ada.call("GET", ada.home + ending)

        assert response.status_code == 404
        assert response.json()["instance"] == urllib.parse.quote(urllib.parse.unquote(ada.home + ending))

    @pytest.mark.parametrize("path", ["/health/live%0A", "/docs%0A", "/openapi.json%0A", "/health%2Flive"])
    async def test_nor_on_public_paths(self, client: httpx.AsyncClient, path: str) -> None:
        assert (await client.get(path)).status_code == 404

    async def test_other_characters_may_be_encoded(self, ada: Person) -> None:
        encoded = "".join(f"%{ord(char):02X}" for char in ada.id)

        assert (await ada.call("GET", f"/api/{encoded}/%74asks")).status_code == 200


class TestLogs:
    async def test_a_target_can_forge_no_line(
        self, ada: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def broken(*_: object, **__: object) -> None:
            raise RuntimeError("a message\n2026-01-01 ERROR todo: forged\x1b[31m")

        monkeypatch.setattr(actions, "read", broken)
        with caplog.at_level(logging.ERROR, "todo"):
            response = await ada.get("x%C2%85%E2%80%A8y")

        assert response.status_code == 500
        [record] = caplog.records
        assert record.getMessage().endswith("failed: GET /api/{user_id}/tasks/{id}")

    def test_the_formatter_escapes_whatever_a_message_holds(self) -> None:
        error = RuntimeError("first\nERROR: forged\x1b[31m\rx\u2028y")
        info = (type(error), error, error.__traceback__)
        record = logging.LogRecord("todo", logging.ERROR, "", 0, "failed: %s", ("a\nb\x1b[0m é 🦊",), info)

        first, *others = formatter(text=True).format(record).split("\n")

        assert "[error    ] failed: a\\nb\\x1b[0m é 🦊" in first
        assert others
        assert all(line.startswith("  ") for line in others)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]", "\n".join([first, *others]))
        [line] = formatter(text=False).format(record).splitlines()
        assert json.loads(line)["event"] == "failed: a\nb\x1b[0m é 🦊"
        assert json.loads(line)["exception"].endswith("RuntimeError: first\nERROR: forged\x1b[31m\rx\u2028y")


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


class TestUnknownPaths:
    async def test_a_browser_gets_a_page(self, client: httpx.AsyncClient) -> None:
        path = "/a%3Cscript%3Ealert(1)%3C%2Fscript%3E?x=<script>"
        for target in (path.replace("%2F", ""), path):
            response = await client.get(target, headers={"Accept": BROWSER})

            assert response.status_code == 404
            assert response.headers["content-type"] == "text/html; charset=utf-8"
            assert response.headers.get_list("content-security-policy") == [
                "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            ]
            assert response.headers["cache-control"] == "no-store"
            assert response.headers["vary"] == "Accept"
            assert "<script" not in response.text
            assert html.escape("/a<script>alert(1)") in response.text
            assert re.findall('href="([^"]*)"', response.text) == ["/docs", "/health/live"]

    @pytest.mark.parametrize(
        "accept",
        [
            "*/*",
            "application/json",
            "application/json, text/html;q=0.9",
            "text/html;q=0",
            "text/*",
            "",
            "text/html;q=x",
        ],
    )
    async def test_other_clients_get_a_problem(self, client: httpx.AsyncClient, accept: str) -> None:
        response = await client.get("/nothing", headers={"Accept": accept})

        assert (response.status_code, response.json()["status"]) == (404, 404)

    @pytest.mark.parametrize("path", ["/api", "/api/x", "/api/x/tasks/y/z", "/api/x%2Fy"])
    async def test_the_api_answers_a_browser_with_a_problem_too(self, client: httpx.AsyncClient, path: str) -> None:
        response = await client.get(path, headers={"Accept": BROWSER})

        assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")


class TestRootPath:
    """What a proxy does with the prefix under which it publishes the server makes no difference."""

    @pytest.mark.parametrize("sent", ["", "/todo"])
    @pytest.mark.parametrize("scope_root", ["", "/todo"])
    async def test_every_address_has_the_prefix(
        self, database_url: str, ada: Person, sent: str, scope_root: str
    ) -> None:
        settings = settings_for(database_url, root_path="/todo")
        async with running(create_app(settings)) as app, http(app) as client:
            inner = client._transport
            assert isinstance(inner, httpx.ASGITransport)
            inner.root_path = scope_root
            auth = {"Authorization": f"Bearer {ada.token}"}
            made = await client.post(f"{sent}{ada.tasks}/", headers=auth, json={"title": "x"})
            await client.post(f"{sent}{ada.tasks}", headers=auth, json={"title": "y"})
            page = await client.get(f"{sent}{ada.tasks}?limit=1", headers=auth)
            read = await client.get(made.headers["location"], headers=auth)
            docs = await client.get(f"{sent}/docs")
            described = (await client.get(f"{sent}/openapi.json")).json()
            home = await client.get(sent or "/")
            unknown = await client.get(f"{sent}/nothing", headers={"Accept": BROWSER})
            refused = await client.patch(f"{sent}/health/live")
            account = {
                "email": f"root-{len(sent)}{len(scope_root)}@example.com",
                "password": "a long and quiet afternoon",
            }
            session = await client.post(f"{sent}/api/auth/signup", json=account)
            style = await client.get(f"{sent}/docs/assets/swagger-ui.css")

        assert made.headers["location"] == f"/todo{ada.tasks}/{made.json()['id']}"
        assert page.headers["link"].startswith(f"</todo{ada.tasks}?")
        assert (read.status_code, read.json()) == (200, made.json())
        assert "/todo/openapi.json" in docs.text
        assert "/todo/docs/assets/swagger-ui.css" in docs.text
        assert [server["url"] for server in described["servers"]] == ["/todo"]
        assert 'href="/todo/manifest.webmanifest"' in home.text
        assert 'href="/todo/docs"' in unknown.text
        assert refused.json()["instance"] == "/todo/health/live"
        assert "Path=/todo/api/auth;" in session.headers["set-cookie"]
        assert style.status_code == 200

    async def test_a_longer_name_is_not_the_prefix(self, database_url: str) -> None:
        async with running(create_app(settings_for(database_url, root_path="/todo"))) as app, http(app) as client:
            assert (await client.get("/todolist/health/live")).status_code == 404


async def test_a_server_that_gives_no_raw_path_is_served(client: httpx.AsyncClient) -> None:
    """ASGI makes it optional."""
    transport = client._transport
    assert isinstance(transport, httpx.ASGITransport)
    sent: list[Message] = []
    scope: Scope = {
        "type": "http", "method": "GET", "path": "/health/live", "query_string": b"", "headers": [], "scheme": "http",
        "raw_path": None,
    }  # fmt: skip

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await transport.app(scope, receive, send)
    assert sent[0]["status"] == 200
