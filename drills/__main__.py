"""`python -m drills [name …]`: inject faults and print what was found; LONG=1 for the stored figures.

Exit status 1 where a promise was not kept. With LONG=1 the figures of each drill that ran replace its previous ones in
`drills/results/raw.json`, and the tables in `docs/explanation/reliability.md` are written again.
"""

import importlib
import json
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drills.figures import Figures, rendered

DRILLS = [
    "ledger", "isolation", "contract", "bytes", "load", "overload", "greedy", "stalled", "lifecycle", "upgrades",
    "accounts", "cpu", "shared_folder",
]  # fmt: skip

RESULTS = Path(__file__).parent / "results" / "raw.json"
PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "reliability.md"
BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->\n"


def run(name: str, *, long: bool) -> list[Figures]:
    """Run one drill in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="drill-") as folder:
        Path(folder).chmod(0o711)  # PostgreSQL, as another user than root, works below it
        figures = importlib.import_module(f"drills.{name}").run(Path(folder), long=long)
    return figures if isinstance(figures, list) else [figures]


def store(raw: dict[str, Any]) -> None:
    """Write the figures, and the tables of the page."""
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(raw, indent=1) + "\n")
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + rendered(raw) + END + after)


def main(names: list[str]) -> int:
    """Run the drills of these names, or all."""
    long = os.environ.get("LONG", "") not in {"", "0"}
    raw: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    faults: list[str] = []
    for name in names or DRILLS:
        began = time.monotonic()
        figures = run(name, long=long)
        results: dict[str, Any] = {
            name: {
                "long": long,
                "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
                "seconds": round(time.monotonic() - began),
            }
        }
        results[name]["figures"] = [each.as_dict() for each in figures]
        print(rendered(results), flush=True)
        for each in figures:
            faults += each.faults
            for fault in each.faults[:20]:
                print(f"! {fault}", flush=True)
        if long:
            raw |= results
            store({each: raw[each] for each in DRILLS if each in raw})
    print(f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
