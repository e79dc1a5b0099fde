"""How many system calls a read of one task costs the server: a count, which no noise changes."""

import os
import time
from pathlib import Path

import psutil
import pytest

from bench.system_calls import Counts, counted, missing
from tests.support.processes import created, serving, signed_up

pytestmark = pytest.mark.slow

REQUESTS = 300


def test_a_read_makes_at_most_seven_system_calls(tmp_path: Path, database_url: str) -> None:
    if (reason := missing()) and not os.environ.get("REQUIRE_STRACE"):
        pytest.skip(reason)
    with serving(tmp_path, database_url=database_url) as server:
        tasks, token = signed_up(server, f"calls-{server.port}@example.com")
        path = f"{tasks}/{created(server, tasks, token, 1)[0]}"
        for _ in range(20):  # until the token is cached and the statement is prepared
            assert server.http.get(path, headers=token).status_code == 200
        with counted(psutil.Process(server.process.pid)) as calls:
            for _ in range(REQUESTS):
                assert server.http.get(path, headers=token).status_code == 200
            time.sleep(0.1)

    assert 4 <= Counts.of(calls, REQUESTS).total <= 7, calls
