"""The results of a drill, as figures: what was counted or measured, and the limit that was promised for it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    found: str
    promised: str = ""
    """The limit, or nothing where there is none."""
    kept: bool = True
    """Whether it is within the limit."""


@dataclass
class Figures:
    """All figures of one drill. A fault is a sentence about a promise that was not kept."""

    drill: str
    lines: list[Figure] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def report(self, what: str, found: Any) -> None:
        """Add a figure without a limit."""
        self.lines.append(Figure(what, f"{found:,}" if isinstance(found, int) else str(found)))

    def check(self, what: str, found: float, *, least: float | None = None, most: float | None = None) -> None:
        """Add a figure that must be at least `least` and at most `most`."""
        kept = (least is None or found >= least) and (most is None or found <= most)
        bounds = [f"≥ {least:,}" if least is not None else "", f"≤ {most:,}" if most is not None else ""]
        promised = "0" if most == 0 else " and ".join(filter(None, bounds))
        self.lines.append(Figure(what, f"{found:,}", promised, kept))
        if not kept:
            self.faults.append(f"{what}: {found:,}, promised is {promised}")

    def expect_none(self, what: str, faults: Iterable[str]) -> None:
        """Add the number of faults of a kind, which must be 0."""
        found = list(faults)
        self.lines.append(Figure(what, f"{len(found):,}", "0", not found))
        self.faults += found

    def as_dict(self) -> dict[str, Any]:
        """The figures for JSON."""
        return asdict(self)


def others(statuses: Counter[int], *wanted: int) -> list[str]:
    """The answers with none of the statuses that are wanted."""
    return [f"{count} × status {status}" for status, count in statuses.items() if status not in wanted]


def rendered(raw: dict[str, Any]) -> str:
    """The stored figures as Markdown, a table for each drill."""
    lines: list[str] = []
    for name, stored in raw.items():
        form = " LONG=1" if stored["long"] else ""
        for figures in stored["figures"]:
            lines += [
                f"**{figures['drill']}** (`make drill{form} ONLY={name}`, {stored['at']} UTC, {stored['seconds']} s)",
                "",
            ]
            lines += ["| figure | found | promised |", "|---|---|---|"]
            for line in figures["lines"]:
                missed = "" if line["kept"] else " **not kept**"
                lines.append(f"| {line['what'].strip()} | {line['found']} | {line['promised']}{missed} |")
            lines.append("")
    return "\n".join(lines) + "\n"
