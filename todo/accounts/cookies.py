"""The refresh token as a cookie, and the check that no other site makes a browser send it."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from todo.problems import Forbidden

NAME = "todo_refresh"
PATH = "/api/auth"


def put(response: Response, request: Request, token: str, lifetime: int) -> None:
    """Keep the token in the browser, for `lifetime` seconds, out of the reach of scripts."""
    secure = request.url.scheme == "https"
    response.set_cookie(NAME, token, lifetime, path=PATH, secure=secure, httponly=True, samesite="strict")


def drop(response: Response, request: Request) -> None:
    """Take the cookie back."""
    secure = request.url.scheme == "https"
    response.delete_cookie(NAME, PATH, secure=secure, httponly=True, samesite="strict")


def refuse_forgery(request: Request, origins: Sequence[str]) -> None:
    """Raise Forbidden when a page of another site makes the browser call.

    By `Sec-Fetch-Site` (W3C Fetch Metadata), else by `Origin`; `origins` may call. What is no browser sends
    neither, and holds no cookie that it was not given.
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
