"""Redirect URIs: which an app may register, which match, and what a person is told of them."""

import re
from urllib.parse import quote, urlencode, urlsplit

from todo.oauth.tables import URI_LENGTH

LOOPBACK = re.compile(r"^http://(localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?(?=[/?]|\Z)")
"""An app on the person's own device, at whatever port it finds free (RFC 8252 §7.3)."""

_LABEL = "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*|[0-9a-f.]*:[0-9a-f:.]+", re.IGNORECASE)
SCHEME = re.compile(r"([a-z][a-z0-9+.-]{0,63}):(?=[^\s])")
CHARACTERS = re.compile(r"[!#-;=?-Z\[\]_a-z~]+")
"""Those of a URI (RFC 3986 §2), without the quotes, the backslash and others that no URI may have as they are."""

NEVER = {
    *("about", "blob", "chrome", "data", "edge", "feed", "file", "filesystem", "ftp", "intent", "jar", "javascript"),
    *("mailto", "res", "resource", "search", "shell", "sms", "tel", "urn", "vbscript", "view-source", "ws", "wss"),
}
"""Schemes that a browser or a system handles by itself, in ways that no app of ours would want."""


def registered(uri: str) -> str:
    """The URI, which an app may register. Raises ValueError, which says what is wanted."""
    if len(uri) > URI_LENGTH or not CHARACTERS.fullmatch(uri):
        raise ValueError(f"must be an absolute URI of at most {URI_LENGTH} plain characters")
    if "#" in uri:
        raise ValueError("must not have a fragment")
    found = SCHEME.match(uri)
    scheme = found[1] if found else ""
    if scheme == "https":
        try:
            parts = urlsplit(uri)
            plain = HOST.fullmatch(parts.hostname or "") and "@" not in parts.netloc and parts.port != 0
        except ValueError:
            plain = None
        if not (plain and uri.startswith("https://")):
            raise ValueError("must have a host, and neither user nor password")
    elif scheme == "http":
        if not LOOPBACK.match(uri):
            raise ValueError("must be https, or http on this device (127.0.0.1, [::1] or localhost)")
    elif not scheme or scheme in NEVER or scheme.startswith(("ms-", "search-")):
        raise ValueError("must be https, http on this device, or a scheme of the app's own in lower case")
    return uri


def matches(uri: str, allowed: list[str]) -> bool:
    """Whether `uri` is one of those, character by character; at this device's own addresses but for the port."""
    return _without_port(uri) in map(_without_port, allowed)


def _without_port(uri: str) -> str:
    return LOOPBACK.sub(lambda found: f"http://{found[1]}", uri, count=1)


def destination(uri: str) -> str:
    """Where a person is sent to, for them to read."""
    if LOOPBACK.match(uri):
        return "an app on this device"
    if uri.startswith("https:"):
        return urlsplit(uri).netloc
    return f"the app on this device that opens {uri.partition(':')[0]}: addresses"


def answer(uri: str, **parameters: str | None) -> str:
    """The address that takes an answer to the app, after what its URI has of its own (RFC 6749 §4.1.2)."""
    query = urlencode({name: value for name, value in parameters.items() if value is not None}, quote_via=quote)
    return f"{uri}{'&' if '?' in uri else '?'}{query}"
