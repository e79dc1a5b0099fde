"""Who may call a route: authenticate, authorize, throttle, in this order, before anything else is looked at."""

from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from starlette.requests import Request

from todo.api.context import Context
from todo.api.resources import Resources
from todo.auth.caller import Caller
from todo.db.agents import Agent
from todo.http.rate_limit import address_of
from todo.observation import CURRENT
from todo.problems import BadRequest, Forbidden, InsufficientScope

AGENT_HEADER = "Todo-Agent"
AGENT_NAME_LENGTH = 100
DECLARED = UUID("7f1d3c1e-0c53-4a57-9a0f-2b8f6a9d5e10")
"""Names the ids of agents that have no token of their own: an id for each name."""

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
"""Methods that change nothing (RFC 9110 §9.2.1)."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call a route, besides having a valid token."""

    owner: bool = False
    """Only the user whom the path names. Writes may have an Idempotency-Key."""
    api_tokens: bool = False
    """Also with a personal API token."""
    agents: bool = False
    """Also an agent whose token is for all tasks."""
    one_tag: bool = False
    """Also an agent whose token is for the tasks with one tag."""


OWNER = Access(owner=True, api_tokens=True, agents=True, one_tag=True)
NO_ONE_TAG = Access(owner=True, api_tokens=True, agents=True)
"""Of what speaks of all tasks at once, such as sync."""
NO_AGENTS = Access(owner=True, api_tokens=True)
"""Of what gives more than tasks, such as an address at which others read them."""
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
    if caller.agent is not None:
        if not access.agents:
            raise InsufficientScope("This is not for agents: the user does it.")
        if caller.agent.tag is not None and not access.one_tag:
            raise InsufficientScope(f"This token is for tasks with the tag {caller.agent.tag} only: this is about all.")
    if not caller.may_write and request.method not in SAFE_METHODS:
        raise InsufficientScope("This API token may only read: make one with the scope write.")


async def admit(access: Access, request: Request, context: Context) -> Caller:
    """All three stages. Raises Unauthorized, Forbidden, InsufficientScope or TooManyRequests."""
    resources = context.resources
    caller = await authenticate(request, resources)
    if caller.agent is None and request.method not in SAFE_METHODS and (name := declared_agent(request)):
        limit = resources.database.agent_deletions_per_hour
        agent = Agent(uuid5(DECLARED, name), name, deletions_per_hour=limit, declared=True)
        caller = replace(caller, agent=agent)
    context.caller = caller
    if (record := CURRENT.get()) is not None:
        record.user_id = caller.user_id
    authorize(access, caller, request)
    if (rate_limits := resources.rate_limits) is not None:
        context.extra_headers = await rate_limits.count_request(caller.user_id)
        if caller.agent is not None:
            await rate_limits.count_agent(caller.user_id, caller.agent.id, "requests")
            if request.method not in SAFE_METHODS:
                await rate_limits.count_agent(caller.user_id, caller.agent.id, "writes")
    return caller


async def count_further_writes(request: Request, number: int) -> None:
    """Count the writes of an agent's request that does several, after the first. Raises TooManyRequests."""
    context = Context.of(request)
    rate_limits, caller = context.resources.rate_limits, context.caller
    if number > 0 and rate_limits is not None and caller is not None and caller.agent is not None:
        await rate_limits.count_agent(caller.user_id, caller.agent.id, "writes", number)


def declared_agent(request: Request) -> str | None:
    """The name in `Todo-Agent`, by which a caller says that an agent writes. Raises BadRequest."""
    given = request.headers.getlist(AGENT_HEADER)
    if not given:
        return None
    try:
        name = given[0].encode("latin-1").decode().strip()
    except UnicodeDecodeError:
        name = ""
    if len(given) > 1 or not 1 <= len(name) <= AGENT_NAME_LENGTH or not name.isprintable():
        raise BadRequest(f"{AGENT_HEADER} must be one name of 1 to {AGENT_NAME_LENGTH} characters, in UTF-8.")
    return name


def client_address(request: Request) -> str:
    """What the client's address is counted as by rate limits."""
    return address_of(request.client.host if request.client else None)
