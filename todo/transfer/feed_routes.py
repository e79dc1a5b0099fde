"""Calendar feeds over HTTP: a user makes, lists and revokes them; calendars read them without a token."""

import asyncio
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from todo.api.access import NO_AGENTS, client_address
from todo.api.dependencies import CurrentCaller, UserDatabase
from todo.api.openapi.vocabulary import ANY, answers, shows
from todo.api.resources import Resources
from todo.api.route import Route
from todo.changes.actions import current_revision
from todo.formats import write
from todo.http import etags
from todo.http.json import encode
from todo.http.responses import PRIVATE, private_json
from todo.problems import Conflict, Invalid, NotFound, TooManyRequests
from todo.tasks.params import CANONICAL_UUID, NOT_MODIFIED, IfNoneMatch
from todo.tasks.responses import not_modified
from todo.transfer import feeds
from todo.transfer.calendar import events
from todo.transfer.responses import FEED
from todo.transfer.shapes import FeedMade, FeedOut

CALENDAR = "text/calendar"
NAME = "Tasks"
CALENDAR_EXAMPLE = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//todo//calendar feed//EN\r\nEND:VCALENDAR\r\n"

router = APIRouter(
    prefix="/api/{user_id}/feeds", tags=["transfer"], route_class=Route.with_access(NO_AGENTS), responses={**ANY}
)
public = APIRouter(prefix="/feeds", tags=["transfer"], route_class=Route, responses={**ANY})


@router.get("", response_model=list[FeedOut], responses={200: shows([FEED], "The feeds, newest first.")})
async def list_feeds(db: UserDatabase) -> Response:
    """List the calendar feeds.

    Their URLs are not stored and cannot be shown.
    """
    return private_json(encode(await feeds.of_user(db)))


@router.post(
    "",
    response_model=FeedMade,
    status_code=201,
    responses={
        201: shows(
            {"id": FEED["id"], "url": "/feeds/….ics", "created_at": FEED["created_at"]}, "The feed, its URL shown once."
        ),
        **answers(Conflict),
    },
)
async def make_feed(request: Request, db: UserDatabase, caller: CurrentCaller) -> Response:
    """Make a calendar feed.

    An address that calendar apps subscribe to: it shows the open tasks that have a due date, and changes nothing.
    Everybody who has the address can read it, until the feed is revoked. At most 10 of a user.
    """
    feed, secret = await feeds.make(db, caller)
    url = f"{str(request.base_url).rstrip('/')}/feeds/{secret}.ics"
    made = {"id": feed.id, "url": url, "created_at": feed.created_at}
    response = private_json(encode(made), 201)
    response.headers["Cache-Control"] = "no-store"
    return response


async def _feed_id(id: Annotated[str, Path(description="The id of the feed.")]) -> UUID | None:
    """The id, or None where it is not a canonical UUID: then no feed is found."""
    return UUID(id) if CANONICAL_UUID.fullmatch(id) else None


FeedId = Annotated[UUID | None, Depends(_feed_id)]


@router.delete(
    "/{id}", status_code=204, responses={204: {"description": "It is revoked."}, **answers(NotFound, Invalid)}
)
async def revoke_feed(db: UserDatabase, caller: CurrentCaller, id: FeedId) -> Response:
    """Revoke a calendar feed.

    Its address answers 404 from then on.
    """
    await feeds.revoke(db, caller, id)
    return Response(status_code=204, headers=PRIVATE)


@public.get(
    "/{secret}.ics",
    response_class=Response,
    responses={
        200: {
            "description": "The calendar (RFC 5545).",
            "content": {CALENDAR: {"schema": {"type": "string"}, "example": CALENDAR_EXAMPLE}},
            "headers": {"ETag": {"description": "The user's revision.", "schema": {"type": "string"}}},
        },
        **NOT_MODIFIED,
        **answers(NotFound, TooManyRequests, Invalid),
    },
)
async def read_feed(
    request: Request,
    secret: Annotated[str, Path(description="What the feed's URL was made with.")],
    show: Annotated[
        Literal["events", "tasks"],
        Query(
            alias="as", description="`events`, which all calendars show, or `tasks` (VTODO), for those that know them."
        ),
    ] = "events",
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Read a calendar feed.

    The open tasks that have a due date, those that are due first, at most 5,000 and 8 MiB of them; an alarm where they
    have `remind_at`. 404 whether there never was such a feed or it was revoked.
    """
    resources, address = Resources.of(request), client_address(request)
    limits = resources.rate_limits
    user_id = await feeds.user_of(resources.database, secret)
    if user_id is None:
        if limits is not None:  # and nobody whose feed there is
            await limits.count_guess(address)
        raise NotFound("There is no such calendar feed.")
    if limits is not None:
        await limits.count_request(f"feeds of {user_id}")  # and not among their own requests
    db = resources.database.as_user(user_id)
    revision, cached = await current_revision(db), etags.if_none_match(if_none_match)
    etag = etags.weak(revision)
    if cached is None or revision in cached:
        return not_modified(etag)
    tasks = await feeds.tasks(db)
    return Response(await asyncio.to_thread(_calendar, tasks, show), 200, PRIVATE | {"ETag": etag}, CALENDAR)


def _calendar(tasks: list[Any], show: Literal["events", "tasks"]) -> bytes:
    shown: list[dict[str, Any]] = msgspec.json.decode(encode(tasks))
    if show == "events":
        return events(shown, NAME)
    return b"".join(write("ics", shown, name=NAME))
