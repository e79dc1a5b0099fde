"""A checklist in Markdown (CommonMark, with the task lists of GitHub), to be read by people; it is not read back."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from tempfile import SpooledTemporaryFile
from typing import Any

Task = Mapping[str, Any]

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&$@])")
_AT_START = re.compile(r"^(\d{1,9}(?=[.)])|(?=[-+#=]))([-+#=.)])")
_ADDRESS = re.compile(r"https?://[^\s<>()\[\]\\`\"']*[^\s<>()\[\]\\`\"'.,;:!?]")
MAX_IN_MEMORY = 1_048_576
"""Bytes of completed tasks, which stand behind the open ones; more wait in a temporary file."""


def pieces(tasks: Iterable[Task], trash: Iterable[Task], name: str) -> Iterator[bytes]:
    yield f"# {_inline(name)}\n".encode()
    with SpooledTemporaryFile(MAX_IN_MEMORY) as done:
        yield from _section("Open", _open(tasks, done))
        done.seek(0)
        yield from _section("Done", done)
    yield from _section("Trash", map(_written, trash))


def _open(tasks: Iterable[Task], done: SpooledTemporaryFile[bytes]) -> Iterator[bytes]:
    for task in tasks:
        if task.get("completed"):
            done.write(_written(task))
        else:
            yield _written(task)


def _section(heading: str, lines: Iterable[bytes]) -> Iterator[bytes]:
    for number, line in enumerate(lines):
        if number == 0:
            yield f"\n## {heading}\n\n".encode()
        yield line


def _written(task: Task) -> bytes:
    return "".join(f"{line}\n" for line in _lines(task)).encode()


def _lines(task: Task) -> Iterator[str]:
    yield f"- [{'x' if task.get('completed') else ' '}] {_inline(task['title'])}"
    facts = [f"{label}: {_inline(str(shown))}" for label, show in FACTS.items() if (shown := show(task))]
    if facts:
        yield "  " + " · ".join(facts)
    for line in (task.get("description") or "").split("\n") if task.get("description") else ():
        yield f"  > {_inline(line)}".rstrip()


def _due(task: Task) -> str:
    due = (task.get("due_date") or "").replace("T", " ")
    return f"{due} {task['time_zone']}" if due and task.get("time_zone") else due


FACTS: dict[str, Callable[[Task], Any]] = {
    "Due": _due,
    "Priority": lambda task: task.get("priority"),
    "Tags": lambda task: ", ".join(task.get("tags") or ()),
    "Repeats": lambda task: task.get("recurrence"),
    "Reminder": lambda task: task.get("remind_at"),
    "Completed": lambda task: task.get("completed_at"),
}


def _inline(text: str) -> str:
    """One line, escaped, but for addresses of the web, which become links."""
    text = text.replace("\n", " ").strip()
    parts: list[str] = []
    at = 0
    for address in _ADDRESS.finditer(text):
        parts += [_SPECIAL.sub(r"\\\1", text[at : address.start()]), f"<{address[0]}>"]
        at = address.end()
    return _AT_START.sub(r"\1\\\2", "".join([*parts, _SPECIAL.sub(r"\\\1", text[at:])]))
