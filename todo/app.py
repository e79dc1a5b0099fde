"""The application: `create_app(settings)`, which puts everything together. Nothing happens at import."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from functools import partial
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response

from todo import __version__, retention, watching
from todo.accounts.account_mail import AccountMail
from todo.accounts.actions import record_issuer
from todo.accounts.built_in import BuiltInAccounts
from todo.accounts.issuer import BuiltInIssuer
from todo.accounts.routes import account, aliases, api_tokens, mail, session, session_list
from todo.accounts.sessions import Sessions
from todo.agents import routes as agents
from todo.api import health
from todo.api.openapi import document, swagger
from todo.api.resources import Resources
from todo.api.route import Route
from todo.auth.authenticator import Authenticator
from todo.auth.issuers import external_issuer
from todo.changes import responses as change_responses
from todo.changes import routes as changes
from todo.changes.errors import ChangeError
from todo.changes.stream import Streams
from todo.db.database import Database
from todo.db.guard import check_database
from todo.db.url import database_url
from todo.http.errors import answer_problems, problem_response
from todo.http.middleware.cors import add_cors
from todo.http.middleware.edge import Edge, security_headers
from todo.http.observer import Observer
from todo.http.open_files import max_connections
from todo.http.rate_limit import RateLimits
from todo.http.shutdown import SERVER, ServerHooks, Shutdown
from todo.mail.sender import Mailer
from todo.mcp import serving as mcp
from todo.oauth import routes as oauth
from todo.oauth.errors import OAuthError
from todo.oauth.responses import refusal
from todo.problems import Problem, Unavailable
from todo.settings import Settings
from todo.tasks import batch_routes, move_routes, quick_add_routes, summary, tag_routes
from todo.tasks import responses as task_responses
from todo.tasks import routes as tasks
from todo.tasks.errors import TaskError
from todo.transfer import feed_routes
from todo.transfer import responses as transfer_responses
from todo.transfer import routes as transfer
from todo.transfer.errors import TransferError
from todo.web import routes as web
from todo.web.manual import routes as manual_routes
from todo.web.manual.routes import Manual

log = logging.getLogger("todo")

TAGS = [
    {"name": "tasks", "description": "The six endpoints and those around them. Each user sees only their own tasks."},
    {"name": "changes", "description": "What happened to them: to stay in sync, live, and to undo."},
    {"name": "transfer", "description": "A user's tasks in and out: imports, exports, calendar feeds."},
    {
        "name": "agents",
        "description": "Assistants that a user lets in: which there are, what they did, taking it back.",
    },
    {"name": "accounts", "description": "Users, their sessions and their tokens."},
    {"name": "health", "description": "For load balancers and monitors."},
]

RETRY_PAUSE = 0.5  # seconds between two attempts to reach a database that is away

OTHER_FILES = 100
"""Files that a process has open besides connections to clients and to the database: libraries, logs, sign-ins."""


def create_app(settings: Settings) -> FastAPI:
    """The whole API over one database, which is opened when the server starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with _in_thread(database_url(settings)) as url, Database(url, settings) as database:
            shutdown = Shutdown(settings.shutdown_delay)
            with shutdown.on_signals():
                resources = await _open(settings, database, shutdown)
                app.state.resources = resources
                async with watching.observing(settings, resources) as observer:
                    deleting = asyncio.create_task(retention.run_regularly(database, settings.sweep_interval))
                    try:
                        async with manual.being_built(), tools():
                            yield {SERVER: _hooks(settings, resources, observer)}
                    finally:
                        deleting.cancel()
                        await asyncio.gather(deleting, return_exceptions=True)
                        await resources.streams.close()
                        if resources.accounts and resources.accounts.mail:
                            await resources.accounts.mail.mailer.close()
                        if resources.rate_limits:
                            await resources.rate_limits.close()

    app = FastAPI(
        title="todo",
        version=__version__,
        lifespan=lifespan,
        openapi_tags=TAGS,
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    manual = Manual(settings)
    routers = [*_routers(settings), manual_routes.router(manual)]
    for router in routers:
        app.include_router(router)
    app.mount("/docs/assets", swagger.assets)
    tools = mcp.served(app, settings)
    answer_problems(app)
    app.add_exception_handler(TaskError, _worded(task_responses.problem_of))
    app.add_exception_handler(TransferError, _worded(transfer_responses.problem_of))
    app.add_exception_handler(OAuthError, refusal)
    app.add_exception_handler(ChangeError, _worded(change_responses.problem_of))
    describe = partial(
        document.document, app, external_issuer=settings.external_issuer, root_path=settings.root_path or ""
    )
    app.openapi = describe  # type: ignore[method-assign] # FastAPI's own way to change it

    fast = [route for router in routers for route in router.routes if isinstance(route, Route)]
    # The order: http/middleware/__init__.py
    app.add_middleware(Edge, routes=fast, hsts_max_age=settings.hsts_max_age, root_path=settings.root_path or "")
    add_cors(app, settings.cors_origins, settings.hsts_max_age)
    return app


def from_environment() -> FastAPI:
    """The application as the environment sets it, for `uvicorn --factory todo.app:from_environment`.

    What was imported stays for good, so the garbage collector need not look at it again and again.
    """
    app = create_app(Settings.from_environment())
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
    gc.enable()
    return app


def _routers(settings: Settings) -> list[APIRouter]:
    features = [batch_routes.router, quick_add_routes.router, tasks.router, move_routes.router, tag_routes.router]
    features += [summary.router, changes.router, changes.past_router, *agents.routers]
    features += [transfer.importing, transfer.exporting, feed_routes.router, feed_routes.public]
    accounts = [account.me_router, account.deletion_router]
    if not settings.external_issuer:
        own = [session.password_router, session.router, account.password_router, account.account_router]
        accounts = [*own, *mail.routers, session_list.router, api_tokens.router, *accounts]
        if settings.auth_aliases:
            accounts.append(aliases.of(accounts))
    return [*features, *accounts, health.router, swagger.router, oauth.router(settings), web.router(settings)]


async def _open(settings: Settings, database: Database, shutdown: Shutdown) -> Resources:
    """Everything that requests use, once the database was checked. Raises CannotStart.

    Waits for a database that is away: a worker that replaces another must not end them all.
    """
    while True:
        try:
            await check_database(database)
            accounts = None
            issuer = external_issuer(settings)
            if issuer is None:
                issuer = BuiltInIssuer(database, settings.access_token_lifetime, settings.jwt_leeway)
                sessions = Sessions(database, settings.refresh_token_lifetime)
                accounts = BuiltInAccounts(issuer, sessions, _account_mail(settings, database))
            await record_issuer(database, issuer.name)
        except Unavailable as problem:
            if shutdown.requested:
                raise
            log.warning("waiting for the database: %s", problem.detail)
            await asyncio.sleep(RETRY_PAUSE)
        else:
            break
    connections = max_connections(settings.max_connections, other_files=settings.pool_size + OTHER_FILES)
    return Resources(
        settings=settings,
        database=database,
        authenticator=Authenticator(issuer),
        rate_limits=RateLimits.of(settings),
        shutdown=shutdown,
        max_connections=connections,
        streams=Streams(database, limit=max(1, connections // 2), limit_per_user=settings.max_streams_per_user),
        accounts=accounts,
    )


def _account_mail(settings: Settings, database: Database) -> AccountMail | None:
    """The mail of the built-in accounts, where SMTP_URL is set."""
    if settings.smtp_url is None:
        return None
    assert settings.mail_from is not None
    assert settings.public_url is not None
    return AccountMail(Mailer(settings.smtp_url, settings.mail_from), database, settings.public_url)


def _hooks(settings: Settings, resources: Resources, observer: Observer | None) -> ServerHooks:
    return ServerHooks(
        shutdown=resources.shutdown,
        max_connections=resources.max_connections,
        end_streams=resources.streams.end,
        response_headers=security_headers(secure=False, hsts_max_age=settings.hsts_max_age),
        observer=observer,
    )


def _worded(problem_of: Callable[[Any], Problem]) -> Callable[[Request, Exception], Awaitable[Response]]:
    """An exception handler for the facts of a feature, which `problem_of` words for the API."""

    async def answer(request: Request, error: Exception) -> Response:
        return problem_response(problem_of(error), request.scope)

    return answer


@asynccontextmanager
async def _in_thread(manager: AbstractContextManager[str]) -> AsyncIterator[str]:
    """A context manager that blocks, entered and left in a thread."""
    value = await asyncio.to_thread(manager.__enter__)
    try:
        yield value
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)
