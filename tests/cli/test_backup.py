"""`todo backup` and `todo restore-backup`."""

import os
import pty
import re
import secrets
import signal
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from drills import stand
from tests.conftest import PASSWORD
from tests.support.processes import TODO, created, environment, listed, run_command, serving, signed_up
from todo.db import migrate
from todo.db.embedded.server import superuser
from todo.db.url import database_url
from todo.settings import Settings

pytestmark = pytest.mark.slow


def counted(url: str) -> list[tuple[int, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "select (select count(*) from users), (select count(*) from tasks), (select count(*) from changes)"
        ).fetchall()


@pytest.mark.parametrize("command", ["backup {file}", "user list", "sweep"])
def test_a_command_on_a_database_makes_none(tmp_path: Path, command: str) -> None:
    absent = tmp_path / "mistyped"
    done = run_command(*command.format(file=tmp_path / "backup").split(), data_dir=absent)
    assert done.returncode == 1
    assert f"{absent} has no database: set DATA_DIR" in done.stderr
    assert [*tmp_path.iterdir()] == []


def test_a_whole_database_is_not_restored_over_http(tmp_path: Path) -> None:
    file = tmp_path / "backup"
    file.write_bytes(b"PGDMP")
    given = environment(data_dir=tmp_path / "data") | {"TODO_URL": "http://127.0.0.1:1", "TODO_TOKEN": "x"}
    done = subprocess.run(
        [TODO, "restore-backup", file], env=given, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, "unset it" in done.stderr) == (1, True)
    assert not (tmp_path / "data").exists()


def test_a_backup_of_a_served_database_is_restored_into_a_new_one(tmp_path: Path) -> None:
    file, stop = tmp_path / "backup", threading.Event()
    with serving(tmp_path, data_dir=tmp_path / "data") as server:
        tasks, token = signed_up(server)
        made = created(server, tasks, token, 5)

        def write() -> None:
            while not stop.is_set():
                server.http.post(tasks, headers=token, json={"title": "meanwhile"})

        writer = threading.Thread(target=write)
        writer.start()
        try:
            done = run_command("backup", str(file), data_dir=tmp_path / "data")
        finally:
            stop.set()
            writer.join()
        assert done.returncode == 0, done.stderr
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert not [*tmp_path.glob("*.part")]

        content = file.read_bytes()
        refused = run_command("backup", str(file), data_dir=tmp_path / "data")
        assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
        assert "--force" in refused.stderr
        assert file.read_bytes() == content

    for kept in (len(content) // 10, len(content) * 3 // 4):  # it breaks off in the table of contents, or in the data
        (tmp_path / "half").write_bytes(content[:kept])
        half = run_command("restore-backup", str(tmp_path / "half"), data_dir=tmp_path / "new")
        assert half.returncode == 1
        assert "nothing was changed" in half.stderr.splitlines()[-1]

    restored = run_command("restore-backup", str(file), data_dir=tmp_path / "new")
    assert restored.returncode == 0, restored.stderr
    with serving(tmp_path, data_dir=tmp_path / "new") as server:
        session = server.http.post("/api/auth/signin", json={"email": "ada@example.com", "password": PASSWORD}).json()
        token = {"Authorization": f"Bearer {session['access_token']}"}
        assert listed(server, tasks, token)[-5:] == made
        assert created(server, tasks, token, 1)
        again = run_command("restore-backup", str(file), data_dir=tmp_path / "new")
        assert again.returncode == 1
        [*_, line] = again.stderr.splitlines()
        assert "the database is not empty" in line


def test_a_file_that_is_no_backup_leaves_the_database_empty(tmp_path: Path, empty_url: str) -> None:
    (tmp_path / "file").write_text("not a backup")

    done = run_command("restore-backup", str(tmp_path / "file"), database_url=empty_url)

    assert done.returncode == 1
    assert "pg_restore" in done.stderr.splitlines()[-1]
    with psycopg.connect(empty_url) as connection:
        assert connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone() == (0,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["backup", "/no/such/folder/file"], "cannot be written"),
        (["restore-backup", "/no/such/file"], "cannot be read"),
        (["backup", "backup"], "nothing to back up"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    tmp_path: Path, empty_url: str, arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    done = run_command(*arguments, database_url=empty_url)

    assert done.returncode == 1
    assert message in done.stderr.splitlines()[-1]
    assert [*tmp_path.iterdir()] == []


def scratch_databases(folder: Path) -> list[str]:
    with database_url(Settings.from_environment(data_dir=folder)) as url, psycopg.connect(superuser(url)) as connection:
        found = connection.execute("select datname from pg_database where datname like '%backup%'").fetchall()
    return [name for (name,) in found]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("step", ["dumping", "restoring"])
def test_a_backup_that_is_stopped_leaves_nothing_behind(tmp_path: Path, how: signal.Signals, step: str) -> None:
    """After kill -9 the next backup removes what is left."""
    data, target = tmp_path / "data", tmp_path / "target"
    target.mkdir()
    with serving(tmp_path, data_dir=data) as server:
        created(server, *signed_up(server), 3)
        command = [TODO, "backup", str(target / "backup")]
        with subprocess.Popen(
            command, env=environment(data_dir=data), stderr=subprocess.PIPE, text=True, start_new_session=True
        ) as backup:
            assert backup.stderr
            while not backup.stderr.readline().startswith(step):
                assert backup.poll() is None
            backup.send_signal(how)
            assert backup.wait(30) != 0
        if how is signal.SIGKILL:
            assert run_command("backup", str(target / "backup"), data_dir=data).returncode == 0
            (target / "backup").unlink()
        assert [*target.iterdir()] == []
        assert scratch_databases(data) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a small disk")
def test_a_full_disk_is_said_in_one_line(tmp_path: Path) -> None:
    data, target = tmp_path / "data", tmp_path / "target"
    target.mkdir()
    with serving(tmp_path, data_dir=data) as server:
        tasks, token = signed_up(server)
        operations = [{"op": "create", "task": {"title": secrets.token_hex(100)}} for _ in range(100)]
        for _ in range(5):
            made = server.http.post(f"{tasks}/batch", headers=token, json={"operations": operations})
            assert made.status_code == 200, made.text
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", target], check=True)
        try:
            done = run_command("backup", str(target / "backup"), data_dir=data)
            left = [*target.iterdir()]
        finally:
            subprocess.run(["umount", target], check=True)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr.splitlines()[-1]
    assert left == []


def test_a_terminal_sees_how_far_it_is_and_a_pipe_sees_lines(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(tmp_path, data_dir=data) as server:
        created(server, *signed_up(server), 3)
        piped = run_command("backup", str(tmp_path / "piped"), data_dir=data)
        main, terminal = pty.openpty()
        command = [TODO, "backup", str(tmp_path / "seen")]
        with subprocess.Popen(command, env=environment(data_dir=data, term="xterm"), stderr=terminal) as backup:
            os.close(terminal)
            seen = b""
            with suppress(OSError):  # its other end was closed
                while piece := os.read(main, 65_536):
                    seen += piece
            os.close(main)
        assert backup.returncode == 0, seen
    assert [line.split()[0] for line in piped.stderr.splitlines()[:2]] == ["dumping", "restoring"]
    assert "\x1b" not in piped.stderr
    assert b"\x1b[" in seen
    assert re.search(rb"restoring.*\d+ rows", seen, re.DOTALL)
    assert re.search(rb"dumping.*\d bytes", seen, re.DOTALL)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stand.Postgres]:
    """Debian's, over TLS, with its certificate verified."""
    if stand.missing():
        pytest.skip(str(stand.missing()))
    with stand.postgres_15(tmp_path_factory.mktemp("postgres-15"), fsync=False) as postgres:
        migrate.upgrade(postgres.url())
        with psycopg.connect(postgres.url()) as owner:
            owner.execute("insert into users (id) values ('ada')")
            owner.execute("set role todo_app")
            owner.execute("select set_config('app.user_id', 'ada', false)")
            for _ in range(10):
                owner.execute("insert into tasks (user_id, id, title) values ('ada', gen_random_uuid(), 'x')")
        yield postgres


class TestAnotherServer:
    def test_a_login_that_does_not_see_every_row_is_refused(self, postgres: stand.Postgres, tmp_path: Path) -> None:
        done = run_command("backup", str(tmp_path / "file"), database_url=postgres.url())

        assert done.returncode == 1
        assert "BYPASSRLS" in done.stderr.splitlines()[-1]
        assert [*tmp_path.iterdir()] == []

    def test_it_is_backed_up_over_tls_and_no_command_line_shows_the_password(
        self, postgres: stand.Postgres, tmp_path: Path
    ) -> None:
        with psycopg.connect(postgres.superuser, autocommit=True) as superuser:
            superuser.execute(b"create role backup login bypassrls password '%s'" % postgres.password.encode())
            superuser.execute("grant todo to backup")
            superuser.execute("create database new owner todo")
        url = postgres.url().replace("todo:", "backup:")
        shown = set[str]()
        command = [TODO, "backup", str(tmp_path / "file")]
        with subprocess.Popen(command, env=environment(database_url=url), stderr=subprocess.PIPE) as backup:
            while backup.poll() is None:
                for process in stand.tree(backup.pid):
                    with suppress(psutil.NoSuchProcess):  # or a zombie
                        shown.add(" ".join(process.cmdline()))
            assert backup.stderr
            assert backup.returncode == 0, backup.stderr.read()
        assert any("pg_dump" in each for each in shown)
        assert not [each for each in shown if postgres.password in each]

        new = postgres.url().replace("/todo?", "/new?")
        restored = run_command("restore-backup", str(tmp_path / "file"), database_url=new)
        assert restored.returncode == 0, restored.stderr
        assert counted(postgres.superuser.replace("/postgres?", "/new?")) == [(1, 10, 10)]
