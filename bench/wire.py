"""A wire between a server and its database that takes time: it delays each flight and counts them."""

import multiprocessing
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.sharedctypes import Synchronized
from urllib.parse import parse_qs, urlsplit

from bench import machine
from tests.processes import free_port


@contextmanager
def wire(url: str, delay: float) -> Iterator[tuple[str, "Synchronized[int]"]]:
    """The URL of the same database behind `delay` seconds a round trip, and the count of those.

    A thread for each direction, which sleeps to the tenth of a millisecond, where an event loop counts whole ones.
    """
    parts, port = urlsplit(url), free_port()
    target = parse_qs(parts.query)["host"][0] + "/.s.PGSQL.5432"
    flights: Synchronized[int] = multiprocessing.Value("i", 0)
    context = multiprocessing.get_context("fork")
    process = context.Process(target=_serve, args=(port, target, delay, flights), daemon=True)
    process.start()
    try:
        _wait_for(port)
        yield f"postgresql://{parts.username}@127.0.0.1:{port}{parts.path}", flights
    finally:
        process.kill()
        process.join()


def _wait_for(port: int) -> None:
    for _ in range(500):
        with socket.socket() as trying:
            if trying.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError("the wire does not open")


def _serve(port: int, target: str, delay: float, flights: "Synchronized[int]") -> None:
    machine.pin(0, machine.REST)
    listener = socket.create_server(("127.0.0.1", port))
    while True:
        client, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = socket.socket(socket.AF_UNIX)
        server.connect(target)
        turn = {"client": False}
        for ends in ((client, server, True), (server, client, False)):
            threading.Thread(target=_copy, args=(*ends, turn, delay, flights), daemon=True).start()


def _copy(
    source: socket.socket,
    sink: socket.socket,
    speaking: bool,
    turn: dict[str, bool],
    delay: float,
    flights: "Synchronized[int]",
) -> None:
    """One direction. What the client says after it listened is a new flight, and has the delay before it."""
    while data := _received(source):
        if speaking and not turn["client"]:
            with flights.get_lock():
                flights.value += 1
            time.sleep(delay)
        turn["client"] = speaking
        try:
            sink.sendall(data)
        except OSError:
            break
    for end in (source, sink):
        end.close()


def _received(source: socket.socket) -> bytes:
    try:
        return source.recv(65536)
    except OSError:
        return b""
