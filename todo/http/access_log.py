"""The access log (`ACCESS_LOG`): a line for each request, when its response was sent or broke off."""

import logging
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Scope

from todo.http.errors import escaped_path
from todo.http.exchange import Exchange
from todo.logs import ACCESS

if TYPE_CHECKING:
    from todo.http.connection import ClientConnection

log = logging.getLogger(ACCESS)


class LoggedExchange(Exchange):
    """An exchange that logs itself: address, method, path without the query, status, bytes of the body, time."""

    __slots__ = ("_began", "_sent", "_status")

    def __init__(
        self, connection: "ClientConnection", scope: Scope, *, keep_alive: bool, expects_continue: bool
    ) -> None:
        super().__init__(connection, scope, keep_alive=keep_alive, expects_continue=expects_continue)
        self._began = connection.loop.time()
        self._status = self._sent = 0

    async def run(self, app: ASGIApp) -> None:
        """Call the application, then log."""
        try:
            await super().run(app)
        finally:
            took = (self._connection.loop.time() - self._began) * 1000
            client = self.scope.get("client")  # by X-Forwarded-For of a trusted proxy, where there is one
            log.info(
                "%s %s %s %s %d bytes %.1f ms%s",
                client[0] if client else "-",
                self.scope["method"],
                escaped_path(self.scope),
                self._status or "-",
                self._sent,
                took,
                "" if self.complete else ", broken off",
            )

    def _start(self, status: int, headers: Any) -> None:
        self._status = status
        super()._start(status, headers)

    def _send_body(self, body: bytes, more_body: bool) -> None:
        if self.scope["method"] != "HEAD":
            self._sent += len(body)
        super()._send_body(body, more_body)


def log_refusal(client: tuple[str, int] | None, status: int, detail: str) -> None:
    """Log what was refused before it was a request."""
    log.info("%s - - %d: %s", client[0] if client else "-", status, detail)
