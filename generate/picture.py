"""The architecture as a picture: packages as boxes in the layers of import-linter, imports as arrows with numbers."""

import re
from html import escape
from typing import NamedTuple

from generate.imports import Imports

NARROW, MARGIN = 1000, 24
"""The width of the picture, unless a row needs more; and the space around it."""

ROW, HEIGHT = 104, 36
PORT = 22  # pixels between two arrows that leave a box
NARROWEST, GAPS = 112, (28, 150)  # of a box; between two of them
SHIFTS = (0, -170, 170)  # of rows with one box, so that arrows do not run behind them

LABELLED = 'aria-labelledby="title description"'

BEGIN, END = "<!-- generated: packages -->", "<!-- end of what is generated -->"

STYLE = """
svg { color-scheme: light dark; --paper: #fff; --ink: #1f2430; --box: #eef1fb; --line: #3949ab; --weak: #9aa3b8; }
@media (prefers-color-scheme: dark) {
  svg { --paper: #1e2129; --ink: #e6e8ee; --box: #2b3145; --line: #9fb0ff; --weak: #6b7388; }
}
.paper { fill: var(--paper); }
text { fill: var(--ink); font: 15px system-ui, sans-serif; text-anchor: middle; }
text.count { font-size: 11px; paint-order: stroke; stroke: var(--paper); stroke-width: 3px; }
rect.box { fill: var(--box); stroke: var(--line); stroke-width: 1.5; }
rect.outside { stroke-dasharray: 5 4; }
path.line { fill: none; stroke: var(--line); stroke-width: 1.8; }
path.weak { stroke: var(--weak); stroke-width: 1; }
.head { fill: var(--line); }
.weak-head { fill: var(--weak); }
"""


class Box(NamedTuple):
    name: str
    x: float
    y: float
    width: float

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


def drawn(imports: Imports) -> str:
    """The picture as SVG, with a title and a description in words."""
    boxes, width = _placed(imports)
    essential = imports.essential()
    lines, counts = [], []
    for box in boxes.values():
        for x, target in _ports(box, boxes, imports):
            strong = (box.name, target.name) in essential
            number = imports.counts[box.name, target.name]
            if target.y == box.y:
                lines.append((strong, _sideways(box, target, strong=strong)))
                counts.append(_count((box.x + box.width + target.x) / 2, box.y + HEIGHT / 2 - 6, number))
                continue
            lines.append((strong, _arrow(x, box.y + HEIGHT, _entry(x, target), target.y, strong=strong)))
            counts.append(_count(x, box.y + HEIGHT + 13, number))
    shapes = [line for _, line in sorted(lines)] + [_box(box, imports) for box in boxes.values()] + counts
    height = len(imports.rows) * ROW - ROW + HEIGHT + 2 * MARGIN
    heads = "".join(
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path class="{name}" d="M0 0 8 4 0 8z"/></marker>'
        for name in ("head", "weak-head")
    )
    size = f'width="{width:.0f}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" role="img" {LABELLED}>',
        '<title id="title">The packages of todo, in layers, and their imports</title>',
        f'<desc id="description">{escape(_in_words(imports))}</desc>',
        f"<style>{STYLE}</style>",
        f"<defs>{heads}</defs>",
        f'<rect class="paper" {size}/>',
        *shapes,
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _placed(imports: Imports) -> tuple[dict[str, Box], float]:
    """The boxes by name, and the width of the whole."""
    boxes = {}
    sizes = [[_width(name, imports) for name in row] for row in imports.rows]
    width = max(NARROW, *(sum(row) + GAPS[0] * (len(row) - 1) + 2 * MARGIN for row in sizes))
    for number, row in enumerate(imports.rows):
        between = min(GAPS[1], (width - 2 * MARGIN - sum(sizes[number])) / max(1, len(row) - 1))
        whole = sum(sizes[number]) + between * (len(row) - 1)
        x = (width - whole) / 2 + (SHIFTS[number % len(SHIFTS)] if len(row) == 1 else 0)
        for name, size in zip(row, sizes[number], strict=True):
            boxes[name] = Box(name, x, MARGIN + number * ROW, size)
            x += size + between
    return boxes, width


def _width(name: str, imports: Imports) -> float:
    return max(NARROWEST, PORT * sum(source == name for source, _ in imports.counts) + 12, 9 * len(name) + 16)


def _ports(box: Box, boxes: dict[str, Box], imports: Imports) -> list[tuple[float, Box]]:
    """Where the arrows leave a box, from left to right as their targets are."""
    targets = sorted(
        (boxes[to] for source, to in imports.counts if source == box.name), key=lambda to: (to.middle, to.y)
    )
    start = box.middle - PORT * (len(targets) - 1) / 2
    return [(start + PORT * number, target) for number, target in enumerate(targets)]


def _entry(x: float, target: Box) -> float:
    """Where an arrow from `x` reaches the box: as near as there is room."""
    return min(max(x, target.x + 10), target.x + target.width - 10)


def _arrow(x: float, y: float, to_x: float, to_y: float, *, strong: bool) -> str:
    bend = (to_y - y) / 2
    return _line(
        f"M{x:.0f} {y:.0f}C{x:.0f} {y + bend:.0f} {to_x:.0f} {to_y - bend:.0f} {to_x:.0f} {to_y - 2:.0f}", strong
    )


def _sideways(box: Box, target: Box, *, strong: bool) -> str:
    """An arrow to a package of the same layer."""
    right = target.x > box.x
    start, end = (box.x + box.width, target.x - 2) if right else (box.x, target.x + target.width + 2)
    return _line(f"M{start:.0f} {box.y + HEIGHT / 2:.0f}H{end:.0f}", strong)


def _count(x: float, y: float, number: int) -> str:
    return f'<text class="count" x="{x:.0f}" y="{y:.0f}">{number}</text>'


def _line(path: str, strong: bool) -> str:
    kind, head = ("line", "head") if strong else ("line weak", "weak-head")
    return f'<path class="{kind}" marker-end="url(#{head})" d="{path}"/>'


def _box(box: Box, imports: Imports) -> str:
    kind = "box outside" if box.name in imports.outside else "box"
    return (
        f'<rect class="{kind}" x="{box.x:.0f}" y="{box.y}" width="{box.width:.0f}" height="{HEIGHT}" rx="6"/>'
        f'<text x="{box.middle:.0f}" y="{box.y + HEIGHT / 2 + 5:.0f}">{escape(box.name)}</text>'
    )


def _in_words(imports: Imports) -> str:
    layers = "; ".join(" and ".join(row) for row in imports.rows)
    each = "; ".join(f"{name} imports {_targets(name, imports)}" for row in imports.rows for name in row)
    return f"From top to bottom: {layers}. {each}."


def _targets(name: str, imports: Imports) -> str:
    found = [f"{to} ({count})" for (source, to), count in imports.counts.items() if source == name]
    return ", ".join(found) or "none"


def with_table(page: str, imports: Imports) -> str:
    """The page with the packages, their purposes and their imports as a table between its two marks."""
    rows = ["| package | purpose | imports |", "|---|---|---|"]
    for row in imports.rows:
        rows += [f"| `{name}` | {imports.purposes[name]} | {_targets(name, imports)} |" for name in row]
    table = "\n".join([BEGIN, "", *rows, "", END])
    return re.sub(f"{BEGIN}.*?{END}", lambda _: table, page, flags=re.DOTALL)
