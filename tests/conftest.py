"""One real PostgreSQL for the whole run, a database made by the migrations, and users who call the API.

`DATABASE_URL` names another server to test on: a login there that may create databases and roles.
"""

import os
import signal
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from psycopg import sql

from todo.accounts.actions import SIGN_UP
from todo.app import create_app
from todo.db import migrate
from todo.db.database import Database
from todo.db.embedded import server as embedded
from todo.db.pipeline import Connection
from todo.settings import Settings

pytest_plugins = ["tests.support.two_users"]  # the fixtures ada_with_data and bob_with_data

PASSWORD = "a long and quiet afternoon"

# A shell that starts the tests in the background has it ignored, and every process that they start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

GIVEN_URL = os.environ.pop("DATABASE_URL", None)
for name in Settings.model_fields:
    os.environ.pop(name.upper(), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each process its share of the slow modules, and begin with them, so that none is left alone at the end."""
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    modules: dict[Path, list[pytest.Item]] = {}
    for item in items:
        modules.setdefault(item.path, []).append(item)
    shares: list[list[pytest.Item]] = [[] for _ in range(processes)]
    slow = [module for module in modules.values() if any(item.get_closest_marker("slow") for item in module)]
    for number, module in enumerate(slow):
        shares[number % processes] += module
    fast = [item for module in modules.values() if module not in slow for item in module]
    size = -(-len(items) // processes)
    for share in shares:
        missing = max(0, size - len(share))
        share += fast[:missing]
        del fast[:missing]
    items[:] = [item for share in shares for item in share] + fast


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


def let_others_enter(folder: Path) -> None:
    """Let the embedded PostgreSQL, which root's tests start as another user, enter a temporary folder of pytest's."""
    for each in (folder, *folder.parents):
        if os.geteuid() == 0 and each.stat().st_uid == 0 and each != Path(each.anchor) and each != Path.home():
            each.chmod(each.stat().st_mode | 0o001)


@pytest.fixture
def tmp_path(tmp_path: Path) -> Path:
    let_others_enter(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL server, with a login that is no superuser."""
    if GIVEN_URL:
        yield GIVEN_URL
        return
    folder = tmp_path_factory.mktemp("postgres")
    let_others_enter(folder)
    with embedded.running(folder) as url:
        yield url


def named(url: str, database: str) -> str:
    """The URL of another database on the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


@contextmanager
def scratch_database(server_url: str) -> Iterator[str]:
    """The URL of an empty database, which is dropped at the end of the block."""
    name = f"todo_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            yield named(server_url, name)
        finally:
            _drop(connection, name)


def _drop(connection: psycopg.Connection[Any], name: str) -> None:
    """Drop a database. Wait for an autovacuum of it, which this login may not terminate."""
    for attempt in range(20):
        try:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
        except psycopg.errors.InsufficientPrivilege:
            if attempt == 19:
                raise
            time.sleep(0.5)
        else:
            return


@pytest.fixture
def empty_url(server_url: str) -> Iterator[str]:
    with scratch_database(server_url) as url:
        yield url


@pytest.fixture(scope="session")
def database_url(server_url: str) -> Iterator[str]:
    """A migrated database that the tests share; each test signs up its own users."""
    with scratch_database(server_url) as url:
        migrate.upgrade(url)
        yield url


def settings_for(url: str, **others: Any) -> Settings:
    return Settings.from_environment(**{"database_url": url, "rate_limit": "off", "manual": "off", **others})


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[FastAPI]:
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture(scope="session")
async def app(database_url: str) -> AsyncIterator[FastAPI]:
    async with running(create_app(settings_for(database_url))) as app:
        yield app


@asynccontextmanager
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://todo") as client:
        yield client


@pytest.fixture(scope="session")
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a token."""
    async with http(app) as client:
        yield client


@asynccontextmanager
async def pool_connection(database: Database) -> AsyncIterator[Connection]:
    """A connection of the pool, as a request gets it."""
    connection = await database.pool.acquire()
    try:
        yield connection
    finally:
        database.pool.release(connection)


@dataclass
class Person:
    """A user with an account, who calls the API with their own token."""

    client: httpx.AsyncClient
    id: str
    email: str
    token: str

    @property
    def home(self) -> str:
        return f"/api/{self.id}"

    @property
    def tasks(self) -> str:
        return f"{self.home}/tasks"

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **options)

    async def post(self, **fields: Any) -> httpx.Response:
        return await self.call("POST", self.tasks, json=fields)

    async def create(self, title: str = "Water the ferns", **fields: Any) -> dict[str, Any]:
        response = await self.post(title=title, **fields)
        assert response.status_code == 201, response.text
        task: dict[str, Any] = response.json()
        return task

    async def list(self, **params: Any) -> list[dict[str, Any]]:
        response = await self.call("GET", self.tasks, params=params)
        assert response.status_code == 200, response.text
        tasks: list[dict[str, Any]] = response.json()
        return tasks

    async def get(self, id: str) -> httpx.Response:
        return await self.call("GET", f"{self.tasks}/{id}")

    async def put(self, id: str, /, **fields: Any) -> httpx.Response:
        return await self.call("PUT", f"{self.tasks}/{id}", json=fields)

    async def toggle(self, id: str, **options: Any) -> httpx.Response:
        return await self.call("PATCH", f"{self.tasks}/{id}/complete", **options)

    async def delete(self, id: str, **params: Any) -> httpx.Response:
        return await self.call("DELETE", f"{self.tasks}/{id}", params=params)

    async def restore(self, id: str, **options: Any) -> httpx.Response:
        return await self.call("POST", f"{self.tasks}/{id}/restore", **options)

    async def undo(self, revision: int | str, **options: Any) -> httpx.Response:
        return await self.call("POST", f"{self.home}/changes/{revision}/undo", **options)

    async def since(self, revision: int = 0, **params: Any) -> dict[str, Any]:
        response = await self.call("GET", f"{self.home}/changes", params={"since": revision, **params})
        assert response.status_code == 200, response.text
        changes: dict[str, Any] = response.json()
        return changes

    async def history(self, id: str, **params: Any) -> Sequence[dict[str, Any]]:
        response = await self.call("GET", f"{self.tasks}/{id}/history", params=params)
        assert response.status_code == 200, response.text
        changes: Sequence[dict[str, Any]] = response.json()
        return changes


