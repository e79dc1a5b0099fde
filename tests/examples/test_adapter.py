"""examples/adapter: a front end that expects other shapes, against the adapted server as a process of its own."""

import json
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from examples.adapter.adapter import Adapter
from tests.conftest import PASSWORD
from tests.support.processes import Server, free_port
from todo.origins import Origins

pytestmark = pytest.mark.slow

ORIGIN = "https://app.example.com"


class AdaptedServer(Server):
    """The adapter, started as its README says."""

    COMMAND = (str(Path(sys.executable).parent / "uvicorn"), "--factory", "--app-dir", "examples/adapter")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    port = free_port()
    server = AdaptedServer(
        tmp_path_factory.mktemp("adapter"),
        *("adapter:create", "--port", str(port)),
        port=port,
        database_url=database_url,
        auth_aliases="on",
        cors_origins=ORIGIN,
    )
    try:
        yield server.ready()
    finally:
        server.stop()


class Browser:
    """A page of a template, signed in by its cookie."""

    def __init__(self, server: Server) -> None:
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=20)
        self.credentials = {"email": f"ada-{uuid.uuid4().hex[:8]}@example.com", "password": PASSWORD}
        self.registered = self.http.post("/auth/register", json=self.credentials | {"name": "Ada"})
        assert self.registered.status_code == 201, self.registered.text
        self.id = self.registered.json()["id"]
        self.tasks = f"/api/{self.id}/tasks"

    def create(self, **fields: Any) -> dict[str, Any]:
        response = self.http.post(self.tasks, json={"title": "Water the ferns"} | fields)
        assert response.status_code == 201, response.text
        task: dict[str, Any] = response.json()
        return task


@pytest.fixture
def ada(server: Server) -> Iterator[Browser]:
    browser = Browser(server)
    with closing(browser.http):
        yield browser


def morsels(response: httpx.Response) -> dict[str, Any]:
    return {
        name: morsel
        for line in response.headers.get_list("set-cookie")
        for name, morsel in SimpleCookie(line).items()
        if name == "token"
    }


async def adapted(pieces: Sequence[bytes | Exception], sent: list[bytes] | None = None) -> bytes:
    """What the adapter makes of a list that is answered in these pieces, the last of which may be its failure."""
    sent = [] if sent is None else sent

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 # the shape is ASGI's
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for piece in pieces:
            if isinstance(piece, Exception):
                raise piece
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message.get("body", b""))

    scope = {"type": "http", "method": "GET", "path": "/api/ada/tasks", "query_string": b"", "headers": []}
    await Adapter(answer, Origins())({**scope, "scheme": "http"}, receive, send)
    return b"".join(sent)


class TestSigningIn:
    @pytest.mark.parametrize("path", ["/auth/login", "/api/auth/signin", "/auth/refresh"])
    def test_the_answer_is_the_user_and_the_token_a_cookie(self, ada: Browser, path: str) -> None:
        response = ada.http.post(path, json=None if path.endswith("refresh") else ada.credentials)

        assert response.status_code == 200
        assert set(response.json()) == {"id", "email", "name", "created_at"}
        assert response.json() == ada.registered.json()
        cookie = morsels(response)["token"]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "lax", "/")
        assert (cookie["max-age"], cookie["secure"]) == ("900", "")
        assert ada.http.get("/auth/me").json() == response.json() | {"email_confirmed": False}

    def test_the_cookie_is_secure_over_https(self, ada: Browser) -> None:
        """uvicorn believes the address of this machine as a proxy."""
        response = ada.http.post("/auth/login", json=ada.credentials, headers={"X-Forwarded-Proto": "https"})

        assert morsels(response)["token"]["secure"] is True

    def test_a_wrong_password_sets_no_cookie(self, ada: Browser) -> None:
        response = ada.http.post("/auth/login", json=ada.credentials | {"password": "wrong"})

        assert response.status_code == 401
        assert response.json()["status"] == 401
        assert morsels(response) == {}

    @pytest.mark.parametrize(
        ("method", "path"),
        [("POST", "/auth/logout"), ("POST", "/api/auth/signout-everywhere"), ("DELETE", "/api/auth/me")],
    )
    def test_signing_out_deletes_the_cookie(self, ada: Browser, method: str, path: str) -> None:
        assert ada.http.request(method, path).is_success

        assert "token" not in ada.http.cookies
        assert ada.http.get(ada.tasks).status_code == 401

    def test_to_look_at_the_user_does_not_sign_out(self, ada: Browser) -> None:
        assert ada.http.head("/auth/me").is_success
        assert ada.http.get("/auth/me").is_success
        assert "token" in ada.http.cookies

    def test_a_client_without_cookies_gets_what_it_asks_for(self, ada: Browser) -> None:
        response = ada.http.post("/auth/login", json=ada.credentials | {"refresh": "body"})

        assert morsels(response) == {}
        session = response.json()
        headers = {"Authorization": f"Bearer {session['access_token']}"}
        ada.http.cookies.clear()
        assert ada.http.get(ada.tasks, headers=headers).status_code == 200
        assert ada.http.get(ada.tasks).status_code == 401


