"""What a server has logged, as JSON."""

import json
from pathlib import Path
from typing import Any


def log_lines(log: Path) -> list[dict[str, Any]]:
    """Every line. Raises json's error for one that is no JSON object."""
    return [json.loads(line) for line in log.read_text().splitlines()]


def access_lines(log: Path) -> list[dict[str, Any]]:
    """Those of requests, which are complete a second after a request, or once the server has ended."""
    return [line for line in log_lines(log) if line["logger"] == "todo.access"]
