"""The embedded PostgreSQL: it starts, is shared, restarted and stopped, and acknowledged writes survive kills."""

import multiprocessing
import os
import pwd
import resource
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from tests.support.processes import TODO, created, environment, listed, serving, signed_up
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


def test_ambient_settings_of_libpq_and_postgresql_are_ignored(tmp_path: Path) -> None:
    """PGSERVICE, PGHOSTADDR, PGPORT and every other that libpq takes for what a URL leaves out."""
    names = [option.envvar.decode() for option in psycopg.pq.Conninfo.get_defaults() if option.envvar]
    assert {"PGSERVICE", "PGHOSTADDR", "PGCHANNELBINDING"} <= {*names}
    junk = dict.fromkeys([*names, "PGDATA", "PGSYSCONFDIR", "PGDATESTYLE", "PGTZ", "PGCTLTIMEOUT"], "junk")
    with serving(tmp_path, data_dir=tmp_path / "data", workers=2, **junk) as server:
        tasks, token = signed_up(server)
        made = created(server, tasks, token, 1)
        database = postmaster(tmp_path / "data")
        assert database
        database.kill()  # the restart is made in the same environment
        deadline = time.monotonic() + 30
        while server.http.get(tasks, headers=token).status_code == 503 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert listed(server, tasks, token) == made


def test_the_ambient_settings_are_there_again_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook has other databases too."""
    monkeypatch.setenv("PGHOST", "db.example.com")
    with embedded.running(tmp_path):
        assert "PGHOST" not in os.environ
    assert os.environ["PGHOST"] == "db.example.com"


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
