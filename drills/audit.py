"""Known vulnerabilities of what the lock files name, by pip-audit, which lives in an environment of its own.

Exit status 1 when there are some, and 3 when the service that knows them cannot be asked from here: pip-audit itself
finds nothing, and says so with success, where the service answers but knows none of the packages.
"""

import json
import subprocess
import sys
from typing import Any

LOCKS = ("requirements.lock", "requirements-serve.lock")
CANNOT_RUN = 3


def asked(program: str, lock: str) -> tuple[str, str]:
    """What pip-audit says of one lock file, as JSON, and what it says besides."""
    command = [program, "--progress-spinner=off", "--disable-pip", "--require-hashes", "--format=json", "-r", lock]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    return done.stdout, done.stderr


def judged(lock: str, said: str, besides: str) -> tuple[int, list[str]]:
    """The exit status, and the lines to print."""
    try:
        found: list[dict[str, Any]] = json.loads(said)["dependencies"]
    except ValueError:
        last = (besides.strip().splitlines() or ["pip-audit said nothing"])[-1]
        return CANNOT_RUN, [f"{lock}: cannot run here: {last}"]
    lines = [
        f"{lock}: {each['name']} {each['version']}: {known['id']}, mended in {_versions(known)}"
        for each in found
        for known in each.get("vulns", ())
    ]
    status = 1 if lines else 0
    unknown = [each for each in found if "skip_reason" in each]
    if unknown or not found:
        why = unknown[0]["skip_reason"] if unknown else "nothing was looked up"
        lines.append(f"{lock}: cannot run here: {len(unknown)} of {len(found)} were not looked up, such as: {why}")
        return status or CANNOT_RUN, lines
    return status, [*lines, f"{lock}: {len(found)} looked up"]


def _versions(known: dict[str, Any]) -> str:
    return ", ".join(known["fix_versions"]) or "none yet"


def main(program: str) -> int:
    """Print what is known; the worst exit status, of which a vulnerability is."""
    statuses = set()
    for lock in LOCKS:
        status, lines = judged(lock, *asked(program, lock))
        statuses.add(status)
        print("\n".join(lines))
    return 1 if 1 in statuses else max(statuses)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
