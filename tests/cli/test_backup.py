"""`todo backup` and `todo restore-backup`."""

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

pytestmark = pytest.mark.slow


def counted(url: str) -> list[tuple[int, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "select (select count(*) from users), (select count(*) from tasks), (select count(*) from changes)"
        ).fetchall()


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
