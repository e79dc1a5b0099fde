"""The URL, the token and the agent of a client, checked before anything is sent."""

import re
from urllib.parse import quote, urlsplit

TOKEN = re.compile(r"[\x21-\x7e]+")
AGENT_LENGTH = 100


def server_url(url: str) -> str:
    """The URL without a slash at its end. Raises ValueError for what is no URL of a server."""
    try:
        parts = urlsplit(url.strip())
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_is_valid = urlsplit(""), False
    if parts.username is not None or parts.password is not None:
        raise ValueError("The URL must not contain a user name or a password: sign in, or give a token.")
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_valid:
        raise ValueError(
            f"{url!r} is no URL of a server: give one such as http://127.0.0.1:8000 or https://example.com."
        )
    if parts.query or parts.fragment:
        raise ValueError(f"{url!r} has a query or a fragment: give the URL of the server alone.")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def checked_token(token: str | None) -> str | None:
    """The token as it can be sent in a header. Raises ValueError, without the token."""
    if token is not None and not TOKEN.fullmatch(token):
        raise ValueError("The token has characters that no token has, such as spaces or line ends: copy it again.")
    return token


def agent_header(agent: str | None) -> dict[bytes, bytes]:
    """The header that names the agent, in UTF-8. Raises ValueError for what is no name."""
    if agent is None:
        return {}
    name = agent.strip()
    if not 1 <= len(name) <= AGENT_LENGTH or not name.isprintable():
        raise ValueError(f"The name of an agent has 1 to {AGENT_LENGTH} characters, and no line ends.")
    return {b"Todo-Agent": name.encode()}


def path(*parts: object) -> str:
    """Path segments, percent-encoded: an id with a slash names nothing else."""
    return "".join(f"/{quote(str(part), safe='')}" for part in parts)
