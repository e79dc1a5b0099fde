"""Litestar on asyncpg: SQL by hand, rows into msgspec structs. The leanest of the usual ways in Python."""

import os
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated

import asyncpg
import jwt
from asyncpg.pool import PoolConnectionProxy
from litestar import Litestar, delete, get, patch, post, put
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import NotAuthorizedException, NotFoundException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.router import Router
from msgspec import UNSET, Meta, Struct, UnsetType

COLUMNS = "id, user_id, title, description, completed, created_at, updated_at"

Title = Annotated[str, Meta(min_length=1, max_length=255)]
Description = Annotated[str, Meta(max_length=10_000)]


class Task(Struct):
    id: uuid.UUID
    user_id: str
    title: str
    description: str | None
    completed: bool
    created_at: datetime
    updated_at: datetime


class NewTask(Struct):
    title: Title
    description: Description | None = None
    completed: bool = False


class TaskEdit(Struct):
    title: Title | UnsetType = UNSET
    description: Description | None | UnsetType = UNSET
    completed: bool | UnsetType = UNSET


def owner_only(connection: ASGIConnection, _: BaseRouteHandler) -> None:
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    try:
        claims = jwt.decode(token, os.environ["JWT_SECRET"], algorithms=["HS256"])
    except jwt.InvalidTokenError:
        raise NotAuthorizedException from None
    if scheme != "Bearer" or claims["sub"] != connection.path_params["user_id"]:
        raise PermissionDeniedException


async def provide_connection(state: State) -> AsyncGenerator[PoolConnectionProxy, None]:
    async with state.pool.acquire() as connection:
        yield connection


def found(row: asyncpg.Record | None) -> Task:
    if row is None:
        raise NotFoundException("Task not found")
    return Task(*row)


@get("/")
async def read_tasks(connection: PoolConnectionProxy, user_id: str, limit: int = 100, offset: int = 0) -> list[Task]:
    rows = await connection.fetch(
        f"select {COLUMNS} from tasks where user_id = $1 order by created_at desc limit $2 offset $3",
        user_id,
        limit,
        offset,
    )
    return [Task(*row) for row in rows]


@post("/")
async def create_task(connection: PoolConnectionProxy, user_id: str, data: NewTask) -> Task:
    return found(
        await connection.fetchrow(
            "insert into tasks (id, user_id, title, description, completed)"
            f" values ($1, $2, $3, $4, $5) returning {COLUMNS}",
            uuid.uuid4(), user_id, data.title, data.description, data.completed,
        )
    )  # fmt: skip


@get("/{id:uuid}")
async def read_task(connection: PoolConnectionProxy, user_id: str, id: uuid.UUID) -> Task:
    return found(await connection.fetchrow(f"select {COLUMNS} from tasks where user_id = $1 and id = $2", user_id, id))


@put("/{id:uuid}")
async def update_task(connection: PoolConnectionProxy, user_id: str, id: uuid.UUID, data: TaskEdit) -> Task:
    given = {name: value for name in TaskEdit.__struct_fields__ if (value := getattr(data, name)) is not UNSET}
    changes = "".join(f"{name} = ${number}, " for number, name in enumerate(given, 3))
    return found(
        await connection.fetchrow(
            f"update tasks set {changes} updated_at = now() where user_id = $1 and id = $2 returning {COLUMNS}",
            user_id, id, *given.values(),
        )
    )  # fmt: skip


@patch("/{id:uuid}/complete")
async def complete_task(connection: PoolConnectionProxy, user_id: str, id: uuid.UUID) -> Task:
    return found(
        await connection.fetchrow(
            "update tasks set completed = not completed, updated_at = now()"
            f" where user_id = $1 and id = $2 returning {COLUMNS}",
            user_id, id,
        )
    )  # fmt: skip


@delete("/{id:uuid}")
async def delete_task(connection: PoolConnectionProxy, user_id: str, id: uuid.UUID) -> None:
    await connection.execute("delete from tasks where user_id = $1 and id = $2", user_id, id)


@asynccontextmanager
async def with_pool(app: Litestar) -> AsyncGenerator[None, None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=16, max_size=16) as app.state.pool:
        yield


tasks = Router(
    "/api/{user_id:str}/tasks",
    route_handlers=[read_tasks, create_task, read_task, update_task, complete_task, delete_task],
    dependencies={"connection": Provide(provide_connection)},
    guards=[owner_only],
)
app = Litestar([tasks], lifespan=[with_pool])
