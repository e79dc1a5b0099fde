"""The data folder of the embedded PostgreSQL: whose it is, who can enter it, and what a failed start leaves alone."""

import os
import pwd
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

import todo
from tests.support.processes import environment
from todo.db.embedded import server as embedded
from todo.db.embedded.errors import EmbeddedError
from todo.db.embedded.folder import SYSTEM_USER
from todo.db.embedded.os_user import can_enter, system_user
from todo.db.embedded.programs import Programs, reason

pytestmark = pytest.mark.slow

NAMELESS = 54_321
"""A user id without an entry in /etc/passwd."""


root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root has other users")


def python_of_others() -> str | None:
    """A Python like this one that every user may run, and this one seldom is where it lies in a home folder."""
    same = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    found = (each for each in (sys.executable, same) if can_enter(Path(each), pwd.getpwnam("nobody")))
    return next(found, None)


@pytest.fixture
def python() -> str:
    found = python_of_others()
    return found or pytest.skip("others cannot run this Python")


def todo_as(python: str, user: int, *arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    """A command as another user, without HOME."""
    path = os.pathsep.join(
        [str(Path(todo.__file__).parents[1]), *(each for each in sys.path if "site-packages" in each)]
    )
    variables = environment(pythonpath=path, **settings)
    del variables["HOME"]
    return subprocess.run(
        [python, "-c", "from todo.cli import app; app()", *arguments],
        env=variables, user=user, group=user, extra_groups=[], cwd="/",
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def attributes(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Owner, group and mode of everything in a folder, and of the folders above it."""
    every = [*folder.parents, folder, *folder.rglob("*")]
    return {str(path): (stat.st_uid, stat.st_gid, stat.st_mode) for path in every for stat in [path.lstat()]}


@root_only
def test_roots_failing_start_in_anothers_folder_changes_nothing(tmp_path: Path, python: str) -> None:
    folder, nobody = tmp_path / "data", pwd.getpwnam("nobody")
    folder.mkdir()
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    first = todo_as(python, nobody.pw_uid, "db", "upgrade", data_dir=folder)
    assert first.returncode == 0, first.stderr
    before = attributes(folder)

    with pytest.raises(EmbeddedError, match=r"used by the user nobody.*start as nobody"), embedded.running(folder):
        pass

    assert attributes(folder) == before
    again = todo_as(python, nobody.pw_uid, "db", "check", data_dir=folder)
    assert again.returncode == 0, again.stderr


@root_only
def test_another_users_start_in_roots_folder_is_one_line(tmp_path: Path, python: str) -> None:
    with embedded.running(tmp_path):
        pass

    done = todo_as(python, pwd.getpwnam("nobody").pw_uid, "db", "upgrade", data_dir=tmp_path)

    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert f"DATA_DIR {tmp_path} is used by the user {SYSTEM_USER}" in line


@root_only
def test_a_folder_above_the_data_is_not_opened(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)

    with (
        pytest.raises(EmbeddedError, match=rf"cannot enter {private}: set DATA_DIR .* or chmod o\+x {private}"),
        embedded.running(private / "data"),
    ):
        pass

    assert private.stat().st_mode & 0o777 == 0o700


@root_only
def test_programs_in_a_folder_that_postgresql_cannot_enter_are_copied(tmp_path: Path) -> None:
    """As in an environment under /root, which stays as it is."""
    private, package = tmp_path / "private", embedded.binaries().parents[1]
    private.mkdir(mode=0o700)
    (private / package.name).symlink_to(package)
    (private / f"{package.name}.libs").symlink_to(package.with_name(f"{package.name}.libs"))
    installed = private / embedded.binaries().relative_to(package.parent)
    programs = Programs(installed, tmp_path / "programs", system_user(SYSTEM_USER))

    for program in ("postgres", "initdb"):  # initdb needs a library of the wheel
        done = programs.run(program, "--version")
        assert (done.returncode, done.stderr[: len(program)]) == (0, program), done.stderr

    assert private.stat().st_mode & 0o777 == 0o700
    copies = [path for path in (tmp_path / "programs").rglob("*") if not path.is_symlink()]
    assert not [path for path in copies if path.stat().st_uid != 0 or path.stat().st_mode & 0o022]


def test_a_folder_that_was_opened_to_a_group_is_closed_and_served(tmp_path: Path) -> None:
    """As the group of a volume is, each time it is mounted."""
    with embedded.running(tmp_path):
        pass
    subprocess.run(["chmod", "-R", "g+rwX", str(tmp_path)], check=True)

    with embedded.running(tmp_path) as url, psycopg.connect(url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    assert (tmp_path / "postgres").stat().st_mode & 0o027 == 0


def test_the_error_of_this_start_is_told_and_not_one_of_the_past(tmp_path: Path) -> None:
    with embedded.running(tmp_path):
        pass
    with (tmp_path / "postgres.log").open("a") as log:
        log.write("FATAL:  something of last year\n")
    for segment in (tmp_path / "postgres" / "pg_wal").glob("0*"):
        segment.unlink()

    with pytest.raises(EmbeddedError) as raised, embedded.running(tmp_path):
        pass

    assert "PANIC:  could not locate a valid checkpoint record" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("LOG: a\nPANIC: b\nLOG: aborted\nFATAL: the database system is starting up", "PANIC: b"),
        ("FATAL: a\nHINT: b", "FATAL: a"),
        ("initdb: error: no room\ninitdb: removing the folder", "initdb: error: no room"),
        ("sh: not found", "sh: not found"),
        ("", "nothing"),
    ],
)
def test_the_line_with_the_reason_is_told(output: str, said: str) -> None:
    assert reason(output) == said


@root_only
class TestAUserIdWithoutAName:
    def test_it_gets_one_line_when_the_data_is_to_be_made(self, tmp_path: Path, python: str) -> None:
        os.chown(tmp_path, NAMELESS, NAMELESS)

        done = todo_as(python, NAMELESS, "db", "upgrade", data_dir=tmp_path)

        assert done.returncode == 1
        [line] = done.stderr.splitlines()
        assert f"the user id {NAMELESS}" in line

    def test_it_is_served_with_data_that_exists(self, tmp_path: Path, python: str) -> None:
        with embedded.running(tmp_path):
            pass
        for path in (tmp_path, *tmp_path.rglob("*")):
            os.chown(path, NAMELESS, NAMELESS, follow_symlinks=False)

        done = todo_as(python, NAMELESS, "db", "upgrade", data_dir=tmp_path)

        assert done.returncode == 0, done.stderr

    @pytest.mark.parametrize("folder", [None, "~/data"])
    def test_without_a_home_data_dir_is_asked_for(self, folder: str | None, python: str) -> None:
        settings = {"data_dir": folder} if folder else {}

        done = todo_as(python, NAMELESS, "db", "upgrade", **settings)

        assert done.returncode == 1
        [line] = done.stderr.splitlines()
        assert "DATA_DIR" in line
