"""FastAPI with SQLModel's AsyncSession on asyncpg: the asynchronous way of most tutorials."""

import os
import uuid
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from bench.peers.sqlmodels import Task, TaskCreate, TaskPublic, TaskUpdate

engine = create_async_engine(
    os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+asyncpg:"), pool_size=16, max_overflow=0
)
app = FastAPI()


async def get_session() -> AsyncGenerator[AsyncSession, None]:
    async with AsyncSession(engine, expire_on_commit=False) as session:
        yield session


SessionDep = Annotated[AsyncSession, Depends(get_session)]


async def get_user_id(user_id: str, token: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> str:
    try:
        claims = jwt.decode(token.credentials, os.environ["JWT_SECRET"], algorithms=["HS256"])
    except jwt.InvalidTokenError:
        raise HTTPException(401, "Could not validate credentials") from None
    if claims["sub"] != user_id:
        raise HTTPException(403, "Not enough permissions")
    return user_id


UserId = Annotated[str, Depends(get_user_id)]


async def own_task(session: SessionDep, user_id: UserId, id: uuid.UUID) -> Task:
    task = (await session.exec(select(Task).where(Task.id == id, Task.user_id == user_id))).one_or_none()
    if not task:
        raise HTTPException(404, "Task not found")
    return task


OwnTask = Annotated[Task, Depends(own_task)]


@app.get("/api/{user_id}/tasks", response_model=list[TaskPublic])
async def read_tasks(session: SessionDep, user_id: UserId, limit: int = 100, offset: int = 0):
    statement = select(Task).where(Task.user_id == user_id).order_by(Task.created_at.desc()).offset(offset).limit(limit)
    return (await session.exec(statement)).all()


@app.post("/api/{user_id}/tasks", response_model=TaskPublic, status_code=201)
async def create_task(session: SessionDep, user_id: UserId, task_in: TaskCreate):
    task = Task.model_validate(task_in, update={"user_id": user_id})
    session.add(task)
    await session.commit()
    return task


@app.get("/api/{user_id}/tasks/{id}", response_model=TaskPublic)
async def read_task(task: OwnTask):
    return task


@app.put("/api/{user_id}/tasks/{id}", response_model=TaskPublic)
async def update_task(session: SessionDep, task: OwnTask, task_in: TaskUpdate):
    task.sqlmodel_update(task_in.model_dump(exclude_unset=True))
    task.updated_at = datetime.now(UTC)
    await session.commit()
    return task


@app.patch("/api/{user_id}/tasks/{id}/complete", response_model=TaskPublic)
async def complete_task(session: SessionDep, task: OwnTask):
    task.completed = not task.completed
    task.updated_at = datetime.now(UTC)
    await session.commit()
    return task


@app.delete("/api/{user_id}/tasks/{id}", status_code=204)
async def delete_task(session: SessionDep, task: OwnTask):
    await session.delete(task)
    await session.commit()
