"""Starts and commands that are refused in one line."""

import uuid
from collections.abc import Iterator

import psycopg
import pytest

from tests.conftest import named
from tests.support.processes import free_port, run_command

pytestmark = pytest.mark.slow


@pytest.fixture
def latin1_url(server_url: str) -> Iterator[str]:
    name = f"todo_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        locale = "locale 'C' encoding 'LATIN1' template template0"
        connection.execute(f"create database {name} locale_provider libc {locale}".encode())
        try:
            yield named(server_url, name)
        finally:
            connection.execute(f"drop database {name} with (force)".encode())


@pytest.mark.parametrize("command", ["serve", "serve --migrate", "db upgrade"])
def test_a_database_that_cannot_store_every_text_is_refused(latin1_url: str, command: str) -> None:
    done = run_command(*command.split(), database_url=latin1_url, port=free_port())

    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert "the encoding LATIN1" in line
    assert "UTF8" in line
    with psycopg.connect(latin1_url) as connection:
        assert connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone() == (0,)


@pytest.mark.parametrize("command", ["openapi", "serve", "sweep", "db check", "user list", "keys rotate", "backup x"])
def test_a_malformed_setting_is_one_line_of_every_command(command: str) -> None:
    done = run_command(*command.split(), max_streams_per_user="many")

    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("todo: MAX_STREAMS_PER_USER: ")
