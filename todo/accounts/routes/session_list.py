"""The sessions of a user over HTTP: the devices that are signed in."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from todo.accounts import session_list
from todo.accounts.responses import NO_CONTENT, no_content, secret_json
from todo.accounts.shapes import SessionOut
from todo.api.access import SIGNED_IN
from todo.api.dependencies import CurrentCaller
from todo.api.openapi.vocabulary import ANY, NULL, answers, shows
from todo.api.resources import Resources
from todo.api.route import Route
from todo.problems import NotFound

THIS_DEVICE = {
    "id": "8a1b0c5f3e6d4f7a9b2c1d0e8f7a6b5c",
    "created_at": "2026-11-22T08:29:00.000000Z",
    "last_used_at": "2026-11-28T17:05:41.250000Z",
    "expires_at": "2026-12-28T17:05:41.250000Z",
    "client": "Firefox on Linux",
    "current": True,
}
ANOTHER = {
    "id": "0e9d8c7b6a5f4e3d2c1b0a9f8e7d6c5b",
    "created_at": "2026-11-20T19:40:12.000000Z",
    "last_used_at": "2026-11-20T19:40:12.000000Z",
    "expires_at": "2026-12-20T19:40:12.000000Z",
    "client": NULL,
    "current": False,
}

router = APIRouter(
    prefix="/api/auth/sessions", tags=["accounts"], route_class=Route.with_access(SIGNED_IN), responses={**ANY}
)


@router.get("", response_model=list[SessionOut], responses={200: shows([THIS_DEVICE, ANOTHER], "The sessions.")})
async def list_sessions(request: Request, caller: CurrentCaller) -> Response:
    """List the sessions: the devices that are signed in.

    The one that was used last comes first. A user has at most 100: one more sign-in ends the one that was not used
    for longest.
    """
    return secret_json(await session_list.of_user(Resources.of(request).database, caller))


@router.delete("/{id}", status_code=204, responses={**NO_CONTENT, **answers(NotFound)})
async def end_session(
    request: Request, caller: CurrentCaller, id: Annotated[str, Path(description="The id of the session.")]
) -> Response:
    """Sign one device out.

    Its refresh token ends. It may be the session of this request. An access token is valid until it expires.
    """
    await session_list.end(Resources.of(request).database, caller.user_id, id)
    return no_content()
