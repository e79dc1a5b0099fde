"""A server with MCP=on, people at it, and an app that the operator has registered."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import http, running, settings_for
from tests.support.oauth import OAuthApp, new_app
from todo.app import create_app


@pytest.fixture(scope="session")
async def app(database_url: str) -> AsyncIterator[FastAPI]:
    async with running(create_app(settings_for(database_url, mcp=True, mcp_registration=True))) as app:
        yield app


@pytest.fixture(scope="session")
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with http(app) as client:
        yield client


@pytest.fixture
async def planner(app: FastAPI, client: httpx.AsyncClient) -> OAuthApp:
    return await new_app(app.state.resources.database, client)
