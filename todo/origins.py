"""The origins whose pages may call the API: the entries of `CORS_ORIGINS`."""

import ipaddress
import re
from collections.abc import Iterable

import idna

DEFAULT_PORTS = {"http": 80, "https": 443}
NO_ORIGIN = {"about", "blob", "data", "file", "javascript", "ws", "wss"}
"""Schemes of which browsers make no origin, or one that any page can have."""

_ENTRY = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(\[[0-9A-Fa-f:.]+\]|[^/?#@:\s\[\]]+)(?::([0-9]{1,5}))?/?")
_HOST = re.compile(r"[a-z0-9_*.-]+")


class Origins:
    """A set of origins (RFC 6454 §6.2), some of which are patterns such as `https://*.example.app`."""

    def __init__(self, entries: Iterable[str] = ()) -> None:
        """Raises ValueError for an entry that is no origin."""
        self.entries = tuple(dict.fromkeys(map(_normalised, entries)))
        self._exact = frozenset(entry for entry in self.entries if "*" not in entry)
        self._patterns = [_pattern(entry) for entry in self.entries if "*" in entry]

    def __contains__(self, origin: object) -> bool:
        if not isinstance(origin, str):
            return False
        return origin in self._exact or any(pattern.fullmatch(origin) for pattern in self._patterns)

    def __bool__(self) -> bool:
        return bool(self.entries)

    def described(self) -> list[str]:
        """What each entry means, a line for each."""
        return [f"{entry}: {_meaning(entry)}" for entry in self.entries]


def _normalised(entry: str) -> str:
    """The entry as a browser writes it in the Origin header: in lower case and ASCII, without a default port."""
    found = _ENTRY.fullmatch(entry)
    scheme = found[1].lower() if found else ""
    if not found or scheme in NO_ORIGIN:
        raise ValueError("each must be scheme://host[:port] without a path; * and null are refused")
    host, port = _host(found[2]), int(found[3]) if found[3] else None
    if "*" in host:
        _refuse_wide(scheme, host)
    if port is not None and not 1 <= port <= 65535:
        raise ValueError("a port must be between 1 and 65535")
    return f"{scheme}://{host}" + (f":{port}" if port not in {None, DEFAULT_PORTS.get(scheme)} else "")


def _host(host: str) -> str:
    try:
        if host.startswith("["):
            return f"[{ipaddress.IPv6Address(host[1:-1]).compressed}]"
        host = host.lower() if host.isascii() else idna.encode(host, uts46=True).decode()
    except ValueError:  # of which idna's error is one
        host = ""
    if not _HOST.fullmatch(host):
        raise ValueError("each must have the name or the address of a host behind ://")
    return host


def _refuse_wide(scheme: str, host: str) -> None:
    """A pattern stands for one label of names that somebody owns: `*.example.app`, not `*.app`."""
    first, *fixed = host.split(".")
    if scheme not in DEFAULT_PORTS or host.count("*") != 1 or "*" not in first or len(list(filter(None, fixed))) < 2:
        raise ValueError(
            "a pattern has one * in the first part of a host's name, and two fixed parts at least: "
            "https://*.example.app or https://shop-*.example.app"
        )


def _pattern(entry: str) -> re.Pattern[str]:
    before, after = map(re.escape, entry.split("*"))
    return re.compile(f"{before}[a-z0-9_-]{{1,63}}{after}")


def _meaning(entry: str) -> str:
    scheme = entry.partition(":")[0]
    if "*" in entry:
        return "pages of every host with letters, digits and hyphens in place of *, but no dot"
    if scheme not in DEFAULT_PORTS:
        return "every app or extension whose pages have this origin, of any maker"
    return "pages of this origin alone"
