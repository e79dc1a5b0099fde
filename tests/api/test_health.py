"""Health: the responses to probes, and that probes do not wake a suspended database."""

import httpx
import psycopg
import pytest

from tests.conftest import http, running, settings_for, sign_up
from todo.app import create_app
from todo.db import migrate

pytestmark = pytest.mark.anyio


def last_queries(url: str) -> list[object]:
    """When each connection of the application last ran a query."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "select pid, query_start from pg_stat_activity"
            " where datname = current_database() and application_name = 'todo' order by 1"
        ).fetchall()
        return list(rows)


async def test_probes_send_no_query_to_a_healthy_database(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    async with running(create_app(settings_for(empty_url))) as app, http(app) as client:
        first = (await client.get("/health/ready")).json()
        before = last_queries(empty_url)
        for _ in range(5):
            assert (await client.get("/health/live")).status_code == 200
            assert (await client.get("/health")).json() == {"status": "ok"}
            assert (await client.get("/health/ready")).json() == first
        assert last_queries(empty_url) == before

        ada = await sign_up(client, "ada")
        await ada.list()
        assert (await client.get("/health/ready")).json()["last_contact"] > first["last_contact"]


async def test_readiness_shows_a_failure_and_the_recovery(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    async with running(create_app(settings_for(empty_url, pool_timeout=1))) as app, http(app) as client:
        ada = await sign_up(client, "ada")
        block_connections(empty_url, blocked=True)
        assert (await ada.call("GET", ada.tasks)).status_code == 503
        failed = await client.get("/health/ready")
        assert failed.status_code == 503
        assert failed.headers["content-type"] == "application/problem+json"
        assert failed.headers["retry-after"] == "1"
        assert (await client.get("/health/live")).status_code == 200

        block_connections(empty_url, blocked=False)
        assert await recovered(client)
        assert await ada.list() == []


async def recovered(client: httpx.AsyncClient) -> bool:
    return any([(await client.get("/health/ready")).status_code == 200 for _ in range(6)])


def block_connections(url: str, *, blocked: bool) -> None:
    """Refuse new connections to the database and end the open ones, or accept connections again."""
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    admin = url.replace(f"/{name}", "/postgres")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"alter database {name} allow_connections {not blocked}".encode())
        if blocked:
            connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])


async def test_readiness_shows_a_schema_that_no_longer_matches(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    async with running(create_app(settings_for(empty_url))) as app, http(app) as client:
        with psycopg.connect(empty_url) as connection:
            connection.execute("update alembic_version set version_num = '2099_01_01_future'")
        app.state.resources.database.failing = True  # as after any failure
        failed = await client.get("/health/ready")
        await sign_up(client, "ada")  # a successful query
        again = await client.get("/health/ready")
        with psycopg.connect(empty_url) as connection:
            connection.execute("update alembic_version set version_num = %s", [migrate.head()])
        assert (await client.get("/health/ready")).status_code == 200

    assert failed.status_code == again.status_code == 503
    assert "2099_01_01_future" in failed.json()["detail"]


class TestCors:
    ORIGIN = "https://app.example.com"

    async def test_cors_is_off_by_default(self, client: httpx.AsyncClient) -> None:
        response = await client.get("/health/live", headers={"Origin": self.ORIGIN})
        preflight = await client.options(
            "/api/x/tasks", headers={"Origin": self.ORIGIN, "Access-Control-Request-Method": "POST"}
        )

        assert not [name for name in response.headers if name.startswith("access-control")]
        assert preflight.status_code == 405

    async def test_listed_origins_may_call_and_read(self, database_url: str) -> None:
        async with (
            running(create_app(settings_for(database_url, cors_origins=self.ORIGIN))) as app,
            http(app) as client,
        ):
            preflight = await client.options(
                "/api/x/tasks/y",
                headers={
                    "Origin": self.ORIGIN,
                    "Access-Control-Request-Method": "PUT",
                    "Access-Control-Request-Headers": "authorization, content-type, if-match, idempotency-key",
                },
            )
            refused = await client.options(
                "/api/x/tasks", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
            )
            response = await client.get("/api/x/tasks", headers={"Origin": self.ORIGIN})
            other = await client.get("/api/x/tasks", headers={"Origin": "https://evil.example"})

        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == self.ORIGIN
        assert refused.status_code == 400
        assert refused.headers["content-type"] == "application/problem+json"
        assert response.status_code == 401  # which the page may read
        assert response.headers["access-control-allow-origin"] == self.ORIGIN
        exposed = {name.strip() for name in response.headers["access-control-expose-headers"].split(",")}
        assert exposed == {
            "ETag",
            "Location",
            "Link",
            "Retry-After",
            "RateLimit",
            "RateLimit-Policy",
            "Idempotent-Replayed",
            "X-Request-Id",
            "WWW-Authenticate",
        }
        assert "access-control-allow-origin" not in other.headers