class TestForgery:
    @pytest.mark.parametrize(
        ("headers", "allowed"),
        [
            ({"Sec-Fetch-Site": "same-origin"}, True),
            ({"Sec-Fetch-Site": "cross-site"}, False),
            ({"Sec-Fetch-Site": "same-site"}, False),
            ({"Origin": "https://evil.example"}, False),
            ({"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"}, True),
            ({}, True),
        ],
    )
    def test_a_page_of_another_site_cannot_write_with_the_cookie(
        self, ada: Browser, headers: dict[str, str], allowed: bool
    ) -> None:
        task = ada.create()

        written = [
            ada.http.put(f"{ada.tasks}/{task['id']}", json={"title": "x"}, headers=headers),
            ada.http.patch(f"{ada.tasks}/{task['id']}/complete", headers=headers),
            ada.http.post(ada.tasks, json={"title": "x"}, headers=headers),
            ada.http.delete(f"{ada.tasks}/{task['id']}", headers=headers),
        ]

        assert [response.is_success for response in written] == [allowed] * 4
        if not allowed:
            assert {response.status_code for response in written} == {403}
            assert "CORS_ORIGINS" in written[0].json()["detail"]
            assert ada.http.get(f"{ada.tasks}/{task['id']}", headers=headers).json() == task

    def test_a_token_in_the_header_is_accepted_from_any_site(self, ada: Browser) -> None:
        headers = {"Authorization": f"Bearer {ada.http.cookies['token']}", "Sec-Fetch-Site": "cross-site"}

        assert ada.http.post(ada.tasks, json={"title": "x"}, headers=headers).status_code == 201

    def test_the_header_comes_before_the_cookie(self, ada: Browser) -> None:
        assert ada.http.get(ada.tasks, headers={"Authorization": "Bearer wrong"}).status_code == 401

    def test_the_cookie_opens_no_other_users_path(self, ada: Browser, server: Server) -> None:
        bob = Browser(server)
        with closing(bob.http):
            assert ada.http.get(bob.tasks).status_code == 403


class TestLists:
    def test_a_list_is_wrapped(self, ada: Browser) -> None:
        assert ada.http.get(ada.tasks).json() == {"tasks": []}

        tasks = [ada.create(title=f"{number}") for number in range(3)]

        assert ada.http.get(ada.tasks).json() == {"tasks": tasks[::-1]}

    def test_so_are_pages_and_the_trash(self, ada: Browser) -> None:
        tasks = [ada.create(title=f"{number}") for number in range(3)]
        ada.http.delete(f"{ada.tasks}/{tasks[0]['id']}")

        page = ada.http.get(f"{ada.tasks}?limit=1")
        following = page.links["next"]["url"]

        assert page.json() == {"tasks": [tasks[2]]}
        assert ada.http.get(following).json() == {"tasks": [tasks[1]]}
        assert [task["id"] for task in ada.http.get(f"{ada.tasks}?status=deleted").json()["tasks"]] == [tasks[0]["id"]]

    def test_a_list_that_is_streamed_is_whole_in_pieces(self, ada: Browser) -> None:
        """Texts that look like the field are no field, wherever the stream is cut."""
        odd = '"completed":true,"completed":false}], {"completed": true'
        for number in range(1050):  # more than one page of the stream
            ada.create(title=f"{number} {odd}", description=odd * (number % 40), completed=number % 2 == 1)

        with ada.http.stream("GET", ada.tasks) as response:
            assert "content-length" not in response.headers
            text = b"".join(response.iter_raw())

        tasks = json.loads(text)["tasks"]
        assert [task["title"] for task in tasks] == [f"{number} {odd}" for number in range(1050)][::-1]
        assert [task["description"] for task in tasks] == [odd * (number % 40) for number in range(1050)][::-1]
        assert [task["status"] for task in tasks] == ["completed", "todo"] * 525

    @pytest.mark.anyio
    @pytest.mark.parametrize("size", [1, 2, 7, 19])
    async def test_a_field_that_is_cut_in_two_is_translated(self, size: int) -> None:
        text = (
            b'[{"title":"\\"completed\\":true","completed":true},{"title":"x","completed":false,"tags":["completed"]}]'
        )

        assert await adapted([text[at : at + size] for at in range(0, len(text), size)]) == (
            b'{"tasks":[{"title":"\\"completed\\":true","completed":true,"status":"completed"},'
            b'{"title":"x","completed":false,"status":"todo","tags":["completed"]}]}'
        )

    @pytest.mark.anyio
    async def test_a_list_that_fails_half_way_is_never_closed(self) -> None:
        sent: list[bytes] = []

        with pytest.raises(ConnectionError):
            await adapted([b'[{"title":"x"},', ConnectionError()], sent)
        assert b"".join(sent) == b'{"tasks":[{"title":"x"},'

    def test_an_unchanged_list_is_304_and_head_has_no_body(self, ada: Browser) -> None:
        etag = ada.http.get(ada.tasks).headers["etag"]

        assert ada.http.get(ada.tasks, headers={"If-None-Match": etag}).status_code == 304
        assert ada.http.head(ada.tasks).content == b""


