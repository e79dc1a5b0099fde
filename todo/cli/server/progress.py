"""How far a long command is: bars on a terminal, a line for each step elsewhere, both on standard error."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from todo.cli.errors import say

if TYPE_CHECKING:
    from rich.progress import Progress

Advance = Callable[[int], None]
"""Says that so many more are done."""

INTERVAL = 0.2  # seconds between two looks at a growing file


class Steps:
    """The steps of one command, each with its own bar."""

    def __init__(self, bars: "Progress | None") -> None:
        self._bars = bars

    def say(self, line: str) -> None:
        """Print a line, above the bars where there are any."""
        if self._bars is None:
            say(line)
        else:
            self._bars.console.print(line, markup=False, highlight=False)

    @contextmanager
    def rows(self, label: str, total: int | None = None) -> Iterator[Advance]:
        """A step that is measured in rows."""
        if self._bars is None:
            say(label)
            yield lambda _: None
            return
        task = self._bars.add_task(label, total=total, unit="rows")
        yield lambda count: self._bars.advance(task, count)  # type: ignore[union-attr] # it is not None here
        done = self._bars.tasks[task].completed
        self._bars.update(task, total=total or done or 1, completed=total or done or 1)

    @contextmanager
    def file(self, label: str, path: Path) -> Iterator[None]:
        """A step that writes a file, of which nobody knows how long it will be: its bytes so far."""
        if self._bars is None:
            say(label)
            yield
            return
        task = self._bars.add_task(label, total=None, unit="bytes")
        ended = threading.Event()

        def look() -> None:
            while not ended.wait(INTERVAL):
                self._bars.update(task, completed=_size(path))  # type: ignore[union-attr] # it is not None here

        looking = threading.Thread(target=look, daemon=True)
        looking.start()
        try:
            yield
        finally:
            ended.set()
            looking.join()
        self._bars.update(task, completed=_size(path), total=_size(path) or 1)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@contextmanager
def steps() -> Iterator[Steps]:
    """Show the steps of a command while the block runs."""
    if not sys.stderr.isatty():
        yield Steps(None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:,.0f} {task.fields[unit]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        yield Steps(bars)
