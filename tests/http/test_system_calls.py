"""How many system calls a read of one task costs the server: a count, which no noise changes."""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.processes import created, serving, signed_up

pytestmark = pytest.mark.slow

REQUESTS = 300
WAITS = {"epoll_wait", "epoll_pwait", "futex"}
"""The event loop's own waiting, and that of idle threads."""


@pytest.mark.skipif(
    shutil.which("strace") is None and not os.environ.get("REQUIRE_STRACE"),
    reason="needs strace (apt-get install strace), which .ci/run installs",
)
def test_a_read_makes_at_most_seven_system_calls(tmp_path: Path, database_url: str) -> None:
    with serving(tmp_path, database_url=database_url) as server:
        tasks, token = signed_up(server, f"calls-{server.port}@example.com")
        path = f"{tasks}/{created(server, tasks, token, 1)[0]}"
        for _ in range(20):  # until the token is cached and the statement is prepared
            assert server.http.get(path, headers=token).status_code == 200
        summary = tmp_path / "summary"
        strace = subprocess.Popen(
            ["strace", "-f", "-c", "-o", summary, "-p", str(server.process.pid)], stderr=subprocess.PIPE, text=True
        )
        assert strace.stderr is not None
        attached = strace.stderr.readline()
        if "attached" not in attached:
            strace.wait(10)
            pytest.skip(f"strace may not attach here: {attached.strip()}")
        for _ in range(REQUESTS):
            assert server.http.get(path, headers=token).status_code == 200
        time.sleep(0.1)
        strace.send_signal(signal.SIGINT)
        strace.wait(10)
        strace.stderr.close()

    line = re.compile(r"^ +[\d.]+ +[\d.]+ +\d+ +(\d+)(?: +\d+)? +(\w+)$", re.MULTILINE)
    counts = {name: int(calls) for calls, name in line.findall(summary.read_text())}
    per_request = sum(calls for name, calls in counts.items() if name not in {*WAITS, "total"}) / REQUESTS
    assert 4 <= per_request <= 7, counts
