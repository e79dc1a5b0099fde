"""Creating a task from one line of text."""

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Body, Query
from pydantic import ValidationError
from sqlmodel import Field, SQLModel
from starlette.requests import Request
from starlette.responses import Response

from todo.api.dependencies import CurrentCaller, UserDatabase
from todo.api.openapi.vocabulary import ANY, BODY, NULL, answers, shows
from todo.api.route import OwnerRoute
from todo.http.json import encode
from todo.http.responses import private_json
from todo.problems import Conflict, Invalid
from todo.tasks import actions
from todo.tasks.quick_add import QuickAdd, parse
from todo.tasks.responses import CREATED, EXAMPLE, task_response
from todo.tasks.shapes import NewTask, TaskOut
from todo.values import Length, Line, NotBlank, TimeZone

TEXT_LENGTH = 1000


class QuickLine(SQLModel):
    """A line of text, and the clock of the person who wrote it."""

    text: Annotated[Line, NotBlank(), Length(min_length=1, max_length=TEXT_LENGTH)] = Field(
        description="A title, and at its end when it is due, how it repeats, `#tags` and `!priority`."
    )
    time_zone: TimeZone | None = Field(
        None, description="Whose today and tomorrow are meant: a name of the IANA database; UTC by default."
    )


class QuickTask(SQLModel):
    """What was understood."""

    title: str = Field(description="What is left of the text.")
    due_date: str | None = Field(description="A day or a local time, or null.")
    time_zone: str | None = Field(description="That of the request, where there is a time or a repetition.")
    priority: str | None = Field(description="`low`, `medium`, `high`, `urgent` or null.")
    tags: list[str] = Field(description="In their order.")
    recurrence: str | None = Field(description="A word or an RRULE, or null.")
    recurrence_from: str | None = Field(description="`completion` or null.")
    recognised: list[str] = Field(description="The pieces of the text that were understood, in their order.")


LINE = "Pay rent tomorrow 9am #home !high every month"
UNDERSTOOD = {
    "title": "Pay rent",
    "due_date": "2027-03-01T09:00",
    "time_zone": "Europe/Berlin",
    "priority": "high",
    "tags": ["home"],
    "recurrence": "monthly",
    "recurrence_from": NULL,
}

router = APIRouter(
    prefix="/api/{user_id}/tasks/quick", tags=["tasks"], route_class=OwnerRoute, responses={**ANY}
)  # fmt: skip


@router.post(
    "",
    response_model=TaskOut,
    status_code=201,
    responses={
        201: shows(EXAMPLE | UNDERSTOOD, "The new task.", **CREATED),
        200: {
            "model": QuickTask,
            **shows(
                UNDERSTOOD | {"recognised": ["tomorrow", "9am", "#home", "!high", "every month"]},
                "With `dry_run`: what was understood.",
            ),
        },
        **answers(Conflict),
        **BODY,
    },
)
async def quick_add_task(
    request: Request,
    db: UserDatabase,
    caller: CurrentCaller,
    line: Annotated[
        QuickLine,
        Body(
            openapi_examples={
                "line": {"summary": "With everything", "value": {"text": LINE, "time_zone": "Europe/Berlin"}},
                "title": {"summary": "A title alone", "value": {"text": "Plan March release"}},
            }
        ),
    ],
    dry_run: Annotated[bool, Query(description="Say what is understood, and create nothing.")] = False,
) -> Response:
    """Create a task from a line of text.

    Only what stands at the end of the line is read: dates and times, `every …`, `#tags` and `!priority`, in any order.
    The rest is the title. A backslash before a word keeps it in the title.
    """
    understood = parse(line.text, datetime.now(ZoneInfo(line.time_zone) if line.time_zone else UTC))
    fields = _fields(understood, line.time_zone)
    try:
        task = NewTask.model_validate(fields)
    except ValidationError as error:
        errors = [
            {**each, "loc": ("body", "text"), "msg": f"its {each['loc'][0]}: {each['msg']}"}
            for each in error.errors(include_url=False)
        ]
        raise Invalid.of(errors) from None
    if dry_run:
        return private_json(encode({**fields, "recognised": understood.recognised}))
    created, _ = await actions.create(db, task, caller)
    path = quote(request.scope["path"]).rstrip("/").removesuffix("/quick")
    return task_response(created, 201, Location=f"{path}/{created.id}")


def _fields(understood: QuickAdd, time_zone: str | None) -> dict[str, Any]:
    timed = understood.recurrence is not None or "T" in (understood.due_date or "")
    return {
        "title": understood.title,
        "due_date": understood.due_date,
        "time_zone": time_zone if timed else None,
        "priority": understood.priority,
        "tags": list(understood.tags),
        "recurrence": understood.recurrence,
        "recurrence_from": understood.recurrence_from,
    }
