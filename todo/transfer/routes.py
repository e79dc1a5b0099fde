"""Imports and exports over HTTP."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from todo.api.access import NO_AGENTS
from todo.api.dependencies import CurrentCaller, UserDatabase
from todo.api.openapi.vocabulary import ANY, answers, shows
from todo.api.resources import Resources
from todo.api.route import OwnerRoute, Route
from todo.formats import READ
from todo.http.json import encode
from todo.http.responses import PRIVATE, Streamed, private_json
from todo.http.uploads import received
from todo.problems import Conflict, ContentTooLarge, Invalid
from todo.transfer import exports, imports
from todo.transfer.reading import Import, format_of, read
from todo.transfer.responses import FILE, REPORT
from todo.transfer.shapes import ExportFile, ImportReport
from todo.values import Length, Line, TimeZone

UPLOAD = Route.with_access(NO_AGENTS, upload=True)

MEDIA_TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "ics": "text/calendar; charset=utf-8",
    "todotxt": "text/plain; charset=utf-8",
    "markdown": "text/markdown; charset=utf-8",
}
SUFFIXES = {"todotxt": "txt", "markdown": "md"}

FORMATS = ("auto", *READ)

ANY_FILE: dict[str, Any] = {
    "required": True,
    "description": "The file itself, whatever its Content-Type is said to be.",
    "content": {
        "application/json": {
            "schema": {"$ref": "#/components/schemas/ExportFile"},
            "examples": {"json": {"summary": "An export", "value": FILE}},
        },
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
    },
}

EXPORTED = shows(
    FILE,
    "The file: JSON, or what `format` names.",
    **{"Content-Disposition": "The name of the file."},
)
EXPORTED["content"] |= {
    MEDIA_TYPES[name].partition(";")[0]: {"schema": {"type": "string"}, "example": example}
    for name, example in {
        "csv": '"title","description","completed",…\r\n"Water the ferns","","false",…\r\n',
        "ics": "BEGIN:VCALENDAR\r\n…\r\nEND:VCALENDAR\r\n",
        "todotxt": "(B) 2026-11-20 Water the ferns +home due:2026-12-01\n",
        "markdown": "- [ ] Water the ferns\n",
    }.items()
}

importing = APIRouter(prefix="/api/{user_id}", tags=["transfer"], route_class=UPLOAD, responses={**ANY})
exporting = APIRouter(prefix="/api/{user_id}", tags=["transfer"], route_class=OwnerRoute, responses={**ANY})


@importing.post(
    "/import",
    response_model=ImportReport,
    responses={
        200: shows(REPORT, "What became of the rows of the file."),
        **answers(Conflict, ContentTooLarge, Invalid),
    },
    openapi_extra={"requestBody": ANY_FILE},
)
async def import_tasks(
    request: Request,
    db: UserDatabase,
    caller: CurrentCaller,
    format: Annotated[
        str, Query(max_length=20, description=f"What the file is: {', '.join(FORMATS)}. `auto` looks at its beginning.")
    ] = "auto",
    dry_run: Annotated[bool, Query(description="Only say what would be done.")] = False,
    partial: Annotated[bool, Query(description="Leave out what cannot be imported, instead of refusing all.")] = False,
    time_zone: Annotated[
        TimeZone | None,
        Query(description="The zone of times that the file gives without one.", examples=["Europe/Berlin"]),
    ] = None,
    name: Annotated[
        Annotated[Line, Length(max_length=255)] | None,
        Query(description="The file's name, by which some formats name the list."),
    ] = None,
) -> Response:
    """Import the tasks of a file.

    Of this server, or of another app. All are imported, as one batch that one undo takes back, or none: 422 names the
    rows that cannot be. Tasks that were imported before are left as they are, so that twice is once, with or without
    an `Idempotency-Key`. An import keeps `created_at` and `completed_at` of the file, and the trash of an export.

    At most one import of a user runs at a time (429), and a large one takes up to a minute.
    """
    if format not in FORMATS:
        raise Invalid.at("query", "format", msg=f"must be one of {', '.join(FORMATS)}")
    resources = Resources.of(request)
    settings, uploads = resources.settings, resources.uploads
    with uploads.of(caller.user_id):
        async with received(request, settings.max_import_bytes) as file, uploads.working():
            named = await asyncio.to_thread(format_of, file, format, name)
            with Import(named, caller.user_id, settings.max_tasks_per_user, partial) as found:
                await read(file, found, name=name, time_zone=time_zone)
                if dry_run:
                    created, revision = await imports.dry_run(db, caller, found), None
                else:
                    created, revision = await imports.run(db, caller, found)
    report = {
        "format": named,
        "read": found.read,
        "created": created,
        "existing": found.tasks - created + found.repeated,
        "problems": found.problems,
        "problem_count": found.problem_count,
        "revision": revision,
        "dry_run": dry_run,
    }
    return private_json(encode(report))


@exporting.get(
    "/export",
    response_model=ExportFile,
    responses={
        200: EXPORTED,
        **answers(Invalid),
    },
)
async def export_tasks(
    request: Request,
    db: UserDatabase,
    caller: CurrentCaller,
    format: Annotated[
        Literal["json", "csv", "ics", "todotxt", "markdown"],
        Query(description="`json` has everything, and is what an import reads back whole."),
    ] = "json",
) -> Response:
    """Export all tasks and the trash as a file.

    The tasks come in the user's own order. The connection breaks off where something fails on the way, so that half a
    file never looks whole.
    """
    unread = Resources.of(request).unread
    first = await exports.first_page(db)
    user = await exports.user(db)
    unread.refuse_when_over(caller.user_id, len(encode(first.tasks)))
    now = datetime.now(UTC)
    file = f"todo-{now:%Y-%m-%d}.{SUFFIXES.get(format, format)}"
    headers = PRIVATE | {"Content-Disposition": f'attachment; filename="{file}"'}
    return Streamed(exports.contents(db, first, format, user, now, unread), headers, MEDIA_TYPES[format])
