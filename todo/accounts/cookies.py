"""The refresh token as a cookie, and the check that no other site makes a browser send it."""

import re

from starlette.requests import Request
from starlette.responses import Response

from todo.api.resources import Resources
from todo.origins import Origins
from todo.problems import Forbidden

NAME = "todo_refresh"
PATH = "/api/auth"
"""Below the prefix under which the server is published."""
ALIAS_PATH = "/auth"
"""The same calls with AUTH_ALIASES: a browser has the cookie twice then, so that a page may call either path."""


def _name_and_secure(request: Request) -> tuple[str, bool]:
    """Over https a name that browsers accept from https alone (RFC 6265bis §4.1.3), so that it cannot be planted."""
    secure = request.url.scheme == "https"
    return ("__Secure-" + NAME if secure else NAME), secure


def _paths(request: Request) -> list[str]:
    root = request.scope.get("root_path", "")
    aliases = Resources.of(request).settings.auth_aliases
    return [f"{root}{path}" for path in ((PATH, ALIAS_PATH) if aliases else (PATH,))]


def set_cookie(response: Response, request: Request, token: str, lifetime: int) -> None:
    """Store the token in the browser, for `lifetime` seconds, out of the reach of scripts."""
    name, secure = _name_and_secure(request)
    for path in _paths(request):
        response.set_cookie(name, token, lifetime, path=path, secure=secure, httponly=True, samesite="strict")


def delete_cookie(response: Response, request: Request) -> None:
    """Delete the cookie."""
    name, secure = _name_and_secure(request)
    for path in _paths(request):
        response.delete_cookie(name, path, secure=secure, httponly=True, samesite="strict")


def token(request: Request) -> str | None:
    """The token that the browser sends, the last where there are several.

    Starlette's parser would unquote each cookie of the header, which a client can make slow (CVE-2024-7592).
    """
    pattern = rf"(?:^|;)[ \t]*{re.escape(_name_and_secure(request)[0])}=([^;]*)"
    found = re.findall(pattern, "; ".join(request.headers.getlist("cookie")))
    return found[-1].strip() if found else None


def refuse_forgery(request: Request, origins: Origins) -> None:
    """Raise Forbidden when a page of another site makes the browser call.

    By `Sec-Fetch-Site` (W3C Fetch Metadata), else by `Origin`; `origins` may call. Clients that are no
    browsers send neither, and hold no cookie of another site.
    """
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if origin is not None and origin in origins:
        return
    if site is not None:
        trusted = site in {"same-origin", "none"}
    else:
        trusted = origin is None or origin == f"{request.url.scheme}://{request.headers.get('host', '')}"
    if not trusted:
        raise Forbidden("A page of another site may not use the cookie: send the refresh token in the body.")
