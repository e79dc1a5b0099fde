"""The report of `todo doctor`."""

import json
from typing import Any

from tests.support.processes import run_command


def examined(*arguments: str, status: int, **settings: Any) -> dict[str, dict[str, Any]]:
    """What the command found, by topic; it must end with this status."""
    done = run_command("doctor", "--json", *arguments, **settings)
    assert done.returncode == status, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert (report["problems"] > 0) == bool(status)
    for finding in report["findings"]:
        assert (finding["level"] in {"warning", "problem"}) <= bool(finding["advice"]), finding
    return {finding["topic"]: finding for finding in report["findings"]}


def levels(found: dict[str, dict[str, Any]], *topics: str) -> dict[str, str]:
    return {topic: found[topic]["level"] for topic in topics}
