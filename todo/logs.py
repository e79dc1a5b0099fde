"""The log: its configuration, and a form that text of clients cannot break out of.

All loggers are those of `logging`; structlog makes the lines: JSON, or text for people.
"""

import logging
import os
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

from todo.observation import CURRENT

ACCESS = "todo.access"
"""The logger of the access log, which is independent of LOG_LEVEL."""

Format = Literal["auto", "json", "text"]

FIELDS = ("request_id", "client", "user", "bytes", "ms", "database_ms", "broken_off", "refused", "trace_id")
"""Of what a logger is given as `extra`, that which is shown."""

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def escaped(text: str) -> str:
    """The text on one line: line ends, other control characters and changes of direction as Python escapes them."""
    return _UNSAFE.sub(lambda found: repr(found[0])[1:-1], text)


def is_text(chosen: Format) -> bool:
    """Whether lines are text for people, and not JSON: on a terminal, where nothing else is chosen."""
    return chosen == "text" or (chosen == "auto" and sys.stderr.isatty())


def _add_request_id(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Name the request in whose task something is logged."""
    record = CURRENT.get()
    if record is not None and record.request_id:
        event.setdefault("request_id", record.request_id)
    return event


def _on_one_line(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape every text; the lines of a traceback are indented, so that none looks like an event."""
    for name, value in event.items():
        if name == "exception":
            event[name] = "\n".join("  " + escaped(line) for line in str(value).split("\n"))
        elif isinstance(value, str):
            event[name] = escaped(value)
    return event


def _in_order(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """What every line has comes first."""
    return {name: event[name] for name in ("timestamp", "level", "logger", "event")} | {**event}


def formatter(*, text: bool, colors: bool = False) -> logging.Formatter:
    """Lines of JSON, or of text, for every logger. Tracebacks have no values of variables, which may be secrets."""
    from structlog import dev, processors, stdlib

    added: list[Any] = [
        processors.TimeStamper("%Y-%m-%d %H:%M:%S", utc=False) if text else processors.TimeStamper("iso"),
        stdlib.add_log_level,
        stdlib.add_logger_name,
        stdlib.ExtraAdder(allow=FIELDS),
        _add_request_id,
        processors.format_exc_info,
    ]
    rendered: list[Any] = [stdlib.ProcessorFormatter.remove_processors_meta]
    if text:
        rendered += [_on_one_line, dev.ConsoleRenderer(colors=colors, pad_event_to=0)]
    else:
        rendered += [_in_order, processors.JSONRenderer()]
    return stdlib.ProcessorFormatter(foreign_pre_chain=added, processors=rendered)


def log_configuration(level: str, chosen: Format = "auto") -> dict[str, Any]:
    """For `logging.config.dictConfig`, here and in each worker."""
    text = is_text(chosen)
    colors = text and sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": "todo.logs.formatter", "text": text, "colors": colors}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": {
            ACCESS: {"level": "INFO"},
            "psycopg": {"level": "ERROR"},  # its warnings repeat errors that are raised
            "alembic": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},  # it logs URLs, which have ids and what is searched for
            "mcp": {"level": "ERROR"},  # its warnings repeat what clients send
        },
    }
