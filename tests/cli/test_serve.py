"""`todo serve`: it starts only on a database that it can serve, and says in one line why not."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from drills.stand import workers_of
from tests.support.processes import created, environment, free_port, listed, run_command, serving, signed_up
from todo.db import migrate

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://ada:hunter2@127.0.0.1:1/todo", "127.0.0.1"),
        ("postgresql://ada:hunter2@no-such-host.invalid/todo", "no-such-host"),
        ("mysql://ada:hunter2@db/todo", "DATABASE_URL"),
        ("postgresql://ada:hun@ter2@db/todo", "%40"),
    ],
)
@pytest.mark.parametrize("command", ["serve", "db upgrade"])
def test_an_unusable_database_is_reported_in_one_line(url: str, message: str, command: str) -> None:
    done = run_command(*command.split(), database_url=url, connect_timeout=5)

    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("todo: ")
    assert message in line
    assert "hunter2" not in line
    assert "ter2" not in line


def test_a_given_database_is_served_only_with_a_known_schema(empty_url: str, tmp_path: Path) -> None:
    refused = run_command("serve", database_url=empty_url, port=free_port())
    assert refused.returncode == 1
    assert [*refused.stderr.splitlines()] == [
        "todo: the database has no tables yet: run `todo db upgrade`, or `todo serve --migrate`"
    ]

    assert run_command("db", "upgrade", database_url=empty_url).returncode == 0
    with serving(tmp_path, database_url=empty_url) as server:
        tasks, token = signed_up(server)
        made = created(server, tasks, token, 2)
    with serving(tmp_path, "--migrate", database_url=empty_url) as server:
        assert listed(server, tasks, token) == made


def test_migrations_use_the_direct_url(empty_url: str) -> None:
    unreachable = "postgresql://todo@127.0.0.1:1/todo"

    assert run_command("db", "upgrade", database_url=unreachable, direct_database_url=empty_url).returncode == 0
    assert run_command("db", "upgrade", database_url=empty_url, direct_database_url=unreachable).returncode == 1


def test_an_unusable_data_folder_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    done = run_command("serve", data_dir=tmp_path / "file" / "data")

    assert done.returncode == 1
    assert "DATA_DIR" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_worker_that_starts_without_the_database_waits_for_it(tmp_path: Path, empty_url: str) -> None:
    """It replaces a killed worker, and must not end the other ones."""
    migrate.upgrade(empty_url)
    name = empty_url.partition("?")[0].rpartition("/")[2]

    def allow_connections(allowed: str) -> None:
        with psycopg.connect(empty_url.replace(f"/{name}", "/todo"), autocommit=True) as owner:
            owner.execute(f'alter database "{name}" allow_connections {allowed}'.encode())
            owner.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])

    with serving(tmp_path, database_url=empty_url, workers=2, pool_timeout=1) as server:
        allow_connections("false")
        [first, _] = workers_of(server.process.pid)
        first.kill()
        deadline = time.monotonic() + 30
        while "waiting for the database" not in server.log.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert server.process.poll() is None
        allow_connections("true")
        server.ready()
        assert signed_up(server)
        deadline = time.monotonic() + 30
        while len(workers_of(server.process.pid)) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_server_that_waits_for_the_database_can_be_stopped(how: signal.Signals) -> None:
    command = [sys.executable, "-m", "uvicorn", "--factory", "todo.app:from_environment", "--port", str(free_port())]
    unreachable = f"postgresql://todo@127.0.0.1:{free_port()}/todo"
    with subprocess.Popen(
        command, env=environment(database_url=unreachable, pool_timeout=1), stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        while "waiting for the database" not in (line := process.stderr.readline()):
            assert line, "it ended instead of waiting"
        process.send_signal(how)
        try:
            process.communicate(timeout=10)
        finally:
            process.kill()
    assert process.returncode not in {0, -signal.SIGKILL}
