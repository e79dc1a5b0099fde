"""What observes this process, as the settings and the environment say: access log, metrics, traces."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from todo import __version__
from todo.api.resources import Resources
from todo.http.access_log import AccessLog
from todo.http.observer import Observer
from todo.http.traces import Traces
from todo.logs import is_text
from todo.metrics.counts import COUNTS
from todo.metrics.names import CPU, READY, STREAMS
from todo.metrics.shared import FOLDER, SharedFile
from todo.settings import Settings

INTERVAL = 1.0  # seconds between two times that the numbers of this process are published


@asynccontextmanager
async def observing(settings: Settings, resources: Resources) -> AsyncIterator[Observer | None]:
    """The observer of this process, if any. At the end of the block what waits is written and sent."""
    access_log = None
    if settings.access_log:
        access_log = AccessLog(settings.log_key_bytes, text=is_text(settings.log_format))
    folder = os.environ.get(FOLDER)
    traces = await asyncio.to_thread(Traces.of, os.environ, __version__)
    observer = publishing = None
    if folder or access_log or traces:
        observer = Observer(access_log, traces, metrics=bool(folder))
    if folder and observer:
        COUNTS.start()
        publishing = asyncio.create_task(_publish_regularly(SharedFile(Path(folder), COUNTS), observer, resources))
    try:
        yield observer
    finally:
        if observer is not None:
            observer.close()
        if publishing is not None:
            publishing.cancel()
            await asyncio.gather(publishing, return_exceptions=True)
        if traces is not None:
            await asyncio.to_thread(traces.close)


async def _publish_regularly(file: SharedFile, observer: Observer, resources: Resources) -> None:
    try:
        while True:
            observer.flush()
            observer.gauge()
            _gauge(resources)
            file.publish()
            await asyncio.sleep(INTERVAL)
    finally:
        file.close()


def _gauge(resources: Resources) -> None:
    """Set what is not counted when it happens."""
    database = resources.database
    database.pool.gauge()
    COUNTS.set(STREAMS, to=resources.streams.count)
    COUNTS.set(READY, to=resources.ready)
    COUNTS.set(CPU, to=time.process_time())
