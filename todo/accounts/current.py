"""Who calls: judged by the route before anything else is read, and the transaction that is theirs."""

from typing import Annotated, Any

from fastapi import Depends, Path
from starlette.requests import Request

from todo.accounts.door import Door
from todo.accounts.tokens import Caller
from todo.database import Tx
from todo.openapi import BEARER, answers
from todo.problems import Forbidden, InsufficientScope, TooManyRequests, Unauthorized
from todo.routing import JsonRoute, RawHeaders
from todo.throttle import Throttles

SAFE = {"GET", "HEAD", "OPTIONS"}


class CallersRoute(JsonRoute):
    """A route for whoever has a good token of the issuer; personal API tokens are not accepted."""

    refusals = answers(Unauthorized, InsufficientScope, TooManyRequests)
    takes_personal_tokens = False

    def __init__(self, *args: Any, responses: dict[int | str, Any] | None = None, **options: Any) -> None:
        options["openapi_extra"] = {"security": BEARER}
        super().__init__(*args, responses={**(responses or {}), **self.refusals}, **options)

    async def judge(self, request: Request) -> RawHeaders:
        """Raise Unauthorized, Forbidden, InsufficientScope or TooManyRequests; else the caller is in the scope."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthorized
        door: Door = request.app.state.door
        caller = request.scope["caller"] = await door.caller(token.strip())
        self.admit(request, caller)
        if caller.personal and not self.takes_personal_tokens:
            raise InsufficientScope("Personal API tokens are for tasks and GET /api/auth/me only: sign in instead.")
        if not caller.may_write and request.method not in SAFE:
            raise InsufficientScope("This API token may only read: make one with the scope write.")
        throttles: Throttles | None = request.app.state.throttles
        return await throttles.request(caller.user_id) if throttles else ()

    def admit(self, request: Request, caller: Caller) -> None:
        """Raise Forbidden where the caller has no business."""


class WhoAmIRoute(CallersRoute):
    """The one route about an account that takes personal API tokens."""

    takes_personal_tokens = True


class OwnersRoute(CallersRoute):
    """A route under a user's own path: 401 and 403 come before anything else is looked at."""

    refusals = answers(Unauthorized, Forbidden, TooManyRequests)
    takes_personal_tokens = True

    def admit(self, request: Request, caller: Caller) -> None:
        """Raise Forbidden unless the path is the caller's own, whether or not its user exists."""
        if request.path_params["user_id"] != caller.user_id:
            raise Forbidden


async def _caller(request: Request) -> Caller:
    caller: Caller = request.scope["caller"]
    return caller


async def _callers(request: Request) -> Tx:
    return Tx(request.app.state.database, request.scope["caller"].user_id)


async def _owners(
    request: Request, user_id: Annotated[str, Path(description="The caller's own id: the token's subject.")]
) -> Tx:
    return Tx(request.app.state.database, user_id)


CurrentCaller = Annotated[Caller, Depends(_caller)]
"""Who calls, as the route has judged."""

CallerTx = Annotated[Tx, Depends(_callers)]
"""The database session of a request: one transaction as whoever calls."""

OwnTx = Annotated[Tx, Depends(_owners)]
"""The same under a user's own path, of which the route has made sure."""
