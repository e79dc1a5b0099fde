"""One data folder and several that want it: other containers, copies, what a killed server leaves behind."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from drills.stand import until
from tests.support.namespaces import in_another_container, missing
from tests.support.processes import TODO, environment
from todo.db.embedded import server as embedded
from todo.db.embedded.errors import EmbeddedError
from todo.db.embedded.folder import DataFolder
from todo.db.embedded.postmaster import Postmaster

pytestmark = pytest.mark.slow
containers = pytest.mark.skipif(bool(missing()), reason=str(missing()))

SERVE = """
import sys, time
from pathlib import Path
from todo.db.embedded import server
with server.running(Path(sys.argv[1])):
    print("runs", flush=True)
    time.sleep(600)
"""


def postmaster(folder: Path) -> psutil.Process:
    return psutil.Process(int((folder / "postgres" / "postmaster.pid").read_text().splitlines()[0]))


def lock_is_free(folder: Path) -> bool:
    with Postmaster(DataFolder(folder)).lock() as lock:
        return lock is not None


def kept(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("select x from kept order by x").fetchall()]


def keep(url: str, value: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("create table if not exists kept (x int)")
        connection.execute("insert into kept values (%s)", [value])


@contextmanager
def overlay_of(folder: Path, place: Path) -> Iterator[Path]:
    """A file system with the contents of a folder, which takes writes without passing them on."""
    for name in ("upper", "work", "merged"):
        (place / name).mkdir(parents=True)
    layers = f"lowerdir={folder},upperdir={place}/upper,workdir={place}/work"
    done = subprocess.run(
        ["mount", "-t", "overlay", "overlay", "-o", layers, str(place / "merged")], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no overlay can be mounted here: {done.stderr.decode().strip()}")
    try:
        yield place / "merged"
    finally:
        subprocess.run(["umount", str(place / "merged")], check=True)


@containers
@pytest.mark.parametrize("command", ["serve", "db upgrade"])
def test_a_second_container_is_refused_in_one_line_and_the_first_goes_on(tmp_path: Path, command: str) -> None:
    with embedded.running(tmp_path) as url:
        keep(url, 1)
        before = (tmp_path / "postgres" / "postmaster.pid").read_text()

        second = in_another_container(
            TODO, *command.split(), env=environment(data_dir=tmp_path, port=0), stderr=subprocess.PIPE
        )
        _, error = second.communicate(timeout=120)

        assert second.returncode == 1
        [line] = error.splitlines()
        assert line.startswith(f"todo: DATA_DIR {tmp_path} is in use by a server in another container")
        assert (tmp_path / "postgres" / "postmaster.pid").read_text() == before
        keep(url, 2)
        assert kept(url) == [1, 2]


@containers
def test_the_folder_is_free_again_when_its_container_was_killed(tmp_path: Path) -> None:
    first = in_another_container(sys.executable, "-c", SERVE, str(tmp_path), stdout=subprocess.PIPE)
    assert first.stdout
    assert first.stdout.readline() == "runs\n"
    with pytest.raises(EmbeddedError, match="another container"), embedded.running(tmp_path):
        pass

    first.kill()
    first.communicate(timeout=60)

    with embedded.running(tmp_path) as url:
        keep(url, 1)
        assert kept(url) == [1]


def test_the_lock_is_held_until_the_last_process_of_a_killed_server_is_gone(tmp_path: Path) -> None:
    with embedded.running(tmp_path) as url, psycopg.connect(url) as connection:
        assert not lock_is_free(tmp_path)
        first = postmaster(tmp_path)
        left = psutil.Process(connection.info.backend_pid)
        left.suspend()
        first.kill()
        until(lambda: not first.is_running() or first.status() == psutil.STATUS_ZOMBIE)

        assert not lock_is_free(tmp_path)
        left.kill()
        until(lambda: (tmp_path / "postgres" / "postmaster.pid").exists() and postmaster(tmp_path) != first, 60)
    assert lock_is_free(tmp_path)


def test_a_copy_that_was_made_while_the_server_ran_starts_beside_it(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o711)
    with embedded.running(tmp_path / "data") as url:
        keep(url, 1)
        subprocess.run(["cp", "-a", str(tmp_path / "data"), str(tmp_path / "copy")], check=True)
        with embedded.running(tmp_path / "copy") as of_copy:
            keep(of_copy, 2)
            assert kept(of_copy) == [1, 2]
            keep(url, 3)
            assert kept(url) == [1, 3]
            assert postmaster(tmp_path / "data") != postmaster(tmp_path / "copy")


def test_a_lock_file_of_the_socket_that_names_a_living_process_does_not_stop_a_start(tmp_path: Path) -> None:
    """As after a copy of a folder in use, or when a number of a process that was killed is another's now."""
    with embedded.running(tmp_path / "data"):
        sockets = DataFolder(tmp_path / "data").sockets()
    (sockets / ".s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n")
    with embedded.running(tmp_path / "data") as url:
        keep(url, 1)


@containers
def test_a_server_on_an_overlay_of_a_folder_in_use_harms_the_folder_no_more_than_a_copy(tmp_path: Path) -> None:
    """Nothing that is written to the overlay comes back, not even a lock: what starts there has data of its own."""
    (tmp_path / "data").mkdir(mode=0o711)
    with embedded.running(tmp_path / "data") as url:
        keep(url, 1)
        with overlay_of(tmp_path / "data", tmp_path / "overlay") as merged, embedded.running(merged) as above:
            keep(above, 2)
            keep(url, 3)
        keep(url, 4)
        assert kept(url) == [1, 3, 4]


def test_the_same_folder_by_another_path_is_shared(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o711)
    (tmp_path / "link").symlink_to(tmp_path / "data")
    with embedded.running(tmp_path / "data") as url, embedded.running(tmp_path / "link") as by_link:
        keep(url, 1)
        assert kept(by_link) == [1]
    assert lock_is_free(tmp_path / "data")
