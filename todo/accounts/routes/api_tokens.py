"""Personal API tokens over HTTP."""

from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Body, Path
from starlette.requests import Request
from starlette.responses import Response

from todo.accounts import api_tokens
from todo.accounts.responses import NO_CONTENT, no_content, secret_json
from todo.accounts.shapes import ApiTokenMade, ApiTokenOut, NewApiToken
from todo.api.access import SIGNED_IN
from todo.api.dependencies import CurrentCaller
from todo.api.openapi.vocabulary import ANY, BODY, NULL, answers, shows
from todo.api.resources import Resources
from todo.api.route import Route
from todo.problems import Conflict, NotFound

API_TOKEN = {
    "id": "0d3f6a1f-2b77-4b59-9c39-5f0c7f8e4d3f",
    "name": "the script that waters the ferns",
    "scope": "write",
    "created_at": "2026-11-22T08:29:00.000000Z",
    "expires_at": "2027-11-22T08:29:00.000000Z",
    "last_used_at": NULL,
    "agent": False,
    "permissions": NULL,
    "tag": NULL,
    "deletions_per_hour": NULL,
}
AGENT = {"name": "meal planner", "tag": "groceries", "permissions": ["create", "edit", "complete"]}

router = APIRouter(
    prefix="/api/auth/tokens", tags=["accounts"], route_class=Route.with_access(SIGNED_IN), responses={**ANY}
)


@router.get("", response_model=list[ApiTokenOut], responses={200: shows([API_TOKEN], "The tokens.")})
async def list_api_tokens(request: Request, caller: CurrentCaller) -> Response:
    """List the personal API tokens.

    The tokens themselves are not stored and cannot be shown.
    """
    return secret_json(await api_tokens.of_user(Resources.of(request).database, caller.user_id))


@router.post(
    "",
    response_model=ApiTokenMade,
    status_code=201,
    responses={
        201: shows(API_TOKEN | {"token": "todo_pat_…"}, "The token, shown this once."),
        **answers(Conflict),
        **BODY,
    },
)
async def make_api_token(
    request: Request,
    caller: CurrentCaller,
    wanted: Annotated[
        NewApiToken,
        Body(
            openapi_examples={
                "script": {
                    "summary": "For a script",
                    "value": {name: API_TOKEN[name] for name in ("name", "scope", "expires_at")},
                },
                "agent": {"summary": "For an assistant, for tasks with one tag", "value": AGENT},
            }
        ),
    ],
) -> Response:
    """Make a personal API token.

    It works on `/api/{user_id}/…` and `GET /api/auth/me`, and is shown this once.

    One for an agent may be limited: to some `permissions`, to tasks with one `tag`, which the database holds to, and to
    so many deletions an hour. An agent never deletes for good, and the changes name it.
    """
    row, token = await api_tokens.make(Resources.of(request).database, caller.user_id, wanted)
    return secret_json(msgspec.structs.asdict(row) | {"token": token}, 201)


@router.delete("/{id}", status_code=204, responses={**NO_CONTENT, **answers(NotFound)})
async def revoke_api_token(
    request: Request, caller: CurrentCaller, id: Annotated[str, Path(description="The id of the token.")]
) -> Response:
    """Revoke a personal API token.

    It is refused everywhere within 30 seconds.
    """
    try:
        token_id = UUID(id)
    except ValueError:
        raise NotFound("There is no such token.") from None
    await api_tokens.revoke(Resources.of(request).database, caller.user_id, token_id)
    return no_content()
