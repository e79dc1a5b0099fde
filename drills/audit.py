"""Known vulnerabilities of the packages in the lock files, by pip-audit, which has an environment of its own.

Exit status 1 when there are some, and 3 when the vulnerability service cannot be queried from here: pip-audit itself
reports success and no vulnerability where the service responds but knows none of the packages.
"""

import json
import subprocess
import sys
from typing import Any

LOCKS = ("requirements.lock", "requirements-serve.lock")
CANNOT_RUN = 3


def audited(program: str, lock: str) -> tuple[str, str]:
    """The output of pip-audit for one lock file, as JSON, and its error output."""
    command = [program, "--progress-spinner=off", "--disable-pip", "--require-hashes", "--format=json", "-r", lock]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    return done.stdout, done.stderr


def judged(lock: str, output: str, errors: str) -> tuple[int, list[str]]:
    """The exit status, and the lines to print."""
    try:
        found: list[dict[str, Any]] = json.loads(output)["dependencies"]
    except ValueError:
        last = (errors.strip().splitlines() or ["pip-audit printed nothing"])[-1]
        return CANNOT_RUN, [f"{lock}: cannot run here: {last}"]
    lines = [
        f"{lock}: {each['name']} {each['version']}: {vulnerability['id']}, mended in {_versions(vulnerability)}"
        for each in found
        for vulnerability in each.get("vulns", ())
    ]
    status = 1 if lines else 0
    unknown = [each for each in found if "skip_reason" in each]
    if unknown or not found:
        reason = unknown[0]["skip_reason"] if unknown else "nothing was looked up"
        lines.append(f"{lock}: cannot run here: {len(unknown)} of {len(found)} were not looked up, such as: {reason}")
        return status or CANNOT_RUN, lines
    return status, [*lines, f"{lock}: {len(found)} looked up"]


def _versions(vulnerability: dict[str, Any]) -> str:
    return ", ".join(vulnerability["fix_versions"]) or "none yet"


def main(program: str) -> int:
    """Print the known vulnerabilities; the worst exit status, where 1 is the worst."""
    statuses = set()
    for lock in LOCKS:
        status, lines = judged(lock, *audited(program, lock))
        statuses.add(status)
        print("\n".join(lines))
    return 1 if 1 in statuses else max(statuses)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
