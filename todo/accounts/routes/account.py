"""The caller's own account over HTTP. With an external issuer only `me_router` and `deletion_router` are served."""

from contextlib import nullcontext
from typing import Annotated, Any

from fastapi import APIRouter, Body
from starlette.requests import Request
from starlette.responses import Response

from todo.accounts import actions, cookies
from todo.accounts.built_in import accounts_of, client_address
from todo.accounts.shapes import PasswordChange, UserOut
from todo.api.access import SIGNED_IN, Access
from todo.api.dependencies import CallerDatabase, CurrentCaller
from todo.api.openapi.vocabulary import ANY, BODY, shows
from todo.api.resources import Resources
from todo.api.route import Route
from todo.http.json import encode

SECRET = {"Cache-Control": "no-store"}

USER = {
    "id": "5f0c7f8e-4d3f-4b59-9c39-0d3f6a1f2b77",
    "email": "ada@example.com",
    "created_at": "2026-11-22T08:29:00.000000Z",
}
DONE: dict[int | str, dict[str, Any]] = {204: {"description": "Done."}}

account_router = APIRouter(tags=["accounts"], route_class=Route.with_access(SIGNED_IN), responses={**ANY})


@account_router.post("/api/auth/password", status_code=204, responses={**DONE, **BODY})
async def change_password(
    request: Request,
    caller: CurrentCaller,
    change: Annotated[
        PasswordChange,
        Body(
            openapi_examples={
                "new": {
                    "summary": "A new one",
                    "value": {"current": "a long and quiet afternoon", "new": "a short and loud night"},
                }
            }
        ),
    ],
) -> Response:
    """Change the password.

    Every other session ends.
    """
    resources, passwords = Resources.of(request), accounts_of(request).passwords
    limits, address = resources.rate_limits, client_address(request)
    current, new = change.current.get_secret_value(), change.new.get_secret_value()
    async with limits.password_attempt(caller.user_id, address) if limits else nullcontext():
        await actions.change_password(resources.database, passwords, caller, current, new)
    return Response(status_code=204, headers=SECRET)


@account_router.post("/api/auth/signout-everywhere", status_code=204, responses={**DONE})
async def sign_out_everywhere(request: Request, caller: CurrentCaller) -> Response:
    """Sign out on every device.

    All refresh tokens end. Personal API tokens stay: they are revoked one by one.
    """
    await accounts_of(request).sessions.end_all(caller.user_id)
    response = Response(status_code=204, headers=SECRET)
    cookies.delete_cookie(response, request)
    return response


me_router = APIRouter(tags=["accounts"], route_class=Route.with_access(Access(api_tokens=True)), responses={**ANY})


@me_router.get("/api/auth/me", response_model=UserOut, responses={200: shows(USER, "The user.")})
async def me(db: CallerDatabase, caller: CurrentCaller) -> Response:
    """Read the user of this token."""
    user = dict(zip(UserOut.model_fields, await actions.me(db, caller), strict=True))
    return Response(encode(user), headers=SECRET, media_type="application/json")


deletion_router = APIRouter(tags=["accounts"], route_class=Route.with_access(SIGNED_IN), responses={**ANY})


@deletion_router.delete("/api/auth/me", status_code=204, responses={**DONE})
async def delete_me(request: Request, caller: CurrentCaller) -> Response:
    """Delete the account.

    The user, their tasks and everything of theirs are deleted. Earlier tokens do not bring them back.
    """
    await actions.delete_me(Resources.of(request).database, caller)
    response = Response(status_code=204, headers=SECRET)
    cookies.delete_cookie(response, request)
    return response