class TestStatus:
    def test_every_answer_with_a_task_has_its_status(self, ada: Browser) -> None:
        task = ada.create()
        url = f"{ada.tasks}/{task['id']}"
        toggled = ada.http.patch(f"{url}/complete")

        assert (task["completed"], task["status"]) == (False, "todo")
        assert (toggled.json()["completed"], toggled.json()["status"]) == (True, "completed")
        assert ada.http.get(url).json() == toggled.json()
        stale = ada.http.put(url, json={"title": "x"}, headers={"If-Match": '"0"'})
        assert (stale.status_code, stale.json()["current"]["status"]) == (412, "completed")

    def test_a_status_that_is_written_completes(self, ada: Browser) -> None:
        task = ada.create(status="completed")
        url = f"{ada.tasks}/{task['id']}"

        assert task["completed"] is True
        reopened = ada.http.put(url, json=task | {"status": "todo"})  # with the `completed` that was read
        assert (reopened.json()["completed"], reopened.json()["status"]) == (False, "todo")
        assert ada.http.put(url, json={"status": "completed"}).json()["completed"] is True
        assert ada.http.patch(f"{url}/complete", json={"status": "todo"}).json()["completed"] is False

    @pytest.mark.parametrize("status", ["in_progress", "", None, 1, ["todo"], {"todo": True}])
    def test_another_status_is_refused(self, ada: Browser, status: Any) -> None:
        response = ada.http.post(ada.tasks, json={"title": "x", "status": status})

        assert response.status_code == 422
        assert response.json()["errors"][0]["loc"] == ["body", "completed"]
        assert ada.http.get(ada.tasks).json() == {"tasks": []}

    def test_lists_are_filtered_by_it(self, ada: Browser) -> None:
        task, done = ada.create(), ada.create(status="completed")

        assert ada.http.get(f"{ada.tasks}?status=todo").json()["tasks"] == [task]
        assert ada.http.get(f"{ada.tasks}?limit=5&status=completed").json()["tasks"] == [done]

    @pytest.mark.parametrize(
        ("content", "status"),
        [
            (b"", 422),
            (b"{", 422),
            (b'["status"]', 422),
            (b"[" * 50_000, 422),
            (b'{"status": "todo", "title": "\\ud800"}', 422),
            (b'{"status": "todo", "title": ' + b"9" * 5000 + b"}", 422),
            (b" " * 65_537, 413),
            (b'{"status": "todo", "title": "' + b"x" * 70_000 + b'"}', 413),
        ],
    )
    def test_a_body_that_is_none_is_refused_as_without_the_adapter(
        self, ada: Browser, content: bytes, status: int
    ) -> None:
        response = ada.http.post(ada.tasks, content=content, headers={"Content-Type": "application/json"})

        assert response.status_code == status, response.text

    def test_a_retry_with_its_key_is_executed_once(self, ada: Browser) -> None:
        body, headers = {"title": "x", "status": "completed"}, {"Idempotency-Key": "once"}
        first = ada.http.post(ada.tasks, json=body, headers=headers)
        again = ada.http.post(ada.tasks, json=body, headers=headers)

        assert again.json() == first.json()
        assert again.headers["idempotent-replayed"] == "true"
        assert ada.http.get(ada.tasks).json() == {"tasks": [first.json()]}


def test_a_deletion_answers_with_a_message(ada: Browser) -> None:
    task = ada.create()

    response = ada.http.delete(f"{ada.tasks}/{task['id']}")

    assert (response.status_code, response.json()) == (200, {"message": "Deleted."})
    assert ada.http.get(f"{ada.tasks}/{task['id']}").status_code == 404
    assert ada.http.delete(f"{ada.tasks}/{task['id']}").status_code == 404


def test_what_has_no_other_shape_is_as_without_the_adapter(ada: Browser) -> None:
    task = ada.create()

    changes = ada.http.get(f"/api/{ada.id}/changes").json()
    assert [change["task_id"] for change in changes["changes"]] == [task["id"]]
    assert ada.http.get("/health").json() == {"status": "ok"}
    assert ada.http.get("/docs").status_code == 200
    with ada.http.stream("GET", f"/api/{ada.id}/changes/stream?since=0") as stream:
        lines = stream.iter_lines()
        assert any(line == "event: change" for line in lines)


def test_a_page_of_a_listed_origin_may_read_the_answers(ada: Browser) -> None:
    response = ada.http.get(ada.tasks, headers={"Origin": ORIGIN})

    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert response.headers["access-control-allow-credentials"] == "true"


def test_the_adapter_is_one_small_file(root: Path) -> None:
    folder = root / "examples" / "adapter"

    assert {path.name for path in folder.iterdir() if path.is_file()} == {"README.md", "adapter.py"}
    assert len((folder / "adapter.py").read_text().splitlines()) <= 180
