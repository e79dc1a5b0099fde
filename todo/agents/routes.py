"""A user's agents over HTTP: which there are, what one of them changed, and taking it back."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Body, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from todo.accounts import api_tokens
from todo.accounts.rows import ApiTokenRow
from todo.agents.shapes import AgentOut, TakeBack, TakenBackOut
from todo.api.access import NO_AGENTS
from todo.api.dependencies import CurrentCaller, UserDatabase
from todo.api.openapi.vocabulary import ANY, BODY, NULL, answers, shows
from todo.api.resources import Resources
from todo.api.route import OwnerRoute, Route
from todo.changes import agents
from todo.changes.agents import AgentChanges
from todo.changes.responses import PAST, past_page
from todo.changes.routes import MAX_REVISION, Limit
from todo.changes.shapes import PastChange
from todo.http.json import encode
from todo.http.responses import private_json
from todo.problems import InsufficientScope, Invalid, NotFound

AGENT = {
    "id": "0d3f6a1f-2b77-4b59-9c39-5f0c7f8e4d3f",
    "name": "meal planner",
    "token": True,
    "scope": "write",
    "permissions": ["create", "edit", "complete"],
    "tag": "groceries",
    "deletions_per_hour": NULL,
    "created_at": "2026-11-22T08:29:00.000000Z",
    "expires_at": NULL,
    "last_used_at": "2027-03-01T07:30:00.000000Z",
    "changes": 12,
    "last_change_at": "2027-03-01T07:30:11.000000Z",
}
CHANGE = PAST | {"via": "agent", "agent_id": AGENT["id"], "agent": AGENT["name"]}
CONFLICT = {
    "task_id": PAST["task_id"],
    "title": "Water the ferns",
    "fields": ["title"],
    "reason": "changed_since",
}
TAKEN_BACK = {"undone": 12, "tasks": 9, "conflicts": [CONFLICT], "revision": 57, "before": NULL}


ME = "me"
"""In place of an id: the agent that calls, which need not know its own."""


async def _agent_id(
    caller: CurrentCaller,
    id: Annotated[str, Path(description="The id of an agent; `me` for the one that calls.", examples=[AGENT["id"]])],
) -> UUID | None:
    """The id, or None where the text is none: then nothing is found."""
    if id == ME:
        return caller.agent.id if caller.agent else None
    try:
        return UUID(id)
    except ValueError:
        return None


OF_TOKEN = (
    "scope", "permissions", "tag", "deletions_per_hour", "created_at", "expires_at", "last_used_at",
)  # fmt: skip
UNKNOWN = "There is no such agent."
ALL = TakeBack(since=None, before=None)

AgentId = Annotated[UUID | None, Depends(_agent_id)]

list_router = APIRouter(
    prefix="/api/{user_id}/agents", tags=["agents"], route_class=Route.with_access(NO_AGENTS), responses={**ANY}
)
undo_router = APIRouter(prefix="/api/{user_id}/agents", tags=["agents"], route_class=OwnerRoute, responses={**ANY})


@list_router.get("", response_model=list[AgentOut], responses={200: shows([AGENT], "The agents.")})
async def list_agents(request: Request, db: UserDatabase, caller: CurrentCaller) -> Response:
    """List the agents: those with a token, and those that changed something without one.

    An assistant that uses a session or another token names itself in the header `Todo-Agent`. One whose token was
    revoked is listed as long as a change of it is kept.
    """
    did = {each.id: each for each in await agents.agents(db)}
    found = [_agent(token, did.pop(token.id, None)) for token in await _tokens(request, caller)]
    others = sorted(did.values(), key=lambda each: each.last_change_at, reverse=True)
    return private_json(encode([*found, *(_agent(None, each) for each in others)]))


async def _tokens(request: Request, caller: CurrentCaller) -> list[ApiTokenRow]:
    """The tokens of the user's agents; with an external issuer there are none."""
    resources = Resources.of(request)
    if resources.accounts is None:
        return []
    return [token for token in await api_tokens.of_user(resources.database, caller.user_id) if token.agent]


async def _require(request: Request, db: UserDatabase, caller: CurrentCaller, id: UUID) -> None:
    """Raise NotFound where the user has no such agent: none with a token, none that the changes name."""
    known = {token.id for token in await _tokens(request, caller)}
    if id not in known and not (await agents.agent_changes(db, id))[0]:
        raise NotFound(UNKNOWN)


def _agent(token: ApiTokenRow | None, did: AgentChanges | None) -> dict[str, Any]:
    """The members of AgentOut, of one of both at least."""
    its = msgspec.structs.asdict(token) if token else {}
    return {
        "id": token.id if token else did and did.id,
        "name": token.name if token else did and did.name,
        "token": token is not None,
        **{name: its.get(name) for name in OF_TOKEN},
        "changes": did.changes if did else 0,
        "last_change_at": did.last_change_at if did else None,
    }


@list_router.get(
    "/{id}/changes",
    response_model=list[PastChange],
    responses={
        200: shows([CHANGE], "The changes, newest first.", Link="The older ones."),
        **answers(NotFound, Invalid),
    },
)
async def list_agent_changes(
    request: Request,
    db: UserDatabase,
    caller: CurrentCaller,
    id: AgentId,
    limit: Limit = 100,
    before: Annotated[
        int, Query(ge=1, le=MAX_REVISION, description="Only changes with smaller revisions.")
    ] = MAX_REVISION,
) -> Response:
    """List what an agent changed, newest first."""
    if id is None:
        raise NotFound(UNKNOWN)
    changes, more = await agents.agent_changes(db, id, below=before, limit=limit)
    if not changes:
        await _require(request, db, caller, id)
    return past_page(request, changes, limit, more=more)


@undo_router.post(
    "/{id}/undo",
    response_model=TakenBackOut,
    responses={200: shows(TAKEN_BACK, "What was taken back, and what stays."), **answers(NotFound), **BODY},
)
async def undo_agent(
    request: Request,
    db: UserDatabase,
    caller: CurrentCaller,
    id: AgentId,
    which: Annotated[
        TakeBack,
        Body(
            openapi_examples={
                "all": {"summary": "All that it did", "value": {}},
                "since": {"summary": "What it did since", "value": {"since": "2027-03-01T00:00:00Z"}},
            }
        ),
    ] = ALL,
    dry_run: Annotated[bool, Query(description="Only say what would be taken back.")] = False,
) -> Response:
    """Take back what an agent changed, in one batch.

    Each field gets the value that it had before; a task that the agent created goes to the trash. What somebody else
    has altered since stays as it is, and is told. An agent may take back what it did itself.
    """
    if id is None:
        raise NotFound(UNKNOWN)
    if caller.agent is not None and caller.agent.id != id:
        raise InsufficientScope("An agent may take back only what it did itself.")
    done = await agents.take_back(db, caller, id, since=which.since, before=which.before, dry_run=dry_run)
    if not (done.undone or done.conflicts):
        await _require(request, db, caller, id)
    return private_json(encode(done))


routers = (list_router, undo_router)
