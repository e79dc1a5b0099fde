"""What a drill found, as figures: each says what was tried or lost, how much, and whether that is what was promised."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    found: str
    promised: str = ""
    """What it must be, or nothing where it is only told."""
    kept: bool = True


@dataclass
class Figures:
    """All that one drill found. A fault is a sentence about a promise that was not kept."""

    drill: str
    lines: list[Figure] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def tell(self, what: str, found: Any) -> None:
        """A figure that is told and not judged."""
        self.lines.append(Figure(what, f"{found:,}" if isinstance(found, int) else str(found)))

    def judge(self, what: str, found: float, *, least: float | None = None, most: float | None = None) -> None:
        """A figure that must not be under `least` or over `most`."""
        kept = (least is None or found >= least) and (most is None or found <= most)
        bounds = [f"≥ {least:,}" if least is not None else "", f"≤ {most:,}" if most is not None else ""]
        promised = "0" if most == 0 else " and ".join(filter(None, bounds))
        self.lines.append(Figure(what, f"{found:,}", promised, kept))
        if not kept:
            self.faults.append(f"{what}: {found:,}, promised is {promised}")

    def none(self, what: str, faults: Iterable[str]) -> None:
        """How many faults of a kind there were: none, it is promised."""
        found = list(faults)
        self.lines.append(Figure(what, f"{len(found):,}", "0", not found))
        self.faults += found

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def rendered(raw: dict[str, Any]) -> str:
    """The figures that are kept, as a table of Markdown for each drill."""
    lines: list[str] = []
    for name, kept in raw.items():
        form = " LONG=1" if kept["long"] else ""
        for figures in kept["figures"]:
            lines += [
                f"**{figures['drill']}** (`make drill{form} ONLY={name}`, {kept['at']} UTC, {kept['seconds']} s)",
                "",
            ]
            lines += ["| figure | found | promised |", "|---|---|---|"]
            for line in figures["lines"]:
                missed = "" if line["kept"] else " **not kept**"
                lines.append(f"| {line['what'].strip()} | {line['found']} | {line['promised']}{missed} |")
            lines.append("")
    return "\n".join(lines) + "\n"
