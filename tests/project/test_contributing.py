"""CONTRIBUTING is true: its new field and its new endpoint work, in a copy of the application."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import APIRouter, HTTPException
from sqlmodel import select

from tests.conftest import Person, http, running, settings_for, sign_up
from todo.api.session import SessionDep
from todo.app import create_app
from todo.db import migrate
from todo.tasks.shapes import TaskOut
from todo.tasks.tables import Task

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

MIGRATION = """
import sqlalchemy as sa
from alembic import op

from todo.migrations.log import as_log_role, log_function

revision = "{revision}"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
{body}
"""

USE = """
import asyncio, os, uuid
import httpx
from todo.app import create_app
from todo.db import migrate
from todo.settings import Settings

url = os.environ["DATABASE_URL"]
migrate.upgrade(url)
migrate.check(url)


async def main():
    app = create_app(Settings.from_environment(rate_limit="off"))
    schemas = app.openapi()["components"]["schemas"]
    for shape in ("NewTask", "TaskEdit", "TaskOut", "TrashedTaskOut"):
        assert "color" in schemas[shape]["properties"], shape
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://todo") as http:
        account = {"email": f"{uuid.uuid4().hex}@example.com", "password": "a long and quiet afternoon"}
        session = (await http.post("/api/auth/signup", json=account)).json()
        home = f"/api/{session['user']['id']}"
        http.headers["Authorization"] = f"Bearer {session['access_token']}"
        new = {"id": str(uuid.uuid4()), "title": "ferns", "color": " green "}
        task = (await http.post(f"{home}/tasks", json=new)).json()
        assert task["color"] == "green", task
        assert (await http.post(f"{home}/tasks", json=new)).status_code == 200
        assert (await http.post(f"{home}/tasks", json=new | {"color": "blue"})).status_code == 409
        path = f"{home}/tasks/{task['id']}"
        assert (await http.put(path, json={"title": "kept"})).json()["color"] == "green"
        assert (await http.put(path, json={"color": None})).json()["color"] is None
        assert (await http.put(path, json={"color": "x" * 21})).status_code == 422
        changes = (await http.get(f"{home}/changes")).json()["changes"]
        assert [change["task"]["color"] for change in changes] == ["green", "green", None]
        undone = (await http.post(f"{home}/changes/3/undo")).json()
        assert undone["task"]["color"] == "green", undone
        assert (await http.get(f"{home}/tasks")).json()[0]["color"] == "green"
        assert (await http.post(f"{home}/tasks", json={"title": "plain"})).json()["color"] is None


asyncio.run(main())
"""


def block(root: Path, beginning: str) -> str:
    """The block of code in CONTRIBUTING that begins like this."""
    blocks = re.findall(r"```python\n(.*?)```", (root / "CONTRIBUTING.md").read_text(), re.DOTALL)
    [found] = [each for each in blocks if each.startswith(beginning)]
    return str(found)


def test_a_new_field_is_one_line_and_a_migration(root: Path, tmp_path: Path, empty_url: str) -> None:
    shutil.copytree(root / "todo", tmp_path / "todo", ignore=shutil.ignore_patterns("__pycache__"))
    fields = tmp_path / "todo" / "tasks" / "fields.py"
    declared = fields.read_text()
    end = declared.index("\n\nWRITABLE = ")
    fields.write_text(declared[:end].rstrip() + "\n" + block(root, "    color:") + declared[end:])
    migration = MIGRATION.format(
        revision="2027_01_01_color", head=migrate.head(), body=block(root, "    op.add_column")
    )
    (tmp_path / "todo" / "migrations" / "versions" / "2027-01-01_color.py").write_text(migration)

    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "DATABASE_URL": empty_url}
    done = subprocess.run(
        [sys.executable, "-c", USE], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


async def test_a_new_endpoint_is_ordinary_fastapi(root: Path, database_url: str) -> None:
    names: dict[str, Any] = {
        "APIRouter": APIRouter,
        "HTTPException": HTTPException,
        "SessionDep": SessionDep,
        "TaskOut": TaskOut,
        "Task": Task,
        "select": select,
        "UUID": UUID,
        "Any": Any,
    }
    exec(block(root, "router = APIRouter"), names)
    app = create_app(settings_for(database_url))
    app.include_router(names["router"])
    async with running(app), http(app) as client:
        ada, bob = await sign_up(client, "ada"), await sign_up(client, "bob")
        done = await ada.create("done", completed=True)
        await ada.create("open")
        theirs = await bob.create("his", completed=True)

        assert [note["id"] for note in (await notes(ada)).json()] == [done["id"]]
        assert (await notes(ada, f"/{done['id']}")).json() == done
        for missing in (theirs["id"], uuid4()):
            answer = await notes(ada, f"/{missing}")
            assert (answer.status_code, answer.json()["detail"]) == (404, "There is no such note.")
        assert (await bob.call("GET", f"{ada.home}/notes")).status_code == 403


async def notes(person: Person, path: str = "") -> Any:
    return await person.call("GET", f"{person.home}/notes{path}")
