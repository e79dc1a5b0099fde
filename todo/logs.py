"""The log: its configuration, and a form that text of clients cannot break out of."""

import logging
import re
from types import TracebackType
from typing import Any

ACCESS = "todo.access"
"""The logger of the access log, which is independent of LOG_LEVEL."""

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_EXCEPTION = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def escaped(text: str) -> str:
    """The text on one line: line ends, other control characters and changes of direction as Python escapes them."""
    return _UNSAFE.sub(lambda found: repr(found[0])[1:-1], text)


class LineFormatter(logging.Formatter):
    """One line for each event; the lines of a traceback are indented, so that none looks like an event."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 # logging calls it so
        """The line, whatever its arguments hold."""
        return escaped(super().formatMessage(record))

    def formatException(self, ei: _EXCEPTION) -> str:  # noqa: N802 # logging calls it so
        """The traceback, indented."""
        return "\n".join("  " + escaped(line) for line in super().formatException(ei).split("\n"))


def log_configuration(level: str) -> dict[str, Any]:
    """For `logging.config.dictConfig`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"()": "todo.logs.LineFormatter", "format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": {
            ACCESS: {"level": "INFO"},
            "psycopg": {"level": "ERROR"},  # its warnings repeat errors that are raised
            "alembic": {"level": "WARNING"},
        },
    }
