"""The application: `create_app(settings)`. Nothing happens at import."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any

from fastapi import FastAPI

from todo import __version__, docs, health, openapi, sweep
from todo.accounts import routes as accounts
from todo.accounts import session_routes, token_routes
from todo.accounts.actions import settle_issuer
from todo.accounts.door import Door
from todo.accounts.issuers import Issuer, issuer_for
from todo.accounts.passwords import Passwords
from todo.accounts.sessions import Sessions
from todo.changes import routes as changes
from todo.changes.live import Feed
from todo.cors import let_pages_call
from todo.database import Database
from todo.deployment import database_url
from todo.ending import Ending
from todo.headers import Headers
from todo.health import guard
from todo.observe import Bugs, log
from todo.problems import Unavailable, answer_problems
from todo.protocol import ENDING, LEAVE, MOST, Room, connections
from todo.routing import Shortcut
from todo.settings import Settings
from todo.tasks import routes as tasks
from todo.throttle import Throttles

TAGS = [
    {"name": "tasks", "description": "The six endpoints. Each user sees only their own tasks."},
    {"name": "changes", "description": "What happened to them: to stay in sync, live, and to take back."},
    {"name": "accounts", "description": "Who somebody is."},
    {"name": "health", "description": "For whoever watches the server."},
]

WAIT = 0.5  # seconds between two attempts to reach a database that is away

OTHER_FILES = 100
"""What a process has open beside the connections to it and to its database: libraries, logs, sign-ins."""


def create_app(settings: Settings) -> FastAPI:
    """The whole API over one database, which is opened when the server starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with _in_thread(database_url(settings)) as url, Database(url, settings) as database:
            ending = app.state.ending = Ending(settings.shutdown_delay)
            with ending.watched():
                issuer = await _let_in(database, settings, ending)
                app.state.settings = settings
                app.state.database = database
                app.state.passwords = Passwords()
                app.state.throttles = Throttles.of(settings)
                app.state.sessions = Sessions(database, settings.refresh_token_lifetime)
                app.state.door = Door(issuer, database)
                most = connections(settings.max_connections, beside=settings.pool_size + OTHER_FILES)
                feed = Feed(database, most=max(1, most // 2), most_each=settings.max_streams_per_user)
                app.state.feed = feed
                sweeping = asyncio.create_task(sweep.now_and_then(database, settings.sweep_interval))
                try:
                    yield {LEAVE: feed.leave, ENDING: ending, MOST: most}
                finally:
                    sweeping.cancel()
                    await asyncio.gather(sweeping, return_exceptions=True)
                    await feed.close()
                    if app.state.throttles:
                        await app.state.throttles.close()

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
    routers = [tasks.router, changes.router]
    if not settings.foreign_issuer:
        routers += [session_routes.router, accounts.callers_router, token_routes.router]
    routers += [accounts.whoami_router, accounts.leaving_router, health.router, docs.router]
    for router in routers:  # as they are: what is included is matched twice for each request
        app.router.routes.extend(router.routes)
    app.mount("/docs/assets", docs.assets)
    answer_problems(app)
    app.openapi = lambda: openapi.document(app, foreign_issuer=settings.foreign_issuer)  # type: ignore[method-assign] # FastAPI's own way to change it

    app.add_middleware(Shortcut, routes=app.routes)
    app.add_middleware(Bugs)
    app.add_middleware(Room)
    let_pages_call(app, settings.cors_origins)
    app.add_middleware(Headers, hsts_max_age=settings.hsts_max_age)
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


async def _let_in(database: Database, settings: Settings, ending: Ending) -> Issuer:
    """Who vouches for the users, once the walls were tried. Raises CannotStart.

    Waits for a database that is away: a worker that takes another's place meanwhile must not end them all.
    """
    while True:
        try:
            await guard(database)
            issuer = await issuer_for(settings, database)
            await settle_issuer(database, issuer.name)
        except Unavailable as problem:
            if ending.asked:
                raise
            log.warning("waiting for the database: %s", problem.detail)
            await asyncio.sleep(WAIT)
        else:
            return issuer


@asynccontextmanager
async def _in_thread(manager: AbstractContextManager[str]) -> AsyncIterator[str]:
    """A context manager that blocks, entered and left beside the event loop."""
    value = await asyncio.to_thread(manager.__enter__)
    try:
        yield value
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)
