"""How tasks are printed."""

import sys
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from todo.cli.remote import output
from todo.cli.remote.dates import clock_of, in_words, is_overdue, local_now
from todo.cli.text import one_line, printable

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from todo.cli.remote.short_ids import ShortIds
    from todo.client import Task

PRIORITY_STYLES = {"urgent": "bold red", "high": "red", "medium": "yellow", "low": "dim"}


def task_row(task: "Task") -> tuple[str, ...]:
    """For other programs: id, `x` where completed, due date, priority, tags with commas, title."""
    done = "x" if task.completed else ""
    return task.id, done, task.due_date or "", task.priority or "", ",".join(task.tags), task.title


def task_table(tasks: Iterable["Task"], ids: "ShortIds", *, deleted: bool = False) -> "Table":
    """For people: short id, when it is due, and the title with priority and tags. It fits the terminal."""
    from rich.table import Table
    from rich.text import Text

    table, now = Table(box=None, pad_edge=False, show_header=False), local_now()
    table.add_column(no_wrap=True, style="cyan")
    table.add_column(max_width=16)
    table.add_column(overflow="fold", ratio=1)
    for task in tasks:
        when = Text(f"deleted {task.deleted_at.astimezone():%d %b}") if deleted and task.deleted_at else _due(task, now)
        table.add_row(ids.short(task.id), when, _title(task))
    return table


def _due(task: "Task", now: datetime) -> "Text":
    from rich.text import Text

    if not task.due_date:
        return Text()
    due = clock_of(task.due_date, task.time_zone)
    late = not task.completed and is_overdue(due, now)
    return Text(in_words(due, now), style="red" if late else "")


def _title(task: "Task") -> "Text":
    from rich.text import Text

    title = Text(one_line(task.title), style="dim strike" if task.completed else "")
    if task.completed:
        title = Text.assemble(("✓ ", "green"), title)
    if task.priority:
        title.append(f" !{one_line(task.priority)}", style=PRIORITY_STYLES.get(task.priority, ""))
    if task.recurrence:
        title.append(f" ↻ {one_line(task.recurrence)}", style="dim")
    for tag in task.tags:
        title.append(f" #{one_line(tag)}", style="cyan")
    return title


def summary_line(task: "Task", ids: "ShortIds | None" = None) -> str:
    """A task in one line of a message: short id, title, and when it is due."""
    due = f" ({in_words(clock_of(task.due_date, task.time_zone), local_now())})" if task.due_date else ""
    return f"{ids.short(task.id) if ids else task.id} {one_line(task.title)}{due}"


def print_task(task: "Task", ids: "ShortIds") -> None:
    """All of one task."""
    fields = {
        "id": f"{ids.short(task.id)}  {task.id}",
        "title": task.title,
        "status": f"done since {_local(task.completed_at)}" if task.completed_at else "",
        "due": _due_in_full(task),
        "priority": task.priority or "",
        "tags": ", ".join(task.tags),
        "repeats": " ".join(filter(None, (task.recurrence, task.recurrence_from and f"from {task.recurrence_from}"))),
        "reminder": _local(task.remind_at),
        "created": _local(task.created_at),
        "changed": f"{_local(task.updated_at)}, revision {task.revision}",
        "in the trash": _local(task.deleted_at) and f"since {_local(task.deleted_at)}",
    }
    rows = [(name, value) for name, value in fields.items() if value]
    output.print_rows("", "", rows=rows)
    if task.description:
        sys.stdout.write("\n")
        output.write(printable(task.description))


def _due_in_full(task: "Task") -> str:
    if not task.due_date:
        return ""
    words = in_words(clock_of(task.due_date, task.time_zone), local_now())
    return words if words == task.due_date else f"{words} ({' '.join(filter(None, (task.due_date, task.time_zone)))})"


def _local(moment: datetime | None) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}" if moment else ""
