"""The example with Better Auth: the real package issues tokens that this server accepts, and its routes pass calls on.

The ts blocks of coming-from-a-template.md are compiled with it.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from tests.conftest import PASSWORD, scratch_database
from tests.docs.snippets import ROOT, snippets
from tests.support.npm import needs_npm, npm
from tests.support.processes import Server, free_port, serving
from todo.db import migrate

EXAMPLE = ROOT / "examples" / "better-auth"
SECONDS = 240


def node_version() -> tuple[int, ...]:
    node = shutil.which("node")
    if node is None:
        return (0,)
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True, timeout=20).stdout
    return tuple(map(int, said.strip().removeprefix("v").split(".")))


pytestmark = [
    needs_npm,
    pytest.mark.slow,
    pytest.mark.skipif(node_version() < (20, 9), reason="needs Node.js 20.9, as Next.js does"),
]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, installed and checked with the blocks of the page; compiled to JavaScript in `out`."""
    folder = tmp_path_factory.mktemp("better-auth") / "example"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules", ".next"))
    (folder / "snippets").mkdir()
    for each in from_the_page():
        name = each.text.splitlines()[0].removeprefix("// ")
        (folder / "snippets" / name).write_text(each.text)
    npm(folder, "ci", "--prefer-offline", "--omit=optional")
    npm(folder, "run", "types")
    options = ["--noEmit", "false", "--outDir", "out", "--rewriteRelativeImportExtensions"]
    npm(folder, "exec", "--", "tsc", *options)
    return folder


def from_the_page() -> list[Any]:
    return [each for each in snippets() if each.page.endswith("coming-from-a-template.md") and each.language == "ts"]


