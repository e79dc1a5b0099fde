"""One's own account over HTTP. With another issuer only `whoami_router` and `leaving_router` are served."""

from contextlib import nullcontext
from typing import Annotated, Any

from fastapi import APIRouter, Body
from starlette.requests import Request
from starlette.responses import Response

from todo.accounts import actions, cookies, parts
from todo.accounts.current import CallersRoute, CallerTx, CurrentCaller, WhoAmIRoute
from todo.accounts.shapes import PasswordChange, UserOut
from todo.encoding import encode
from todo.openapi import ANY, BODY, shows

SECRET = {"Cache-Control": "no-store"}

USER = {
    "id": "5f0c7f8e-4d3f-4b59-9c39-0d3f6a1f2b77",
    "email": "ada@example.com",
    "created_at": "2026-11-22T08:29:00.000000Z",
}
GONE: dict[int | str, dict[str, Any]] = {204: {"description": "Done."}}

callers_router = APIRouter(tags=["accounts"], route_class=CallersRoute, responses={**ANY})


@callers_router.post("/api/auth/password", status_code=204, responses={**GONE, **BODY})
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
    state, throttles, address = request.app.state, parts.throttles(request), parts.address(request)
    current, new = change.current.get_secret_value(), change.new.get_secret_value()
    async with throttles.guess(caller.user_id, address) if throttles else nullcontext():
        await actions.change_password(state.database, state.passwords, caller, current, new)
    return Response(status_code=204, headers=SECRET)


@callers_router.post("/api/auth/signout-everywhere", status_code=204, responses={**GONE})
async def sign_out_everywhere(request: Request, caller: CurrentCaller) -> Response:
    """Sign out on every device.

    All refresh tokens end. Personal API tokens stay: they are revoked one by one.
    """
    await parts.sessions(request).end_all(caller.user_id)
    response = Response(status_code=204, headers=SECRET)
    cookies.drop(response, request)
    return response


whoami_router = APIRouter(tags=["accounts"], route_class=WhoAmIRoute, responses={**ANY})


@whoami_router.get("/api/auth/me", response_model=UserOut, responses={200: shows(USER, "The user.")})
async def me(tx: CallerTx, caller: CurrentCaller) -> Response:
    """Whose token this is."""
    user = dict(zip(UserOut.model_fields, await actions.me(tx, caller), strict=True))
    return Response(encode(user), headers=SECRET, media_type="application/json")


leaving_router = APIRouter(tags=["accounts"], route_class=CallersRoute, responses={**ANY})


@leaving_router.delete("/api/auth/me", status_code=204, responses={**GONE})
async def delete_me(request: Request, caller: CurrentCaller) -> Response:
    """Delete the account.

    The user, their tasks and everything of theirs is gone. Tokens from before do not bring them back.
    """
    await actions.leave(request.app.state.database, caller)
    response = Response(status_code=204, headers=SECRET)
    cookies.drop(response, request)
    return response
