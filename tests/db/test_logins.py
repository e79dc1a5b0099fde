"""Two deployments in one cluster: the login of one does not work on the database of the other."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.conftest import named
from tests.support.logs import log_lines
from tests.support.processes import serving
from todo.db import migrate
from todo.db.embedded import server as embedded

pytestmark = pytest.mark.slow


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[str]:
    """The URL of a superuser in a cluster of its own."""
    with embedded.running(tmp_path) as url:
        yield url.replace("//todo@", "//postgres@").replace("/todo?", "/postgres?")


def add_deployment(cluster: str, name: str) -> str:
    """A login and a database that it owns, as docs/how-to/deployment.md says; its URL."""
    with psycopg.connect(cluster, autocommit=True) as superuser:
        superuser.execute(sql.SQL("create role {} login createrole").format(sql.Identifier(name)))
        superuser.execute(sql.SQL("create database {0} owner {0}").format(sql.Identifier(name)))
        if superuser.execute("select 1 from pg_roles where rolname = 'todo_app'").fetchone():
            superuser.execute(
                sql.SQL("grant todo_app, todo_accounts, todo_log to {} with admin option").format(sql.Identifier(name))
            )
    return named(cluster.replace("//postgres@", f"//{name}@"), name)


def remove_embedded_login(cluster: str) -> None:
    with psycopg.connect(cluster, autocommit=True) as superuser:
        superuser.execute("alter role todo nologin")


def read_accounts(url: str) -> Any:
    with psycopg.connect(url) as connection:
        connection.execute("set role todo_accounts")
        return connection.execute("select count(*) from credentials").fetchone()


def warnings(log: Path) -> list[str]:
    return [line["event"] for line in log_lines(log) if "other logins of this cluster" in line["event"]]


def test_a_login_that_comes_later_cannot_read_a_deployment_that_was_alone(cluster: str, tmp_path: Path) -> None:
    remove_embedded_login(cluster)
    first = add_deployment(cluster, "first")
    migrate.upgrade(first)
    second = add_deployment(cluster, "second")
    migrate.upgrade(second)

    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        read_accounts(named(second, "first"))

    with serving(tmp_path, database_url=first) as server:
        assert warnings(server.log) == []


def test_the_start_tells_how_to_keep_other_logins_out(cluster: str, tmp_path: Path) -> None:
    remove_embedded_login(cluster)
    first, second = (add_deployment(cluster, name) for name in ("first", "second"))
    migrate.upgrade(first)
    with psycopg.connect(cluster, autocommit=True) as superuser:
        superuser.execute("grant todo_app, todo_accounts, todo_log to second with admin option")
    migrate.upgrade(second)
    stranger = named(second, "first")
    assert read_accounts(stranger) == (0,)

    with serving(tmp_path, database_url=first, workers=2) as server:
        [warning] = warnings(server.log)
    assert "(second)" in warning
    commands = warning[warning.index("GRANT CONNECT") :].replace(" and to others that need it, then ", "; ")
    with psycopg.connect(first, autocommit=True) as owner:
        for command in commands.split("; "):
            owner.execute(command.encode())

    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        read_accounts(stranger)
    with serving(tmp_path, database_url=first) as server:
        assert warnings(server.log) == []


def test_a_migration_shuts_out_no_login_that_connects_today(cluster: str) -> None:
    remove_embedded_login(cluster)
    url = add_deployment(cluster, "first")
    with psycopg.connect(cluster, autocommit=True) as superuser:
        superuser.execute("create role monitor login")

    migrate.upgrade(url)

    with psycopg.connect(url.replace("//first@", "//monitor@")) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
