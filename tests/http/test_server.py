"""Server processes: acknowledged writes survive kills, and errors at the start are reported clearly."""

import multiprocessing
import os
import pwd
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from drills.stand import workers_of
from tests.support.processes import TODO, created, environment, free_port, listed, run_command, serving, signed_up
from todo.db import migrate
from todo.db.embedded import os_user
from todo.db.embedded import server as embedded

pytestmark = pytest.mark.slow


def postmaster(folder: Path) -> psutil.Process | None:
    try:
        return psutil.Process(int((folder / "postgres" / "postmaster.pid").read_text().splitlines()[0]))
    except (FileNotFoundError, psutil.NoSuchProcess):
        return None


def accepts_connections(url: str) -> bool:
    with suppress(psycopg.OperationalError):
        psycopg.connect(url).close()
        return True
    return False


def test_tasks_survive_a_restart_and_the_database_stops_with_its_last_server(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with serving(tmp_path, data_dir=folder) as server:
        tasks, token = signed_up(server)
        made = created(server, tasks, token, 3)
        assert postmaster(folder)
        assert server.stop() == 0
        assert postmaster(folder) is None

    with serving(tmp_path, data_dir=folder) as server:
        assert listed(server, tasks, token) == made  # the token is still valid, since its key is stored in the database
        log = server.log.read_text()
    assert "it is embedded" in log
    assert str(folder) in log


def test_tasks_survive_kill_9_of_server_and_database(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with serving(tmp_path, data_dir=folder, workers=2) as server:
        tasks, token = signed_up(server)
        made = created(server, tasks, token, 20)
        database = postmaster(folder)
        assert database
        server.stop(signal.SIGKILL)
        database.kill()

    with serving(tmp_path, data_dir=folder) as server:
        assert listed(server, tasks, token) == made


def test_a_pid_file_with_the_pid_of_another_process_does_not_prevent_the_start(tmp_path: Path) -> None:
    """A container that is restarted assigns the same process ids again."""
    folder = tmp_path / "data"
    with embedded.running(folder) as url, psycopg.connect(url) as connection:
        connection.execute("create table kept (x int)")
        connection.commit()
        pid = (folder / "postgres" / "postmaster.pid").read_text()
    (folder / "postgres" / "postmaster.pid").write_text("\n".join([str(os.getpid()), *pid.splitlines()[1:]]) + "\n")

    with embedded.running(folder) as url, psycopg.connect(url) as connection:
        assert connection.execute("select count(*) from kept").fetchone() == (0,)


def test_a_process_that_starts_while_the_database_stops_waits_and_starts_it_again(tmp_path: Path) -> None:
    with embedded.running(tmp_path) as url:
        stopping = postmaster(tmp_path)
        assert stopping
        last = psycopg.connect(url)
        stopping.send_signal(signal.SIGTERM)  # a smart shutdown: it accepts no connection, and ends with the last one
        while accepts_connections(url):
            time.sleep(0.05)
        end = threading.Timer(1.5, last.close)
        end.start()

        with embedded.running(tmp_path) as again, psycopg.connect(again) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
            assert postmaster(tmp_path) != stopping
        end.join()


def test_several_servers_and_the_command_line_share_one_database(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with serving(tmp_path, data_dir=folder, workers=2) as first:
        tasks, token = signed_up(first)
        made = created(first, tasks, token, 2)
        with serving(tmp_path, data_dir=folder) as second:
            assert listed(second, tasks, token) == made
        done = subprocess.run([TODO, "db", "check"], env=environment(data_dir=folder), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        assert listed(first, tasks, token) == made  # the database still runs after the others ended
    assert postmaster(folder) is None


def test_ten_concurrent_first_starts_make_one_database(tmp_path: Path) -> None:
    command = [TODO, "db", "upgrade"]
    starts = [
        subprocess.Popen(command, env=environment(data_dir=tmp_path / "data"), stderr=subprocess.PIPE)
        for _ in range(10)
    ]
    errors = [start.communicate(timeout=100)[1].decode() for start in starts]
    assert [start.returncode for start in starts] == [0] * 10, errors
    with embedded.running(tmp_path / "data") as url, psycopg.connect(url) as connection:
        assert connection.execute("select version_num from alembic_version").fetchall() == [(migrate.head(),)]


def send_user_id(name: str, all_ready: Any, user_ids: Any) -> None:
    all_ready.wait(60)
    user_ids.put(os_user.system_user(name).pw_uid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes users")
def test_three_concurrent_processes_make_one_os_user() -> None:
    name = f"todo-test-{os.getpid()}"
    spawn = multiprocessing.get_context("spawn")
    all_ready, user_ids = spawn.Barrier(3), spawn.Queue()
    processes = [spawn.Process(target=send_user_id, args=(name, all_ready, user_ids)) for _ in range(3)]
    try:
        for process in processes:
            process.start()
        found = {user_ids.get(timeout=60) for _ in processes}
        for process in processes:
            process.join(60)
        assert found == {pwd.getpwnam(name).pw_uid}
    finally:
        subprocess.run(["userdel", name], check=True)


@pytest.mark.parametrize("name", ["x" * 120, "a,b", "o'b", 'a"b', "a$HOME", "$(exit 1)", "a b", "ü🦊"])
def test_a_data_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    with embedded.running(folder) as url, psycopg.connect(url) as connection:
        assert connection.execute("select current_user").fetchone() == ("todo",)


def test_the_login_is_no_superuser_and_the_folder_is_private(tmp_path: Path) -> None:
    with embedded.running(tmp_path) as url, psycopg.connect(url) as connection:
        row = connection.execute(
            "select rolsuper, rolbypassrls, current_setting('listen_addresses') from pg_roles where rolname = user"
        ).fetchone()
        assert row == (False, False, "")
        assert (tmp_path / "postgres").stat().st_mode & 0o077 == 0


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


def test_malformed_http_gets_a_problem_document(tmp_path: Path, database_url: str) -> None:
    with (
        serving(tmp_path, database_url=database_url) as server,
        socket.create_connection(("127.0.0.1", server.port), 10) as client,
    ):
        client.sendall(b"\x16\x03\x01 garbage\r\n\r\n")
        response = b""
        while piece := client.recv(4096):
            response += piece
    head, _, body = response.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert b"application/problem+json" in head
    assert b'"status":400' in body


def test_a_client_that_stops_reading_holds_no_database_connection(tmp_path: Path, database_url: str) -> None:
    """Three clients do not read their whole lists, over a pool of one connection: other requests are served."""
    with serving(tmp_path, database_url=database_url, pool_size=1) as server:
        tasks, token = signed_up(server, f"slow-{server.port}@example.com")
        with psycopg.connect(database_url) as connection:
            connection.execute("alter table tasks no force row level security")
            connection.execute(
                "insert into tasks (user_id, id, title, description)"
                " select %s, gen_random_uuid(), 'x', repeat('long ', 1000) from generate_series(1, 4000)",
                [tasks.split("/")[2]],
            )
            connection.execute("alter table tasks force row level security")
        request = f"GET {tasks} HTTP/1.1\r\nHost: x\r\nAuthorization: {token['Authorization']}\r\n\r\n".encode()
        readers = [socket.create_connection(("127.0.0.1", server.port), 10) for _ in range(3)]
        for reader in readers:
            reader.sendall(request)
            assert reader.recv(1000).startswith(b"HTTP/1.1 200")
        assert len(server.http.get(f"{tasks}?limit=3", headers=token).json()) == 3
        for reader in readers:
            reader.close()
        assert server.http.get("/health/live").status_code == 200


def test_a_list_that_breaks_off_is_an_error_for_the_client(tmp_path: Path, empty_url: str) -> None:
    """The database fails in the middle of a whole list: the client gets an incomplete response, not a short list."""
    migrate.upgrade(empty_url)
    with serving(tmp_path, database_url=empty_url, pool_timeout=1) as server:
        tasks, token = signed_up(server)
        with psycopg.connect(empty_url) as connection:
            connection.execute("alter table tasks no force row level security")
            connection.execute(
                "insert into tasks (user_id, id, title, description)"
                " select %s, gen_random_uuid(), 'x', repeat('long ', 1000) from generate_series(1, 8000)",
                [tasks.split("/")[2]],
            )
            connection.execute("alter table tasks force row level security")

        def read_it_all() -> None:
            with server.http.stream("GET", tasks, headers=token) as response:
                pieces = response.iter_bytes()
                assert next(pieces).startswith(b"[")
                with psycopg.connect(empty_url, autocommit=True) as connection:
                    connection.execute("alter table tasks rename to hidden")
                for _ in pieces:
                    pass

        with pytest.raises(httpx.RemoteProtocolError):
            read_it_all()


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


def test_postgresql_is_restarted_also_after_a_lack_of_file_descriptors(tmp_path: Path) -> None:
    with serving(tmp_path, data_dir=tmp_path / "data") as server:
        pid = server.process.pid
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (1, limits[1]))
        time.sleep(2 * embedded.CHECK_INTERVAL)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        database = postmaster(tmp_path / "data")
        assert database
        database.kill()
        tasks, token = "", dict[str, str]()
        deadline = time.monotonic() + 30
        while not tasks and time.monotonic() < deadline:
            with suppress(AssertionError):  # 503
                tasks, token = signed_up(server)
        assert server.http.get(tasks, headers=token).status_code == 200


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
