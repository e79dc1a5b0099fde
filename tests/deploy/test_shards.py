"""Every statement names its owner, but for those of docs/reference/shards.md."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select
from sqlmodel import col

from drills import shards
from tests.conftest import let_others_enter
from todo.db import migrate
from todo.db.embedded import server
from todo.db.statement import Statement
from todo.tasks.tables import Task

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def superuser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("shards")
    let_others_enter(folder)
    with server.running(folder) as url:
        migrate.upgrade(url)
        yield server.superuser(url)


def test_every_statement_names_its_owner_but_for_known_ones(superuser: str, root: Path) -> None:
    routed = shards.found(superuser)

    assert {name for name, where in routed.items() if where == shards.EVERY} == set(shards.EXCEPTIONS)
    assert routed["todo.tasks.actions.READ"] == routed["todo.tasks.finding.page_statement"] == shards.ONE
    assert routed["todo.accounts.actions.SIGN_IN"] == shards.EVERY
    page = (root / "docs" / "reference" / "shards.md").read_text()
    assert shards.page(routed) == page, "python -m drills.shards > docs/reference/shards.md"


def test_a_statement_without_its_owner_is_found(superuser: str) -> None:
    statement = Statement.of(select(func.count()).select_from(Task).where(col(Task.completed)), read_only=True)

    with psycopg.connect(superuser) as connection:
        assert shards.routing(connection, statement) == shards.EVERY


def test_the_commands_for_citus_name_every_table(superuser: str, root: Path) -> None:
    text = (root / "docs" / "how-to" / "scaling.md").read_text()
    with psycopg.connect(superuser) as connection:
        tables = connection.execute(
            "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        )
        for (table,) in tables.fetchall():
            kind = "distributed" if table in shards.DISTRIBUTED else "reference"
            if table != "alembic_version":
                assert f"create_{kind}_table('{table}'" in text, table
