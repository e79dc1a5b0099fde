"""FastAPI with a synchronous SQLModel session, in the manner of the best-known full-stack template.

Sessions and the current user are dependencies, endpoints are `def`, responses go through a response model. Its pool has
16 connections; it can hang with more clients than connections and more threads than connections.
"""

import os
import uuid
from collections.abc import Generator
from datetime import UTC, datetime
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPBearer
from sqlmodel import Session, create_engine, select

from bench.peers.sqlmodels import Task, TaskCreate, TaskPublic, TaskUpdate, User

engine = create_engine(
    os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+psycopg:"), pool_size=16, max_overflow=0
)
app = FastAPI()


def get_session() -> Generator[Session, None, None]:
    with Session(engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]
TokenDep = Annotated[object, Depends(HTTPBearer())]


def get_current_user(session: SessionDep, token: TokenDep, user_id: str) -> User:
    try:
        claims = jwt.decode(token.credentials, os.environ["JWT_SECRET"], algorithms=["HS256"])
    except jwt.InvalidTokenError:
        raise HTTPException(401, "Could not validate credentials") from None
    user = session.get(User, claims["sub"])
    if not user:
        raise HTTPException(401, "User not found")
    if user.id != user_id:
        raise HTTPException(403, "Not enough permissions")
    return user


CurrentUser = Annotated[User, Depends(get_current_user)]


def own_task(session: SessionDep, user: CurrentUser, id: uuid.UUID) -> Task:
    task = session.get(Task, id)
    if not task or task.user_id != user.id:
        raise HTTPException(404, "Task not found")
    return task


OwnTask = Annotated[Task, Depends(own_task)]


@app.get("/api/{user_id}/tasks", response_model=list[TaskPublic])
def read_tasks(session: SessionDep, user: CurrentUser, limit: int = 100, offset: int = 0):
    statement = select(Task).where(Task.user_id == user.id).order_by(Task.created_at.desc()).offset(offset).limit(limit)
    return session.exec(statement).all()


@app.post("/api/{user_id}/tasks", response_model=TaskPublic, status_code=201)
def create_task(session: SessionDep, user: CurrentUser, task_in: TaskCreate):
    task = Task.model_validate(task_in, update={"user_id": user.id})
    session.add(task)
    session.commit()
    session.refresh(task)
    return task


@app.get("/api/{user_id}/tasks/{id}", response_model=TaskPublic)
def read_task(task: OwnTask):
    return task


@app.put("/api/{user_id}/tasks/{id}", response_model=TaskPublic)
def update_task(session: SessionDep, task: OwnTask, task_in: TaskUpdate):
    task.sqlmodel_update(task_in.model_dump(exclude_unset=True))
    return saved(session, task)


@app.patch("/api/{user_id}/tasks/{id}/complete", response_model=TaskPublic)
def complete_task(session: SessionDep, task: OwnTask):
    task.completed = not task.completed
    return saved(session, task)


@app.delete("/api/{user_id}/tasks/{id}", status_code=204)
def delete_task(session: SessionDep, task: OwnTask):
    session.delete(task)
    session.commit()


def saved(session: Session, task: Task) -> Task:
    task.updated_at = datetime.now(UTC)
    session.add(task)
    session.commit()
    session.refresh(task)
    return task
