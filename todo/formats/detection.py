"""Which format a file is of, by how it begins and what it is called."""

import codecs
import re

_JSON = (
    ("json", r'"format"\s*:\s*"todo"'),
    ("google", r'"kind"\s*:\s*"tasks#|"task_recurrence_id"|"status"\s*:\s*"needsAction"'),
    ("microsoft", r'"importance"\s*:|"dueDateTime"\s*:|"wellknownListName"\s*:|"@odata\.'),
    (
        "todoist",
        r'"content"\s*:[\s\S]*"(?:project_id|is_completed|checked|labels)"\s*:|"project_id"\s*:[\s\S]*"content"\s*:',
    ),
    ("json", r'"title"\s*:|^\[\s*\]\s*$'),
)
"""The first that is found in the head of a JSON document."""

_TODO_TXT = re.compile(
    r"x \d{4}-\d\d-\d\d |x [^\s].*[ ][+@]\S|\([A-Z]\) \S|\d{4}-\d\d-\d\d \S|[^,;]*[ ](?:due:\d{4}-\d\d-\d\d|[+@]\w)"
)
NOTHING_FOUND = (
    "the file is of no format that is read: our JSON, Todoist (CSV or JSON), TickTick (CSV), Microsoft To Do (JSON),"
    " Google Tasks (JSON), todo.txt, or iCalendar with tasks (.ics)"
)


def detect(head: bytes, name: str | None) -> str | None:
    """The format of a file that begins with `head`, of which 64 KB are looked at; None if it is none that is read."""
    text = _decoded(head[:65_536]).lstrip()
    ending = (name or "").lower().rpartition(".")[2]
    if text[:15].upper() == "BEGIN:VCALENDAR":
        return "ics"
    if text[:1] in ("{", "["):
        return next((found for found, pattern in _JSON if re.search(pattern, text)), None)
    first = text.split("\n", 1)[0].lower()
    columns = {column.strip(' "\r') for column in re.split("[,;]", first)}
    if {"type", "content"} <= columns:
        return "todoist"
    if re.search(r'^"?(?:folder name"?,"?)?list name"?,"?title"?,', text, re.MULTILINE | re.IGNORECASE):
        return "ticktick"
    if "\0" in text or not text:
        return None
    if ending == "txt" or (ending not in ("csv", "ics", "json") and _TODO_TXT.match(text.split("\n", 1)[0])):
        return "todotxt"
    return None


def _decoded(head: bytes) -> str:
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return head.decode("utf-16", errors="replace")
    return head.removeprefix(codecs.BOM_UTF8).decode(errors="replace")
