"""nginx in front of a server, as a process of its own."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.processes import free_port

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH')}:/usr/sbin")

needs_nginx = pytest.mark.skipif(
    NGINX is None and "REQUIRE_NGINX" not in os.environ, reason="needs nginx, which .ci/run installs"
)


@contextmanager
def nginx(folder: Path, inside: str) -> Iterator[str]:
    """The address of an nginx whose `server` has these directives."""
    port = free_port()
    server = (
        f"server {{ listen 127.0.0.1:{port}; proxy_http_version 1.1;\nproxy_set_header Host $http_host; {inside} }}\n"
    )
    with run_nginx(folder, server, port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def run_nginx(folder: Path, servers: str, port: int) -> Iterator[None]:
    """An nginx with these servers, one of which listens on the port, while the block runs."""
    assert NGINX, "REQUIRE_NGINX is set, but nginx is missing"
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; worker_processes 1; events {{ worker_connections 64; }}\n"
        f"http {{ access_log off; {folders} {servers} }}\n"
    )
    command = [NGINX, "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "error.log")]
    with subprocess.Popen(command) as process:
        try:
            deadline = time.monotonic() + 20
            while True:
                try:
                    httpx.get(f"http://127.0.0.1:{port}/")
                    break
                except httpx.TransportError:
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(20)
