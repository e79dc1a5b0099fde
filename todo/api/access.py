"""Who may call a route: authenticate, authorize, throttle, in this order, before anything else is looked at."""

from dataclasses import dataclass

from starlette.requests import Request

from todo.api.context import Context
from todo.api.resources import Resources
from todo.auth.caller import Caller
from todo.http.rate_limit import address_of
from todo.observation import CURRENT
from todo.problems import Forbidden, InsufficientScope

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
"""Methods that change nothing (RFC 9110 §9.2.1)."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call a route, besides having a valid token."""

    owner: bool = False
    """Only the user whom the path names. Writes may have an Idempotency-Key."""
    api_tokens: bool = False
    """Also with a personal API token."""


OWNER = Access(owner=True, api_tokens=True)
SIGNED_IN = Access()


async def authenticate(request: Request, resources: Resources) -> Caller:
    """The caller, as their token says now. Raises Unauthorized."""
    header = next((value for name, value in request.scope["headers"] if name == b"authorization"), b"")
    authenticator = resources.authenticator
    return authenticator.cached(header) or await authenticator.authenticate(header)


def authorize(access: Access, caller: Caller, request: Request) -> None:
    """Raise Forbidden or InsufficientScope where the caller may not call this."""
    if access.owner and request.path_params["user_id"] != caller.user_id:
        raise Forbidden  # whether or not the path's user exists
    if caller.api_token and not access.api_tokens:
        raise InsufficientScope("Personal API tokens are for tasks and GET /api/auth/me only: sign in instead.")
    if not caller.may_write and request.method not in SAFE_METHODS:
        raise InsufficientScope("This API token may only read: make one with the scope write.")


async def admit(access: Access, request: Request, context: Context) -> Caller:
    """All three stages. Raises Unauthorized, Forbidden, InsufficientScope or TooManyRequests."""
    resources = context.resources
    caller = context.caller = await authenticate(request, resources)
    if (record := CURRENT.get()) is not None:
        record.user_id = caller.user_id
    authorize(access, caller, request)
    if (rate_limits := resources.rate_limits) is not None:
        context.extra_headers = await rate_limits.count_request(caller.user_id)
    return caller


def client_address(request: Request) -> str:
    """What the client's address is counted as by rate limits."""
    return address_of(request.client.host if request.client else None)
