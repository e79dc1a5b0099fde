"""The issuer of a deployment: which endpoints it leaves, and that it changes only when that is accepted."""

import time
from pathlib import Path

import httpx
import jwt
import psycopg
import pytest

from tests.support.external_issuer import ISS, SECRET, Issuer
from tests.support.processes import free_port, run_command, serving
from todo.db import migrate

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def test_only_me_remains_of_the_account_endpoints(client: httpx.AsyncClient, issuer: Issuer) -> None:
    token = issuer.mint("ada", **ISS)
    headers = {"Authorization": f"Bearer {token}"}
    for method, path in (
        ("POST", "/api/auth/signup"),
        ("POST", "/api/auth/signin"),
        ("POST", "/api/auth/refresh"),
        ("POST", "/api/auth/signout"),
        ("POST", "/api/auth/password"),
        ("GET", "/api/auth/tokens"),
        ("GET", "/api/auth/sessions"),
        ("DELETE", "/api/auth/sessions/8a1b0c5f3e6d4f7a9b2c1d0e8f7a6b5c"),
        ("GET", "/.well-known/jwks.json"),
    ):
        assert (await client.request(method, path, headers=headers, json={})).status_code == 404, path
    assert (await client.get("/api/auth/me", headers=headers)).status_code == 200
    described = (await client.get("/openapi.json")).json()
    assert "There is no\nsign-up here." in described["info"]["description"]
    assert not [path for path in described["paths"] if "signup" in path]


def test_users_of_an_older_schema_belong_to_the_built_in_accounts(empty_url: str) -> None:
    migrate.upgrade(empty_url, "2026_11_22_tasks")
    with psycopg.connect(empty_url) as owner:
        owner.execute("alter table users no force row level security")
        owner.execute("insert into users (id) values ('ada')")
        owner.execute("alter table users force row level security")
    migrate.upgrade(empty_url)

    refused = run_command("serve", database_url=empty_url, jwt_secret=SECRET, port=free_port())

    assert refused.returncode == 1
    assert "--accept-issuer" in refused.stderr


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, ["JWT_ISSUER and JWT_AUDIENCE"]),
        ({"jwt_issuer": "https://issuer.example.com"}, ["JWT_AUDIENCE"]),
        ({"jwt_issuer": "https://issuer.example.com", "jwt_audience": "tasks"}, []),
        ({"jwt_authorized_parties": "https://app.example.com"}, []),
    ],
)
def test_a_start_that_accepts_the_tokens_of_every_application_warns(
    issuer: Issuer, empty_url: str, tmp_path: Path, settings: dict[str, str], named: list[str]
) -> None:
    with serving(
        tmp_path, "--migrate", database_url=empty_url, jwt_jwks_url=issuer.jwks, workers=2, **settings
    ) as server:
        log = server.log.read_text()

    warnings = [line for line in log.splitlines() if "whatever application" in line]
    assert len(warnings) == len(named)
    assert all(f"set {name} (or" in line for name, line in zip(named, warnings, strict=True))


def test_a_change_of_the_issuer_must_be_accepted(empty_url: str, tmp_path: Path) -> None:
    migrate.upgrade(empty_url)
    external = {"database_url": empty_url, "jwt_secret": SECRET, "jwt_issuer": "https://issuer.example.com"}
    with serving(tmp_path, database_url=empty_url):
        pass
    with serving(tmp_path, **external) as server:  # there were no users yet
        token = jwt.encode(
            {"sub": "ada", "exp": int(time.time()) + 60, "iss": "https://issuer.example.com"}, SECRET, "HS256"
        )
        made = server.http.post("/api/ada/tasks", json={"title": "x"}, headers={"Authorization": f"Bearer {token}"})
        assert made.status_code == 201

    refused = run_command("serve", database_url=empty_url, port=free_port())
    assert refused.returncode == 1
    [line] = refused.stderr.splitlines()
    assert "https://issuer.example.com" in line
    assert "--accept-issuer" in line

    with serving(tmp_path, "--accept-issuer", database_url=empty_url):
        pass
    with serving(tmp_path, database_url=empty_url):
        pass  # the change was accepted before
