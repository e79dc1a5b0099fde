"""`todo doctor`: checks a deployment, and says what to do."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from todo.doctor.finding import Finding

MARKS = {"ok": "ok     ", "warning": "warning", "problem": "PROBLEM", "skipped": "skipped"}


def doctor(
    url: Annotated[str | None, typer.Option(help="The public URL: asks the server through its proxies.")] = None,
    grace: Annotated[
        float | None, typer.Option(min=0, help="Seconds that the process has to stop before it is killed.")
    ] = None,
    backups: Annotated[Path | None, typer.Option(help="A folder with backups: how old is the newest?")] = None,
    max_age: Annotated[float, typer.Option(min=0, help="Hours that the newest backup may be old.")] = 26.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Check the machine, the settings, the database and the public URL; exit status 1 where there is a problem.

    The same environment variables as for `todo serve`. TODO_TOKEN may hold an API token, to check event streams.
    """
    from todo.doctor.examination import Questions, findings

    questions = Questions(url, os.environ.get("TODO_TOKEN") or None, grace, backups, max_age)
    found = []
    for finding in findings(questions):
        found.append(finding)
        if not as_json:
            _print(finding)
    problems = sum(finding.level == "problem" for finding in found)
    if as_json:
        typer.echo(json.dumps({"problems": problems, "findings": [asdict(finding) for finding in found]}, indent=2))
    else:
        warnings = sum(finding.level == "warning" for finding in found)
        typer.echo(f"\n{problems} problems, {warnings} warnings")
    if problems:
        raise typer.Exit(1)


def _print(finding: "Finding") -> None:
    typer.echo(f"{MARKS[finding.level]}  {finding.topic}: {finding.message}")
    if finding.advice:
        typer.echo(f"         -> {finding.advice}")
