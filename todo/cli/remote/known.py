"""The ids and titles of all tasks of the user, by which short ids are made, read and completed.

They are kept in a file of lines, and brought up to date by the log of changes: a command asks only for what is new.
"""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from todo.cli.errors import CommandError, say
from todo.cli.new_file import new_file
from todo.cli.remote.connection import account
from todo.cli.remote.folders import state_folder
from todo.cli.remote.short_ids import ShortIds, is_whole
from todo.cli.text import one_line

if TYPE_CHECKING:
    from todo.client import Client, Task

SHOWN = 10
"""Candidates that an ambiguous id lists."""
MANY = 5000
"""Tasks after which the first reading is announced, since it takes seconds."""


@dataclass
class Known:
    """Titles by id, as of a revision. Only of tasks that are to be done is the title completed."""

    revision: int = 0
    titles: dict[str, str] = field(default_factory=dict)
    pending: set[str] = field(default_factory=set)

    def put(self, id: str, task: "Task | None") -> None:
        self.pending.discard(id)
        if task is None:
            self.titles.pop(id, None)
            return
        self.titles[id] = one_line(task.title)
        self.revision = max(self.revision, task.revision)
        if not task.completed and task.deleted_at is None:
            self.pending.add(id)

    def short_ids(self) -> ShortIds:
        return ShortIds(self.titles)


def state_file(kind: str) -> Path:
    """A file of this server and user, or token."""
    chosen = account()
    who = chosen.login.user_id if chosen.login else chosen.token or ""
    name = hashlib.sha256(f"{chosen.url}\n{who}".encode()).hexdigest()[:16]
    return state_folder() / f"{kind}-{name}"


def known_ids(client: "Client") -> ShortIds:
    return known(client).short_ids()


def kept_ids() -> ShortIds:
    """Without asking for what is new."""
    return (_load(state_file("ids")) or Known()).short_ids()


def known(client: "Client") -> Known:
    """What is known, after asking for what is new."""
    from todo.client import Gone

    file = state_file("ids")
    kept = _load(file)
    before = kept and kept.revision
    try:
        now = _updated(client, kept) if kept else _read_all(client)
    except Gone:
        before, now = None, _read_all(client)
    if now.revision != before:
        with suppress(CommandError):  # it is only slower without the file
            _save(file, now)
    return now


def _updated(client: "Client", kept: Known) -> Known:
    for change in client.changes(kept.revision, compact=True):
        kept.put(change.task_id, change.task)
        kept.revision = max(kept.revision, change.revision)
    return kept


def _read_all(client: "Client") -> Known:
    """All tasks, and what changed since the newest of them did, while they were read."""
    newest = [
        next(client.list_tasks(status=status, sort="-updated", page_size=1), None) for status in ("all", "deleted")
    ]
    since = max((task.revision for task in newest if task), default=0)
    found = Known()
    for status in ("all", "deleted"):
        for task in client.list_tasks(status=status):
            found.put(task.id, task)
            if len(found.titles) == MANY:
                say("reading the ids of all tasks, this first time")
    found.revision = since
    return _updated(client, found)


def _load(file: Path) -> Known | None:
    try:
        head, *lines = file.read_text(encoding="utf-8").splitlines()
        found = Known(revision=int(json.loads(head)["revision"]))
        for line in lines:
            mark, task_id, title = line.split("\t", 2)
            found.titles[task_id] = title
            if mark == "-":
                found.pending.add(task_id)
    except (OSError, ValueError, KeyError, TypeError):
        return None  # it is made again
    return found


def _save(file: Path, known: Known) -> None:
    lines = (f"{'-' if each in known.pending else 'x'}\t{each}\t{title}\n" for each, title in known.titles.items())
    with new_file(file, force=True) as part, part.open("w", encoding="utf-8") as opened:
        opened.write(json.dumps({"revision": known.revision}) + "\n")
        opened.writelines(lines)


def resolved(client: "Client", texts: Sequence[str]) -> list[str]:
    """The whole ids of what may be short ones. Raises CommandError for one that no task or several have."""
    if all(map(is_whole, texts)):
        return [text.lower() for text in texts]
    found = known(client)
    ids = found.short_ids()
    return [text.lower() if is_whole(text) else _resolved(found, ids, text) for text in texts]


def _resolved(known: Known, ids: ShortIds, text: str) -> str:
    found = ids.matching(text)
    if not found:
        raise CommandError(f"no task has the id {one_line(text)!r}: `todo ls` shows the ids")
    if len(found) > 1:
        listed = "; ".join(f"{ids.short(each)} {known.titles[each]}" for each in found[:SHOWN])
        more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise CommandError(f"{one_line(text)!r} may be any of these: {listed}{more}")
    return found[0]


def completions(incomplete: str) -> list[tuple[str, str]]:
    """Short ids that begin so, with titles, from the file alone: a shell waits for no server."""
    with suppress(CommandError):
        if kept := _load(state_file("ids")):
            ids = kept.short_ids()
            return [
                (short, kept.titles[each]) for each in kept.pending if (short := ids.short(each)).startswith(incomplete)
            ]
    return []
