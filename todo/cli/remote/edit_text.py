"""The text form in which `todo edit` shows a task to an editor.

Fields stand in lines such as `due: 2027-03-01`, an empty line ends them, and what follows is the description. Before
it, lines that begin with # are comments.
"""

from typing import TYPE_CHECKING

from todo.cli.errors import CommandError

if TYPE_CHECKING:
    from todo.client import Task

HELP = """\
# Change what you like, save, and close the editor. Nothing after the colon clears a field.
# due: 2027-03-01, 2027-03-01T09:00, tomorrow 9am · priority: urgent, high, medium, low · tags: with commas
# repeats: daily, weekly, every 2 weeks, or an RRULE · Below the empty line stands the description.
"""
FIELDS = ("title", "due", "priority", "tags", "repeats")


def shown(task: "Task") -> dict[str, str]:
    """The fields of a task as the text shows them."""
    return {
        "title": task.title,
        "due": task.due_date or "",
        "priority": task.priority or "",
        "tags": ", ".join(task.tags),
        "repeats": task.recurrence or "",
        "description": task.description or "",
    }


def as_text(fields: dict[str, str], comments: str = HELP) -> str:
    head = "".join(f"{name}: {fields[name]}".rstrip() + "\n" for name in FIELDS)
    description = fields["description"].rstrip("\n")
    return f"{comments}{head}\n" + (f"{description}\n" if description else "")


def parsed(text: str) -> dict[str, str]:
    """The fields that the text has. Raises CommandError for a line that is none."""
    head, _, description = text.replace("\r\n", "\n").lstrip("\n").partition("\n\n")
    found: dict[str, str] = {}
    for line in head.split("\n"):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if not colon or name not in FIELDS or name in found:
            raise CommandError(
                f"{line[:40]!r} is no field: each line before the first empty one begins with a name "
                f"such as {', '.join(f'{each}:' for each in FIELDS)} and comes once"
            )
        found[name] = value.strip()
    if not found.get("title"):
        raise CommandError("the title is missing: a line such as `title: Water the ferns`")
    return found | {"description": description.rstrip("\n")}


def changed(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
    """The fields that differ; one whose line was removed is left as it is."""
    return {name: value for name, value in after.items() if value != before[name].rstrip("\n")}


def split_tags(text: str) -> list[str]:
    return [tag.strip().removeprefix("#") for tag in text.split(",") if tag.strip()]
