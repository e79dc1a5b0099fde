"""The caller's own account over HTTP. With an external issuer only `me_router` and `deletion_router` are served."""

from contextlib import nullcontext
from typing import Annotated

from fastapi import APIRouter, Body
from starlette.requests import Request
from starlette.responses import Response

from todo.accounts import actions
from todo.accounts.built_in import accounts_of
from todo.accounts.responses import NO_CONTENT, USER, no_content, secret_json, signed_out
from todo.accounts.shapes import MeOut, PasswordChange
from todo.api.access import SIGNED_IN, Access, client_address
from todo.api.dependencies import CallerDatabase, CurrentCaller
from todo.api.openapi.vocabulary import ANY, BODY, shows
from todo.api.resources import Resources
from todo.api.route import Route

password_router = APIRouter(
    tags=["accounts"], route_class=Route.with_access(SIGNED_IN, password=True), responses={**ANY}
)


@password_router.post("/api/auth/password", status_code=204, responses={**NO_CONTENT, **BODY})
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

    Every other session ends, and all links that were mailed.
    """
    resources, passwords = Resources.of(request), accounts_of(request).passwords
    limits, address = resources.rate_limits, client_address(request)
    current, new = change.current.get_secret_value(), change.new.get_secret_value()
    async with limits.password_attempt(caller.user_id, address) if limits else nullcontext():
        await actions.change_password(resources.database, passwords, caller, current, new)
    return no_content()


account_router = APIRouter(tags=["accounts"], route_class=Route.with_access(SIGNED_IN), responses={**ANY})


@account_router.post("/api/auth/signout-everywhere", status_code=204, responses={**NO_CONTENT})
async def sign_out_everywhere(request: Request, caller: CurrentCaller) -> Response:
    """Sign out on every device.

    All refresh tokens end. Personal API tokens stay: they are revoked one by one.
    """
    await accounts_of(request).sessions.end_all(caller.user_id)
    return signed_out(request)


ANY_TOKEN = Access(api_tokens=True, agents=True, one_tag=True)
me_router = APIRouter(
    tags=["accounts"],
    route_class=Route.with_access(ANY_TOKEN),
    responses={**ANY},
)


@me_router.get(
    "/api/auth/me", response_model=MeOut, responses={200: shows(USER | {"email_confirmed": True}, "The user.")}
)
async def me(db: CallerDatabase, caller: CurrentCaller) -> Response:
    """Read the user of this token."""
    return secret_json(await actions.me(db, caller))


deletion_router = APIRouter(tags=["accounts"], route_class=Route.with_access(SIGNED_IN), responses={**ANY})


@deletion_router.delete("/api/auth/me", status_code=204, responses={**NO_CONTENT})
async def delete_me(request: Request, caller: CurrentCaller) -> Response:
    """Delete the account.

    The user, their tasks and everything of theirs are deleted. Earlier tokens do not bring them back.
    """
    await actions.delete_me(Resources.of(request).database, caller)
    return signed_out(request)
