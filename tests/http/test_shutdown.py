"""What signals do to a server."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drills.stand import until, workers_of
from tests.support.processes import serving
from todo.db import migrate

pytestmark = pytest.mark.slow


@contextmanager
def hangup(how: signal.Handlers) -> Iterator[None]:
    """SIGHUP as processes inherit it that are started in the block: ignored under nohup."""
    before = signal.signal(signal.SIGHUP, how)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_under_nohup_outlives_its_terminal(tmp_path: Path, empty_url: str, workers: int) -> None:
    migrate.upgrade(empty_url)
    with hangup(signal.SIG_IGN), serving(tmp_path, database_url=empty_url, workers=workers) as server:
        parent = server.process.pid
        before = [parent, *(worker.pid for worker in workers_of(parent))]
        for pid in before:
            os.kill(pid, signal.SIGHUP)
        time.sleep(1)  # for a restart, which must not come

        assert server.process.poll() is None
        assert [parent, *(worker.pid for worker in workers_of(parent))] == before
        assert server.http.get("/health/ready").status_code == 200
        assert "restarting" not in server.log.read_text()
        assert server.stop() == 0


def test_without_nohup_a_hangup_ends_the_server(tmp_path: Path, empty_url: str) -> None:
    migrate.upgrade(empty_url)
    with hangup(signal.SIG_DFL), serving(tmp_path, database_url=empty_url) as server:
        os.kill(server.process.pid, signal.SIGHUP)
        until(lambda: server.process.poll() is not None)
        assert server.process.returncode == 0
