"""The server and its commands as processes of their own."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import uvicorn
from fastapi import FastAPI

from tests.conftest import PASSWORD
from todo.http.connection import ClientConnection

TODO = str(Path(sys.executable).parent / "todo")


def environment(**settings: Any) -> dict[str, str]:
    given = {name.upper(): str(value) for name, value in settings.items()}
    return {**os.environ, "RATE_LIMIT": "off", "MANUAL": "off", **given}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Server:
    """`todo serve` as a process of its own."""

    COMMAND: tuple[str, ...] = (TODO, "serve")

    def __init__(self, folder: Path, *options: str, port: int | None = None, **settings: Any) -> None:
        self.port = port or free_port()
        self.log = folder / f"server-{self.port}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*self.COMMAND, *options], env=environment(port=self.port, **settings), stdout=log, stderr=log
            )
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=20)

    def ready(self) -> "Server":
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                if self.http.get("/health/ready").status_code == 200:
                    return self
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Stop the server and return its exit status. SIGKILL also kills its child processes."""
        children = psutil.Process(self.process.pid).children(recursive=True) if how == signal.SIGKILL else []
        self.process.send_signal(how)
        for child in children:
            child.kill()
        self.http.close()
        return self.process.wait(30)


@contextmanager
def serving(folder: Path, *options: str, **settings: Any) -> Iterator[Server]:
    server = Server(folder, *options, **settings)
    try:
        yield server.ready()
    finally:
        if server.process.poll() is None:
            server.stop()
        server.http.close()


@asynccontextmanager
async def served(app: FastAPI, **options: Any) -> AsyncIterator[tuple[str, uvicorn.Server]]:
    """The application served by uvicorn in this process, so that a test can patch it."""
    given = {"log_config": None, "access_log": False, "timeout_graceful_shutdown": 5, **options}
    config = uvicorn.Config(app, port=free_port(), http=ClientConnection, **given)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.02)
        assert not task.done()
    try:
        yield f"http://127.0.0.1:{config.port}", server
    finally:
        server.should_exit = True
        await task


def signed_up(server: Server, email: str = "ada@example.com") -> tuple[str, dict[str, str]]:
    return signed_in(server, email, "signup")


def signed_in(server: Server, email: str, how: str = "signin") -> tuple[str, dict[str, str]]:
    """The path of their tasks, and the headers of their requests."""
    response = server.http.post(f"/api/auth/{how}", json={"email": email, "password": PASSWORD})
    assert response.is_success, response.text
    session = response.json()
    return f"/api/{session['user']['id']}/tasks", {"Authorization": f"Bearer {session['access_token']}"}


def created(server: Server, tasks: str, token: dict[str, str], count: int) -> list[str]:
    responses = [server.http.post(tasks, headers=token, json={"title": f"task {n}"}) for n in range(count)]
    assert {response.status_code for response in responses} == {201}
    return [response.json()["id"] for response in responses][::-1]


def listed(server: Server, tasks: str, token: dict[str, str]) -> list[str]:
    response = server.http.get(tasks, headers=token)
    assert response.status_code == 200, response.text
    return [task["id"] for task in response.json()]


def run_command(*arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [TODO, *arguments], env=environment(**settings), capture_output=True, text=True, timeout=60, check=False
    )