async def sign_up(client: httpx.AsyncClient, name: str) -> Person:
    email = f"{name}-{uuid.uuid4().hex[:8]}@example.com"
    response = await client.post("/api/auth/signup", json={"email": email, "password": PASSWORD})
    assert response.status_code == 201, response.text
    session = response.json()
    return Person(client, session["user"]["id"], email, session["access_token"])


_hashes: list[str] = []


async def new_person(app: FastAPI, client: httpx.AsyncClient, name: str) -> Person:
    """Somebody with an account, made as a sign-up makes it; the password is hashed once for all of a process."""
    resources = app.state.resources
    accounts, email = resources.accounts, f"{name}-{uuid.uuid4().hex[:8]}@example.com"
    if not _hashes:
        _hashes.append(await accounts.passwords.hash(PASSWORD))
    account = {"id": str(uuid.uuid4()), "email": email, "password_hash": _hashes[0]}
    await resources.database.as_accounts().run(SIGN_UP, **account, name=None)
    session = await accounts.sessions.start(account["id"], _hashes[0])
    key = await accounts.issuer.signing_key()
    token = key.issue(account["id"], session.public_id, accounts.issuer.lifetime)
    return Person(client, account["id"], email, token)


@pytest.fixture
async def ada(app: FastAPI, client: httpx.AsyncClient) -> Person:
    return await new_person(app, client, "ada")


@pytest.fixture
async def bob(app: FastAPI, client: httpx.AsyncClient) -> Person:
    return await new_person(app, client, "bob")


@pytest.fixture
def root() -> Path:
    """The checkout."""
    return Path(__file__).parent.parent
