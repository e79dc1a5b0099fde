"""`/metrics` on a port of its own, by the process that starts the workers: one scrape has the numbers of them all."""

import asyncio
import logging
import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response

from todo.http.connection import ClientConnection
from todo.http.errors import answer_problems
from todo.http.listen import addresses, bind, listen
from todo.http.middleware.edge import Edge
from todo.http.shutdown import SERVER, ServerHooks
from todo.metrics.page import Page
from todo.metrics.shared import FOLDER, folder
from todo.settings import Settings

CONNECTIONS = 32
"""Connections of scrapers; one more is answered 503."""

TAKEOVER = 60.0  # seconds between two looks for workers that have ended

THREAD = "metrics"

STOP = 5.0  # seconds that a running scrape may take when the server stops


@contextmanager
def serving_metrics(settings: Settings, version: str) -> Iterator[str | None]:
    """Serve the metrics during the block, where METRICS_PORT is set; the URL. Raises CannotStart.

    The workers that are started in the block find the folder for their numbers in the environment.
    """
    if settings.metrics_port is None:
        os.environ.pop(FOLDER, None)
        yield None
        return
    sockets = bind(settings.metrics_host, settings.metrics_port, prefix="METRICS_")
    listen(sockets, prefix="METRICS_")
    with folder() as path:
        os.environ[FOLDER] = str(path)
        config = uvicorn.Config(
            _app(Page(path, version)), http=ClientConnection, ws="none", log_config=None, access_log=False,
            server_header=False, proxy_headers=False, timeout_keep_alive=75, timeout_graceful_shutdown=1,
        )  # fmt: skip
        server = uvicorn.Server(config)
        logging.getLogger("uvicorn.error").addFilter(_is_shown)
        thread = threading.Thread(target=server.run, args=(sockets,), name=THREAD, daemon=True)
        thread.start()
        try:
            yield f"{addresses(sockets)[0]}/metrics"
        finally:
            server.should_exit = True
            thread.join(STOP)


def _is_shown(record: logging.LogRecord) -> bool:
    """Leave out uvicorn's lines about the start and stop of this server, beside those of the one for clients."""
    return record.threadName != THREAD or record.levelno >= logging.WARNING


def _app(page: Page) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        taking_over = asyncio.create_task(_take_over_regularly(page))
        try:
            yield {SERVER: ServerHooks(max_connections=CONNECTIONS)}
        finally:
            taking_over.cancel()
            await asyncio.gather(taking_over, return_exceptions=True)

    app = FastAPI(
        openapi_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    registry = page.registry()

    @app.get("/metrics")
    async def metrics(request: Request) -> Response:
        encoded, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encoded(registry), headers={"Content-Type": media_type})

    answer_problems(app)
    app.add_middleware(Edge)
    return app


async def _take_over_regularly(page: Page) -> None:
    """So that the files of workers that have ended do not add up where nobody scrapes."""
    while True:
        await asyncio.sleep(TAKEOVER)
        page.forget_ended()
