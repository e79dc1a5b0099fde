"""What an operator sees: the log, and the one place where a bug becomes an answer."""

import logging
import logging.config
import uuid
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todo.problems import Problem, render

log = logging.getLogger("todo")


class NotOfClosings(logging.Filter):
    """Leaves out what the pool says of each connection that we close and give back."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        return not str(record.msg).startswith("discarding closed connection")


def log_configuration(level: str) -> dict[str, Any]:
    """The configuration of Python's logging: a line an event, on standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"closings": {"()": NotOfClosings}},
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": {
            "psycopg": {"level": "ERROR"},  # its warnings repeat errors that are raised
            "psycopg.pool": {"level": "WARNING", "filters": ["closings"]},
            "alembic": {"level": "WARNING"},
        },
    }


class Bugs:
    """Answers what nobody caught with a 500 that tells nothing but a request id, which stands in the log.

    When the answer had already begun, the connection is broken instead, so that half an answer never
    looks whole.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            log.debug("a client hung up in the middle of its request: %s %s", scope["method"], scope["path"])
        except Exception:
            request_id = str(uuid.uuid4())
            log.exception("request %s failed: %s %s", request_id, scope["method"], scope["path"])
            if begun:
                raise
            bug = Problem(
                "Something went wrong on our side. The request id finds it in the log.", request_id=request_id
            )
            await render(bug, scope)(scope, receive, send)
