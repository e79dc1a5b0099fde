"""Contract fuzzing: every operation with generated requests, valid or not, alone and in sequences (schemathesis)."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import uuid4

from drills.clients import Client, signed_up
from drills.figures import Figure, Figures
from drills.load import serving
from tests.support.operations import OPERATIONS
from tests.support.processes import free_port

EXAMPLES = {True: 1400, False: 25}  # of each operation, in each phase
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
LOGGED_ERROR = re.compile(r'^.*"level": "error".*$', re.MULTILINE)
LEAST_SHARE = 1 / 3  # of an operation's cases that are answered 2xx
FEW = 12  # cases, of which a share says nothing
STREAM = "/api/{user_id}/changes/stream"  # its response does not end; the isolation drill reads it


async def users(port: int) -> dict[str, dict[str, Any]]:
    """Sign ada and bob up, with tasks of their own."""
    described = {}
    for name, person in zip(("ada", "bob"), await signed_up(f"http://127.0.0.1:{port}", 2), strict=True):
        marker = f"only-{name}-{uuid4().hex}"
        async with Client(port, person) as client:
            made = [await client.request("POST", "/tasks", {"title": marker, "description": marker}) for _ in range(20)]
        described[name] = {
            "id": person.id,
            "email": person.email,
            "token": person.token,
            "marker": marker,
            "tasks": [json.loads(response.body)["id"] for response in made],
        }
    return described


async def contract(folder: Path, figures: Figures, *, examples: int, least: int) -> None:
    """Every operation with valid and invalid input, in sequences too; every check that schemathesis has, and ours."""
    mail_port = free_port()
    mail = {"smtp_url": f"smtp://127.0.0.1:{mail_port}", "mail_from": "todo@example.com"}
    mail["public_url"] = "https://todo.example.com"
    async with serving(folder, workers=2, access_token_lifetime=86_400, **mail) as server:
        answers = folder / "answers"
        base = f"http://127.0.0.1:{server.port}"
        command = [
            str(Path(sys.executable).parent / "st"), "--config-file", str(CONFIGURATION),
            "run", f"{base}/openapi.json", "--checks", "all", "--mode", "all",
            "--phases", "examples,coverage,fuzzing,stateful", "--max-examples", str(examples), "--workers", "1",
            "--exclude-path", STREAM, "--continue-on-failure", "--request-timeout", "30", "--no-color",
            "--report", "json", "--report-json-path", str(folder / "report.json"), "--generation-deterministic",
        ]  # fmt: skip
        variables = {
            "SCHEMATHESIS_HOOKS": "drills.contract_hooks",
            "DRILL_BASE": base,
            "DRILL_ANSWERS": str(answers),
            "DRILL_MAIL_PORT": str(mail_port),
            "DRILL_USERS": json.dumps(await users(server.port)),
        }
        done = await asyncio.to_thread(
            subprocess.run,
            command,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
        )
        log = server.log.read_text()
    found = re.search(r"Test cases:\s+([\d,]+) generated", done.stdout)
    if found is None:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    failures = re.findall(r"^- (ST\d+ .+)$", done.stdout, re.MULTILINE)
    if failures:
        print(done.stdout)
    cases = int(found[1].replace(",", ""))
    figures.check("test cases by schemathesis, with all of its checks", cases, least=least)
    figures.expect_none("  failures", failures)
    figures.expect_none("  errors in the log", LOGGED_ERROR.findall(log))
    counted(answers.read_text().splitlines(), figures)


def counted(answers: Iterable[str], figures: Figures) -> None:
    """What each operation answered: `LEAST_SHARE` of its cases must get past the checks at its entrance.

    An answer is a line: operation, status, phase and mode. The fixed list of wrong values (the phase "coverage",
    negative) is left out: all of it is meant to be refused, and in short forms it is most of the cases.
    """
    counts: dict[str, Counter[str]] = {
        each.says["operationId"]: Counter() for each in OPERATIONS if each.path != STREAM
    }
    for line in answers:
        operation, status, phase, mode = line.split()
        if (phase, mode) != ("coverage", "negative"):
            counts[operation][f"{status[0]}xx"] += 1
    for operation, count in counts.items():
        found = ", ".join(f"{kind} × {number:,}" for kind, number in sorted(count.items()))
        share = count["2xx"] / max(1, count.total())
        few = count["2xx"] > 0 and count.total() < FEW
        kept = share >= LEAST_SHARE or few
        figures.lines.append(Figure(f"  {operation}", found or "no answer", f"2xx ≥ {LEAST_SHARE:.0%}", kept))
        if not kept:
            figures.faults.append(f"{operation}: {share:.0%} of its cases were answered 2xx ({found or 'no answer'})")


def run(folder: Path, *, long: bool) -> Figures:
    """At least 20,000 cases when `long`."""
    figures = Figures("the contract, fuzzed")
    asyncio.run(contract(folder, figures, examples=EXAMPLES[long], least=20_000 if long else 1000))
    return figures
