"""A proxy between a server and its database that delays each round trip and counts them."""

import multiprocessing
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.sharedctypes import Synchronized
from urllib.parse import parse_qs, urlsplit

from bench import machine
from tests.support.processes import free_port


@contextmanager
def delay_proxy(url: str, delay: float) -> Iterator[tuple[str, "Synchronized[int]"]]:
    """The URL of the same database with `delay` seconds added to each round trip, and the count of round trips.

    One thread per direction: a thread's sleep is accurate to a tenth of a millisecond, an event loop's timer only to
    a whole one.
    """
    parts, port = urlsplit(url), free_port()
    target = parse_qs(parts.query)["host"][0] + "/.s.PGSQL.5432"
    round_trips: Synchronized[int] = multiprocessing.Value("i", 0)
    context = multiprocessing.get_context("fork")
    process = context.Process(target=_serve, args=(port, target, delay, round_trips), daemon=True)
    process.start()
    try:
        _wait_for(port)
        yield f"postgresql://{parts.username}@127.0.0.1:{port}{parts.path}", round_trips
    finally:
        process.kill()
        process.join()


def _wait_for(port: int) -> None:
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError("the proxy does not listen")


def _serve(port: int, target: str, delay: float, round_trips: "Synchronized[int]") -> None:
    machine.pin(0, machine.REST)
    listener = socket.create_server(("127.0.0.1", port))
    while True:
        client, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = socket.socket(socket.AF_UNIX)
        server.connect(target)
        last = {"from_client": False}
        for source, sink, from_client in ((client, server, True), (server, client, False)):
            arguments = (source, sink, from_client, last, delay, round_trips)
            threading.Thread(target=_copy, args=arguments, daemon=True).start()


def _copy(
    source: socket.socket,
    sink: socket.socket,
    from_client: bool,
    last: dict[str, bool],
    delay: float,
    round_trips: "Synchronized[int]",
) -> None:
    """Copy one direction. The client's first data after a response begins a new round trip, and is delayed."""
    while data := _received(source):
        if from_client and not last["from_client"]:
            with round_trips.get_lock():
                round_trips.value += 1
            time.sleep(delay)
        last["from_client"] = from_client
        try:
            sink.sendall(data)
        except OSError:
            break
    for each in (source, sink):
        each.close()


def _received(source: socket.socket) -> bytes:
    try:
        return source.recv(65536)
    except OSError:
        return b""
