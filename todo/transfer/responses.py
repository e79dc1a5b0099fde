"""How imports and exports are answered: their errors, and examples for the OpenAPI document."""

from todo.api.openapi.vocabulary import NULL
from todo.formats import READ
from todo.problems import Invalid, Problem, TooManyRequests
from todo.transfer.errors import ImportRunning, RowsRefused, TransferError, UnknownFormat
from todo.transfer.rows import said

REPORT = {
    "format": "json",
    "read": 3,
    "created": 2,
    "existing": 1,
    "problems": [{"line": 12, "message": "created_at: is put into the years from 1970 to now"}],
    "problem_count": 1,
    "revision": 42,
    "dry_run": False,
}
FEED = {
    "id": "4e1c0b1a-5a0f-4c4d-9a53-6a3b6d0a7f11",
    "created_at": "2026-11-29T08:30:00.000000Z",
    "last_used_at": NULL,
}
FILE = {
    "format": "todo",
    "version": 1,
    "tasks": [{"id": "019ac8f6-5c00-7000-8000-000000000001", "title": "Water the ferns"}],
}


def problem_of(error: TransferError) -> Problem:
    """How the API words what kept a file from being imported."""
    match error:
        case UnknownFormat():
            known = ", ".join(READ)
            return Invalid.at("query", "format", msg=f"the file is not recognised: say what it is, one of {known}")
        case ImportRunning():
            return TooManyRequests("An import of yours is running: wait until it has ended.", retry_after=5)
        case RowsRefused(errors=errors, count=count):
            some = "; ".join(f"line {each['loc'][1]}: {said(each)}" for each in errors[:5])
            return Invalid(
                f"Nothing was imported: {count:,} of the rows cannot be (partial=true imports the others): {some}",
                errors=list(errors),
            )
    raise error  # a fact that this interface has no words for is a bug