@pytest.fixture(scope="module")
def next_js(compiled: Path) -> Iterator[httpx.Client]:
    """The routes of the example as a process; the settings name a port of the API that is free until `api` takes it."""
    port = free_port()
    command = ["node", str(ROOT / "tests" / "examples" / "better_auth_server.mjs"), str(compiled / "out"), str(SECONDS)]
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "TODO_API_URL": f"http://127.0.0.1:{port}"}
    environment["BETTER_AUTH_SECRET"] = "a secret of the tests, of forty characters"
    log = compiled / "server.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, cwd=compiled, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            assert process.stdout
            said = process.stdout.readline().strip()
            assert said.isdecimal(), log.read_text()
            with httpx.Client(base_url=f"http://localhost:{said}", timeout=30) as client:
                client.headers["x-api-port"] = str(port)
                yield client
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def api(next_js: httpx.Client, server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """This server with Better Auth as its issuer, by the settings that the page names."""
    base = str(next_js.base_url).rstrip("/")
    settings = {"jwt_jwks_url": f"{base}/api/auth/jwks", "jwt_issuer": base, "jwt_audience": base}
    port = int(next_js.headers["x-api-port"])
    with scratch_database(server_url) as url:
        migrate.upgrade(url)
        with serving(tmp_path_factory.mktemp("api"), port=port, database_url=url, **settings) as running:
            yield running


class Visitor:
    """A browser with an account at Better Auth."""

    def __init__(self, next_js: httpx.Client, name: str) -> None:
        origin = str(next_js.base_url).rstrip("/")
        self.http = httpx.Client(base_url=origin, headers={"Origin": origin}, timeout=30)
        account = {"email": f"{name}@example.com", "password": PASSWORD, "name": name}
        answer = self.http.post("/api/auth/sign-up/email", json=account)
        assert answer.status_code == 200, answer.text
        self.id: str = answer.json()["user"]["id"]

    def token(self) -> str:
        return str(self.http.get("/api/auth/token").json()["token"])


@pytest.fixture(scope="module")
def ada(next_js: httpx.Client) -> Iterator[Visitor]:
    visitor = Visitor(next_js, "ada")
    yield visitor
    visitor.http.close()


@pytest.fixture(scope="module")
def bob(next_js: httpx.Client) -> Iterator[Visitor]:
    visitor = Visitor(next_js, "bob")
    yield visitor
    visitor.http.close()


def test_the_tokens_of_better_auth_are_accepted_for_their_user_alone(api: Server, ada: Visitor, bob: Visitor) -> None:
    token = ada.token()
    assert jwt.get_unverified_header(token)["alg"] == "EdDSA"
    headers = {"Authorization": f"Bearer {token}"}
    created = api.http.post(f"/api/{ada.id}/tasks", headers=headers, json={"title": "Water the ferns"})
    assert (created.status_code, created.json()["user_id"]) == (201, ada.id)

    assert api.http.get(f"/api/{bob.id}/tasks", headers=headers).status_code == 403
    theirs = {"Authorization": f"Bearer {bob.token()}"}
    assert created.json() not in api.http.get(f"/api/{bob.id}/tasks", headers=theirs).json()
    assert api.http.get(f"/api/{ada.id}/tasks", headers=theirs).status_code == 403
    head, payload, _ = token.split(".")
    forged = {"Authorization": f"Bearer {head}.{payload}.{bob.token().split('.')[2]}"}
    assert api.http.get(f"/api/{ada.id}/tasks", headers=forged).status_code == 401
    assert api.http.post("/api/auth/signin", json={"email": "ada@example.com", "password": PASSWORD}).status_code == 404


@pytest.mark.usefixtures("api")
def test_the_route_passes_calls_on_as_the_user_who_is_signed_in(ada: Visitor, bob: Visitor) -> None:
    created = bob.http.post("/api/todo/tasks", json={"title": "Buy milk"}, headers={"Idempotency-Key": "once"})
    again = bob.http.post("/api/todo/tasks", json={"title": "Buy milk"}, headers={"Idempotency-Key": "once"})
    task = created.json()
    assert (created.status_code, task["user_id"]) == (201, bob.id)
    assert (again.json(), again.headers["idempotent-replayed"]) == (task, "true")
    assert bob.http.get("/api/todo/tasks?search=milk").json() == [task]
    assert bob.http.get("/api/todo/tasks?search=nothing").json() == []

    url = f"/api/todo/tasks/{task['id']}"
    edited = bob.http.put(url, json={"title": "Buy oat milk"}, headers={"If-Match": f'"{task["revision"]}"'})
    assert edited.json()["title"] == "Buy oat milk"
    stale = bob.http.put(url, json={"title": "x"}, headers={"If-Match": f'"{task["revision"]}"'})
    assert (stale.status_code, stale.json()["current"]["title"]) == (412, "Buy oat milk")
    assert bob.http.patch(f"{url}/complete").json()["completed"] is True
    assert ada.http.get(url).status_code == 404
    assert bob.http.delete(url).status_code == 204


@pytest.mark.usefixtures("api")
def test_without_a_session_or_with_an_odd_path_nothing_is_passed_on(next_js: httpx.Client, ada: Visitor) -> None:
    answer = httpx.get(f"{next_js.base_url}/api/todo/tasks")
    assert (answer.status_code, answer.json()["detail"]) == (401, "Sign in first.")
    odd = ada.http.send(ada.http.build_request("GET", "/api/todo/%2e%2e/auth/me"))
    assert odd.status_code == 404
    slash = ada.http.send(ada.http.build_request("GET", "/api/todo/..%2f..%2fhealth"))
    assert slash.status_code == 404


def test_the_snippets_of_the_pages_are_those_of_the_example(compiled: Path) -> None:
    """They were compiled with the example: a mistake in them fails the fixture."""
    assert [each.text.splitlines()[0] for each in from_the_page()] == ["// auth.ts", "// auth-client.ts"]
    for each in from_the_page():
        name = each.text.splitlines()[0].removeprefix("// ").replace(".ts", ".js")
        assert (compiled / "out" / "snippets" / name).is_file()
