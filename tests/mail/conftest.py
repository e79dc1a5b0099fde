"""An application that sends mail, and the server that gets it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import http, running, settings_for
from tests.support.mail_server import MailServer, mail_server
from todo.app import create_app

PUBLIC_URL = "https://todo.example.com"


@pytest.fixture(scope="module")
def mail() -> Iterator[MailServer]:
    with mail_server() as running_server:
        yield running_server


@asynccontextmanager
async def mailing(url: str, mail: MailServer, **settings: Any) -> AsyncIterator[FastAPI]:
    """An application that sends mail by this server."""
    how = {"smtp_url": f"smtp://127.0.0.1:{mail.port}", "mail_from": "todo@example.com", "public_url": PUBLIC_URL}
    async with running(create_app(settings_for(url, **how, **settings))) as app:
        yield app


@pytest.fixture(scope="module")
async def app(database_url: str, mail: MailServer) -> AsyncIterator[FastAPI]:
    async with mailing(database_url, mail) as app:
        yield app


@pytest.fixture(scope="module")
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with http(app) as client:
        yield client
