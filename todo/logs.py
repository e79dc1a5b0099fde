"""The configuration of the log: a line for each event, on standard error."""

from typing import Any


def log_configuration(level: str) -> dict[str, Any]:
    """For `logging.config.dictConfig`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": {
            "psycopg": {"level": "ERROR"},  # its warnings repeat errors that are raised
            "alembic": {"level": "WARNING"},
        },
    }
