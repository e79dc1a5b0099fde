"""Who calls: judged by the route before anything else is read, and the transaction that is theirs."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, Path
from starlette.requests import Request
from starlette.responses import Response

from todo.accounts.door import Door
from todo.accounts.tokens import Caller
from todo.database import Via
from todo.idempotency import HEADER, KEPT_PROBLEMS, Key, KeyedTx, Replay
from todo.openapi import BEARER, answers, takes
from todo.problems import (
    BadRequest,
    ContentTooLarge,
    Forbidden,
    Gone,
    InsufficientScope,
    Interrupted,
    Invalid,
    Problem,
    TooManyRequests,
    Unauthorized,
    plain,
)
from todo.routing import SAFE, Handler, JsonRoute, RawHeaders
from todo.throttle import Throttles
from todo.transactions import Tx

IDEMPOTENCY_KEY = takes(
    HEADER,
    "1 to 255 visible characters of one's own choice: the same request with the same key is done once, and answered "
    "the same for 24 hours, with `Idempotent-Replayed: true`.",
    pattern="^[!-~]{1,255}$",
)


def _may_be_replayed(status: int | str, said: dict[str, Any]) -> dict[str, Any]:
    if str(status) >= "300":
        return said
    replayed = {"description": "`true` when the answer is that of an earlier request.", "schema": {"type": "string"}}
    return {**said, "headers": {**said.get("headers", {}), "Idempotent-Replayed": replayed}}


async def known_again(request: Request) -> Caller:
    """Who calls, as their token says now. Raises Unauthorized."""
    said = next((value for name, value in request.scope["headers"] if name == b"authorization"), b"")
    door: Door = request.app.state.door
    return door.known(said) or await door.caller(said)


class CallersRoute(JsonRoute):
    """A route for whoever has a good token of the issuer; personal API tokens are not accepted."""

    refusals = answers(Unauthorized, InsufficientScope, TooManyRequests)
    takes_personal_tokens = False

    def __init__(
        self,
        *args: Any,
        responses: dict[int | str, Any] | None = None,
        parameters: Sequence[dict[str, Any]] = (),
        **options: Any,
    ) -> None:
        options["openapi_extra"] = {"security": BEARER} | ({"parameters": [*parameters]} if parameters else {})
        super().__init__(*args, responses={**(responses or {}), **self.refusals}, **options)

    async def judge(self, request: Request) -> RawHeaders:
        """Raise Unauthorized, Forbidden, InsufficientScope or TooManyRequests; else the caller is in the scope."""
        caller = request.scope["caller"] = await known_again(request)
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
    """A route under a user's own path: 401 and 403 come before anything else is looked at. Writes may have a key."""

    refusals = answers(Unauthorized, Forbidden, TooManyRequests)
    takes_personal_tokens = True

    def __init__(self, *args: Any, methods: set[str] | list[str] | None = None, **options: Any) -> None:
        self.writes = not SAFE.issuperset(methods or ["GET"])
        parameters = [*(options.pop("openapi_extra", None) or {}).get("parameters", [])]
        if self.writes:
            parameters += IDEMPOTENCY_KEY["parameters"]
            responses = {**(options.get("responses") or {}), **answers(BadRequest, ContentTooLarge, Gone, Invalid)}
            options["responses"] = {status: _may_be_replayed(status, said) for status, said in responses.items()}
        super().__init__(*args, methods=methods, parameters=parameters, **options)

    def admit(self, request: Request, caller: Caller) -> None:
        """Raise Forbidden unless the path is the caller's own, whether or not its user exists."""
        if request.path_params["user_id"] != caller.user_id:
            raise Forbidden

    async def serve(self, request: Request, handle: Handler) -> Response:
        """The answer; to a write with a key the one that was given before, or one that is kept."""
        key = Key.of(request) if self.writes else None
        if key is None:
            return await handle(request)
        try:
            return await self._serve_once(request, handle, key)
        except Interrupted:  # with a key it may run again, whatever became of the first time
            return await self._serve_once(request, handle, key)

    async def _serve_once(self, request: Request, handle: Handler, key: Key) -> Response:
        caller: Caller = request.scope["caller"]
        tx = request.scope["tx"] = KeyedTx(request.app.state.database, caller, key, _via(caller))
        try:
            try:
                response = await handle(request)
            except Problem as problem:
                if problem.status not in KEPT_PROBLEMS:
                    raise
                response = plain(problem, request.scope)
            await tx.keep(response)
        except Replay as replay:
            return replay.response()
        finally:
            await tx.end()
        return response


async def _caller(request: Request) -> Caller:
    caller: Caller = request.scope["caller"]
    return caller


async def _callers(request: Request) -> Tx:
    return Tx(request.app.state.database, request.scope["caller"].user_id)


async def _owners(
    request: Request, user_id: Annotated[str, Path(description="The caller's own id: the token's subject.")]
) -> Tx:
    keyed: Tx | None = request.scope.get("tx")
    return keyed or Tx(request.app.state.database, user_id, via=_via(request.scope["caller"]))


def _via(caller: Caller) -> Via:
    return "api_token" if caller.personal else "session"


CurrentCaller = Annotated[Caller, Depends(_caller)]
"""Who calls, as the route has judged."""

CallerTx = Annotated[Tx, Depends(_callers)]
"""The database session of a request: one transaction as whoever calls."""

OwnTx = Annotated[Tx, Depends(_owners)]
"""The same under a user's own path, of which the route has made sure."""
