"""Which tasks `todo ls` and `todo watch` show, as filters of the API."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from todo.cli.errors import UsageError
from todo.cli.remote.dates import DAY, as_iso, local_now, next_day
from todo.cli.remote.fields import due_fields

if TYPE_CHECKING:
    from todo.client import Client

All = Annotated[bool, typer.Option("--all", "-a", help="All tasks but those in the trash.")]
Inbox = Annotated[bool, typer.Option("--inbox", help="All that are not done, in your own order.")]
Done = Annotated[bool, typer.Option("--done", help="Those that are done.")]
Trash = Annotated[bool, typer.Option("--trash", help="Those in the trash.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", "-t", help="With this tag; of several, with all of them.")]
Search = Annotated[str | None, typer.Option("--search", "-s", help="With these words, the last one as a beginning.")]
Priorities = Annotated[
    str | None, typer.Option("--priority", "-p", help="With one of these: high,urgent; none for those without.")
]
DueDay = Annotated[
    str | None, typer.Option("--due", "-d", help='overdue, today, week, none, or a day: 2027-03-01, "friday".')
]
Sort = Annotated[
    str | None,
    typer.Option(help="created, updated, due_date, priority, title, position or relevance; -created for descending."),
]
Limit = Annotated[int | None, typer.Option("--limit", "-l", min=1, help="At most so many.")]

DUE_WORDS = ("overdue", "today", "week", "none")
_SORTS = ("created", "updated", "due_date", "priority", "title", "position", "relevance")


@dataclass(frozen=True)
class View:
    """What was asked for. Without a view and a filter it is today's: what is due today, and what is overdue."""

    name: str = "today"
    tags: tuple[str, ...] = ()
    search: str | None = None
    priority: str | None = None
    due: str | None = None
    sort: str | None = None
    limit: int | None = None
    day: str = field(default_factory=lambda: local_now().date().isoformat())

    @property
    def is_today(self) -> bool:
        return self.name == "today"

    def filters(self) -> dict[str, Any]:
        """The parameters of the list. `due` is a word of the API, or a day."""
        status = {"trash": "deleted", "done": "completed", "all": "all"}.get(self.name, "pending")
        found: dict[str, Any] = {"status": status, "tag": list(self.tags), "sort": self.order()}
        found |= {"search": self.search, "priority": self.priority}
        if self.is_today:
            found["due_before"] = next_day(self.day)
        elif self.due in DUE_WORDS:
            found["due"] = self.due
        elif self.due:
            found |= {"due_after": self.due, "due_before": next_day(self.due)}
        return {name: value for name, value in found.items() if value}

    def order(self) -> str | None:
        if self.sort or self.search:
            return self.sort
        if self.is_today or self.due in {"overdue", "today", "week"}:
            return "due_date"
        return {"done": "-updated", "trash": "-updated"}.get(self.name, "position")


def chosen_view(
    *,
    all_: bool,
    inbox: bool,
    done: bool,
    trash: bool,
    tag: list[str] | None,
    search: str | None,
    priority: str | None,
    due: str | None,
    sort: str | None,
    limit: int | None,
) -> View:
    """Raises UsageError for two views at once, and for an unknown order."""
    named = [name for name, is_set in (("all", all_), ("inbox", inbox), ("done", done), ("trash", trash)) if is_set]
    if len(named) > 1:
        raise UsageError(f"--{named[0]} and --{named[1]}: choose one of them")
    if sort and sort.removeprefix("-") not in _SORTS:
        raise UsageError(f"--sort: one of {', '.join(_SORTS)}, with - before it for descending")
    filtered = bool(tag or search or priority or due)
    name = named[0] if named else ("inbox" if filtered else "today")
    return View(name, tuple(tag or ()), search, priority, due, sort, limit)


def with_day(view: View, client: "Client | None") -> View:
    """With the day that its `due` names in words. Raises UsageError where that is no day."""
    if view.due is None or view.due in DUE_WORDS:
        return view
    day = as_iso(view.due) or (client and due_fields(client, view.due)["due_date"])
    if not day:
        raise UsageError("--due: without a server, one of overdue, today, week, none, or a day such as 2027-03-01")
    return replace(view, due=day[:DAY])
