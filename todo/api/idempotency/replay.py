"""The stage around an endpoint that makes a request with a key happen once."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from todo.api.context import Context
from todo.api.idempotency.database import IdempotentDatabase, Replay
from todo.api.idempotency.key import Key
from todo.http.errors import error_response
from todo.metrics.counts import COUNTS
from todo.metrics.names import REPLAYS
from todo.problems import Interrupted

Call = Callable[[], Awaitable[Response]]

STORED_ERRORS = {404, 409, 412}
"""The action's own refusals, which are stored like successes; after others a retry tries again."""


async def respond_once(key: Key, request: Request, context: Context, call: Call) -> Response:
    """The response of `call`, which is stored, or the stored response of an earlier request with this key.

    Raises what `call` raises where no exception handler knows it, and Interrupted after a second interruption.
    """
    try:
        return await _respond(key, request, context, call)
    except Interrupted:  # with a key it may run again, whether or not the first time was committed
        return await _respond(key, request, context, call)


async def _respond(key: Key, request: Request, context: Context, call: Call) -> Response:
    assert context.caller is not None
    database = context.database = IdempotentDatabase(context.resources.database, context.caller, key)
    try:
        try:
            response = await call()
        except (Replay, Interrupted):
            raise
        except Exception as error:  # noqa: BLE001 # raised again where it is a bug
            response = await error_response(request, error)
            if response.status_code not in STORED_ERRORS:
                return response
        await database.store(response)
    except Replay as replay:
        COUNTS.add(REPLAYS)
        return replay.response()
    finally:
        await database.close()
    return response
