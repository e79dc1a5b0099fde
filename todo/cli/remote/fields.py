"""Options that set fields of a task."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from todo.cli.errors import UsageError
from todo.cli.remote.dates import as_iso

if TYPE_CHECKING:
    from todo.client import Client

Note = Annotated[str | None, typer.Option("--note", "-n", help="A description.")]
Due = Annotated[
    str | None, typer.Option("--due", "-d", help='A date and time: 2027-03-01, 2027-03-01T09:00, "tomorrow 9am".')
]
Priority = Annotated[str | None, typer.Option("--priority", "-p", help="urgent, high, medium, low or none.")]
Tag = Annotated[list[str] | None, typer.Option("--tag", "-t", help="A tag; may be repeated.")]
Repeat = Annotated[
    str | None, typer.Option("--repeat", "-r", help='daily, weekly, monthly, yearly, an RRULE, "every 2 weeks".')
]

NOTHING = "none"
"""Said for a field that is to be cleared."""


def given_fields(
    client: "Client", *, note: str | None, due: str | None, priority: str | None, repeat: str | None
) -> dict[str, Any]:
    """The fields that were given, as the API wants them. Raises UsageError for a date that is none."""
    fields: dict[str, Any] = {}
    if note is not None:
        fields["description"] = note or None
    if due is not None:
        fields |= due_fields(client, due)
    if priority is not None:
        fields["priority"] = None if priority.lower() == NOTHING else priority.lower()
    if repeat is not None:
        fields |= repeat_fields(client, repeat)
    return fields


def due_fields(client: "Client", text: str) -> dict[str, Any]:
    if text.strip().lower() in {"", NOTHING}:
        return {"due_date": None, "time_zone": None}
    if iso := as_iso(text):
        return {"due_date": iso}
    understood = client.quick_add(f"Task {text}", dry_run=True)
    if understood.title != "Task" or understood.due_date is None:
        raise UsageError(f"{text!r} is no date: say 2027-03-01, 2027-03-01T09:00, tomorrow, friday 9am, in 3 days")
    return {"due_date": understood.due_date, "time_zone": understood.time_zone}


def repeat_fields(client: "Client", text: str) -> dict[str, Any]:
    """A word or a rule as it is; what quick add understands ("every 2 weeks") by its rules."""
    if text.strip().lower() in {"", NOTHING}:
        return {"recurrence": None, "recurrence_from": None}
    if "=" in text or " " not in text.strip():
        return {"recurrence": text}
    understood = client.quick_add(f"Task {text}", dry_run=True)
    if understood.title != "Task" or understood.recurrence is None:
        raise UsageError(f"{text!r} is no repetition: say daily, weekly, every 2 weeks, every monday, or an RRULE")
    return {"recurrence": understood.recurrence, "recurrence_from": understood.recurrence_from}
