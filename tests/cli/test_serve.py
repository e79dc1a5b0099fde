"""`todo serve`: it starts only on a database that it can serve, and says in one line why not."""

import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psycopg
import pytest

import todo
from drills.stand import workers_of
from tests.support.processes import TODO, created, environment, free_port, listed, run_command, serving, signed_up
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


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"host": "x86_64-conda-linux-gnu"}, ["HOST", "--host"]),
        ({"host": "192.0.2.1"}, ["HOST"]),
        ({"host": "2001:db8::1"}, ["HOST"]),
        ({"host": "a..b"}, ["HOST"]),
        ({"host": "\u0301"}, ["HOST"]),
    ],
)
def test_a_host_that_cannot_be_used_is_reported_in_one_line(
    settings: dict[str, str], words: list[str], tmp_path: Path
) -> None:
    done = run_command("serve", port=0, data_dir=tmp_path / "data", **settings)

    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("todo: ")
    assert all(word in line for word in words)
    assert not (tmp_path / "data").exists()  # PostgreSQL did not start


@pytest.mark.parametrize("workers", [1, 2])
def test_a_port_in_use_is_reported_before_the_database_starts(tmp_path: Path, workers: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run_command("serve", port=port, data_dir=tmp_path / "data", workers=workers)

    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line == f"todo: PORT: {port} is in use by another program: stop it, or choose another port"
    assert not (tmp_path / "data").exists()


def test_a_port_that_needs_privileges_is_reported_in_one_line(tmp_path: Path) -> None:
    """As a user without them, also where root runs the tests."""
    imports = "import os, encodings.idna; from todo.http.listen import bind"  # before the folders are out of reach
    command = f"{imports}; os.getuid() or os.setuid(65534); bind('127.0.0.1', 1)"
    first = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    if first.exists() and int(first.read_text()) <= 1:
        pytest.skip("every port may be used here")
    done = subprocess.run([sys.executable, "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert "CannotStart: PORT: 1 may not be used by this user: choose one from 1024 on" in done.stderr


def local_addresses(port: int) -> dict[str, str]:
    return {"IPv4": f"http://127.0.0.1:{port}", "IPv6": f"http://[::1]:{port}"}


@pytest.mark.parametrize(
    ("host", "workers", "kinds"),
    [("::", 1, {"IPv4", "IPv6"}), ("::", 2, {"IPv4", "IPv6"}), ("0.0.0.0", 1, {"IPv4"}), ("[::1]", 1, {"IPv6"})],
)
def test_the_server_listens_where_host_says_and_prints_it(
    database_url: str, tmp_path: Path, host: str, workers: int, kinds: set[str]
) -> None:
    port, log = free_port(), tmp_path / "log"
    command = [TODO, "serve"]
    given = environment(database_url=database_url, host=host, port=port, workers=workers)
    with log.open("w") as output, subprocess.Popen(command, env=given, stderr=output) as process:
        try:
            answered: set[str] = set()
            deadline = time.monotonic() + 60
            while answered != kinds:
                assert time.monotonic() < deadline, log.read_text()
                for kind, address in local_addresses(port).items():
                    try:
                        httpx.get(f"{address}/health/live").raise_for_status()
                        answered.add(kind)
                    except httpx.TransportError:
                        time.sleep(0.1)
            [line] = [line for line in log.read_text().splitlines() if "the API: " in line]
            printed = re.findall(r"http://\S+?:\d+(?=[ ,])", line)
            assert printed == [address for kind, address in local_addresses(port).items() if kind in kinds]
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0


def test_entries_of_cors_origins_are_explained_and_a_root_path_is_an_option(tmp_path: Path, database_url: str) -> None:
    origins = "https://App.example.com:443,https://*.example.app"
    with serving(tmp_path, "--root-path", "/todo/", database_url=database_url, cors_origins=origins) as server:
        log = server.log.read_text()
        assert 'data-root="/todo"' in server.http.get("/").text
        assert server.http.get("/todo/health/live").status_code == 200

    assert "CORS_ORIGINS: https://app.example.com: pages of this origin alone" in log
    assert "CORS_ORIGINS: https://*.example.app: pages of every host" in log


def test_the_version_is_printed() -> None:
    done = run_command("--version")

    assert (done.returncode, done.stdout) == (0, f"todo {todo.__version__}\n")
