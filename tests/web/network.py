"""What lies between a window and the real server: it holds, loses and replaces answers."""

import json
import re
from collections import deque
from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, Page, Route

API = re.compile(r"/api/(?!auth/)[^/]+/")

Deed = Callable[[Route], None]


def lost(route: Route) -> None:
    """The server does what it was asked, and its answer never arrives."""
    route.fetch()
    route.abort("connectionreset")


def unreachable(route: Route) -> None:
    route.abort("connectionrefused")


def answered(status: int, detail: str = "", retry_after: int | None = None, **members: Any) -> Deed:
    """A problem (RFC 9457) in place of the server's answer: it never sees the request."""
    problem = {"type": "about:blank", "title": "Refused", "status": status, "detail": detail, **members}
    headers = {"Content-Type": "application/problem+json"}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return lambda route: route.fulfill(status=status, headers=headers, body=json.dumps(problem))


def bad_gateway(route: Route) -> None:
    route.fulfill(status=502, content_type="text/html", body="<html><h1>502 Bad Gateway</h1></html>")


class Network:
    """Does with each write what was asked in advance, in that order, and lets the others through."""

    def __init__(self, of: Page | BrowserContext) -> None:
        self.writes: list[tuple[str, str]] = []
        """The method and the idempotency key of each write that was sent."""
        self.held: list[Route] | None = None
        self.plan: deque[Deed] = deque()
        of.route(API, self._pass)

    def will(self, *deeds: Deed) -> None:
        self.plan.extend(deeds)

    def _pass(self, route: Route) -> None:
        if route.request.method == "GET":
            return route.fallback()
        self.writes.append((route.request.method, route.request.headers["idempotency-key"]))
        if self.held is not None:
            return self.held.append(route)
        return self.plan.popleft()(route) if self.plan else route.fallback()

    def hold(self) -> None:
        """Let no write through."""
        self.held = []

    def release(self) -> None:
        held, self.held = self.held or [], None
        for route in held:
            route.fallback()
