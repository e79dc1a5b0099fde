"""The sockets that the server listens on, bound before anything else starts."""

import errno
import socket
from collections.abc import Sequence

from todo.settings import CannotStart

BACKLOG = 2048  # connections that wait to be accepted

ANY_V4, ANY_V6 = "0.0.0.0", "::"  # noqa: S104 # the operator's own words for all addresses


def bind(host: str, port: int, prefix: str = "") -> list[socket.socket]:
    """A socket for each address of `host`, all with the same port; `::` serves IPv4 too. Raises CannotStart.

    Nothing is accepted before `listen`. `prefix` stands before the names of the settings in errors.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise CannotStart(
            f"{prefix}HOST: no network address has this name "
            "(conda sets HOST to a platform's name: unset it, or use --host)"
        ) from None
    bound: list[socket.socket] = []
    missing: OSError | None = None
    for family, _, _, _, address in dict.fromkeys(found):
        taken = bound[0].getsockname()[1] if bound else port
        try:
            bound.append(_bound(family, (address[0], taken, *address[2:])))
        except OSError as error:
            if error.errno not in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
                close(bound)
                raise _cannot_bind(error, port, prefix) from None
            missing = error
    if missing is not None and not bound:
        raise _cannot_bind(missing, port, prefix)
    return bound


def _bound(family: int, address: tuple[object, ...]) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:  # whatever the system's default is (RFC 3493 §5.3)
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address[0] != ANY_V6)
        listener.bind(address)
        listener.set_inheritable(True)
    except OSError:
        listener.close()
        raise
    return listener


def listen(sockets: Sequence[socket.socket], prefix: str = "") -> None:
    """Let clients connect. Raises CannotStart where another process listens there since."""
    for each in sockets:
        try:
            each.listen(BACKLOG)
        except OSError as error:
            raise _cannot_bind(error, each.getsockname()[1], prefix) from None


def close(sockets: Sequence[socket.socket]) -> None:
    """Listen no more."""
    for each in sockets:
        each.close()


def _cannot_bind(error: OSError, port: int, prefix: str) -> CannotStart:
    match error.errno:
        case errno.EADDRINUSE:
            return CannotStart(f"{prefix}PORT: {port} is in use by another program: stop it, or choose another port")
        case errno.EACCES | errno.EPERM:
            return CannotStart(f"{prefix}PORT: {port} may not be used by this user: choose one from 1024 on")
        case errno.EADDRNOTAVAIL | errno.EAFNOSUPPORT:
            return CannotStart(
                f"{prefix}HOST: this machine has no such network address; 127.0.0.1 is itself, :: are all it has"
            )
    return CannotStart(f"{prefix}HOST and {prefix}PORT: cannot listen there: {error.strerror}")


def addresses(sockets: Sequence[socket.socket]) -> list[str]:
    """Where a browser on this machine reaches the server: URLs, a local one in place of all addresses."""
    urls = []
    for each in sockets:
        host, port = each.getsockname()[:2]
        local = {ANY_V4: ["127.0.0.1"], ANY_V6: ["127.0.0.1", "::1"]}.get(host, [host])
        urls += [f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}" for name in local]
    return urls
