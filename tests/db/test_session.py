"""SQLModel sessions: one transaction as one user, behind the same row-level security as everything else."""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select

import todo
from tests.conftest import Person, http, new_person, running, settings_for
from tests.support.sql_conditions import as_table_owner
from todo.api.session import SessionDep, SignedIn
from todo.app import create_app
from todo.changes.tables import Change
from todo.db.database import Database
from todo.db.session import SessionFactory
from todo.problems import Unavailable
from todo.tasks.shapes import NewTask, TaskOut
from todo.tasks.tables import Task

pytestmark = pytest.mark.anyio

router = APIRouter(prefix="/api/{user_id}/notes")


@router.get("", response_model=list[TaskOut])
async def list_notes(session: SessionDep) -> Any:
    """All tasks that the session sees; no condition names the user."""
    return (await session.exec(select(Task).order_by(col(Task.created_at)))).all()


@router.post("", response_model=TaskOut, status_code=201)
async def create_note(user_id: str, new: NewTask, session: SessionDep) -> Any:
    """A task, by the ORM."""
    task = Task(user_id=user_id, id=uuid4(), **new.model_dump(exclude={"id"}))
    session.add(task)
    await session.flush()
    await session.refresh(task)
    if task.title == "refuse me":
        raise HTTPException(418, "This server makes tea.", {"X-Tea": "green"})
    if task.title == "break":
        raise RuntimeError("a bug")
    return task


@router.put("/{id}/commit", response_model=list[TaskOut])
async def commit_twice(id: UUID, session: SessionDep) -> Any:
    """As tutorials do: commit, and go on with the same session."""
    task = (await session.exec(select(Task).where(Task.id == id))).one()
    task.title = "committed"
    await session.commit()
    await session.refresh(task)
    task.description = "and once more"
    await session.commit()
    return (await session.exec(select(Task))).all()


async def title_prefix() -> AsyncIterator[str]:
    yield "with yield: "


@router.get("/yielding", response_model=list[str])
async def titles(session: SessionDep, prefix: Annotated[str, Depends(title_prefix)]) -> Any:
    """A dependency with yield beside the session."""
    return [prefix + title for title in (await session.exec(select(Task.title))).all()]


@router.get("/missing")
async def missing(caller: SignedIn) -> None:
    """An ordinary 404 of FastAPI."""
    raise HTTPException(404, f"{caller.user_id} has no such note.")


@pytest.fixture(scope="module")
async def noted(database_url: str) -> AsyncIterator[FastAPI]:
    """The application with ordinary routes beside the fast ones."""
    app = create_app(settings_for(database_url, pool_size=2))
    app.include_router(router)
    async with running(app):
        yield app


@pytest.fixture
async def client(noted: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with http(noted) as client:
        yield client


def task_of(user_id: str, title: str) -> Task:
    """A task as the ORM inserts it: the trigger sets the other columns."""
    fields: dict[str, Any] = {"user_id": user_id, "id": uuid4(), "title": title, "completed": False}
    return Task(**fields)


def notes(person: Person) -> str:
    return f"{person.home}/notes"


class TestOrdinaryRoutes:
    async def test_a_session_sees_its_own_users_rows_alone(self, ada: Person, bob: Person) -> None:
        mine = await ada.create("hers")
        await bob.create("his")

        answer = await ada.call("GET", notes(ada))
        assert (answer.status_code, answer.json()) == (200, [mine])
        assert [note["title"] for note in (await bob.call("GET", notes(bob))).json()] == ["his"]

    async def test_nobody_else_may_call(self, ada: Person, bob: Person, client: httpx.AsyncClient) -> None:
        assert (await bob.call("GET", notes(ada))).status_code == 403
        answer = await client.get(notes(ada))
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"

    async def test_a_write_is_committed_logged_and_seen_by_the_fast_routes(self, ada: Person) -> None:
        answer = await ada.call("POST", notes(ada), json={"title": "  Water the ferns "})

        assert answer.status_code == 201, answer.text
        assert answer.json()["title"] == "Water the ferns"
        assert await ada.list() == [answer.json()]
        [change] = (await ada.since())["changes"]
        assert (change["kind"], change["via"]) == ("create", "session")

    async def test_another_users_row_cannot_be_written(self, ada: Person, bob: Person, noted: FastAPI) -> None:
        async with noted.state.resources.database.sessions.as_user(bob.id) as session:
            session.add(task_of(ada.id, "planted"))
            with pytest.raises(DBAPIError, match="row-level security"):
                await session.flush()
            await session.rollback()
        assert await ada.list() == []

    @pytest.mark.parametrize(("title", "status"), [("refuse me", 418), ("break", 500)])
    async def test_an_exception_rolls_back(self, ada: Person, title: str, status: int) -> None:
        answer = await ada.call("POST", notes(ada), json={"title": title})

        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert ("x-tea" in answer.headers) == (status == 418)
        assert await ada.list() == []

    async def test_a_session_goes_on_after_its_commit_as_the_same_user(self, ada: Person, bob: Person) -> None:
        task = await ada.create()
        await bob.create("his")

        answer = await ada.call("PUT", f"{notes(ada)}/{task['id']}/commit")
        assert answer.status_code == 200, answer.text
        assert [(each["title"], each["description"]) for each in answer.json()] == [("committed", "and once more")]
        assert [change["kind"] for change in (await ada.since())["changes"]] == ["create", "update", "update"]

    async def test_a_body_is_bounded_as_on_fast_routes(self, ada: Person) -> None:
        response = await ada.call("POST", notes(ada), json={"title": "x", "description": "y" * 70_000})
        assert response.status_code == 413
        assert "64 KiB" in response.json()["detail"]
        assert await ada.list() == []

    async def test_rate_limit_headers_are_in_every_response(self, database_url: str) -> None:
        app = create_app(settings_for(database_url, rate_limit="3/hour"))
        app.include_router(router)
        async with running(app), http(app) as client:
            ada = await new_person(app, client, "ada")
            responses = [await ada.call("GET", notes(ada) + path) for path in ("", "/missing", "", "")]
        assert [response.status_code for response in responses] == [200, 404, 200, 429]
        assert [response.headers["ratelimit"].split(";")[1] for response in responses] == ["r=2", "r=1", "r=0", "r=0"]

    async def test_other_dependencies_with_yield_work_too(self, ada: Person) -> None:
        await ada.create("ferns")
        assert (await ada.call("GET", f"{notes(ada)}/yielding")).json() == ["with yield: ferns"]

    async def test_an_http_exception_keeps_its_detail(self, ada: Person) -> None:
        answer = await ada.call("GET", f"{notes(ada)}/missing")
        assert (answer.status_code, answer.json()["detail"]) == (404, f"{ada.id} has no such note.")

    async def test_connections_come_back_to_the_pool(self, ada: Person) -> None:
        for _ in range(10):
            assert (await ada.call("GET", notes(ada))).status_code == 200
            assert (await ada.call("POST", notes(ada), json={"title": "break"})).status_code == 500
        assert await ada.list() == []

    async def test_a_rollback_leaves_prepared_statements_as_they_are(self, noted: FastAPI) -> None:
        """psycopg drops all prepared statements of a connection after a rollback, were it to prepare any."""
        app = create_app(settings_for(noted.state.resources.settings.database_url, pool_size=1, prepare_threshold=0))
        app.include_router(router)
        async with running(app), http(app) as client:
            ada = await new_person(app, client, "ada")
            for number in range(4):
                assert (await ada.call("POST", notes(ada), json={"title": "refuse me"})).status_code == 418
                key = {"Idempotency-Key": f"key-{number}"}
                response = await ada.call("POST", ada.tasks, json={"title": "x"}, headers=key)
                assert response.status_code == 201, response.text

    async def test_a_write_is_answered_after_its_commit(self, ada: Person, database_url: str) -> None:
        with as_table_owner(database_url) as owner:
            owner.execute(
                "create function refuse() returns trigger language plpgsql as"
                " $$ begin if new.title = 'at the commit' then raise 'no'; end if; return new; end $$"
            )
            owner.execute(
                "create constraint trigger refuse after insert on tasks deferrable initially deferred"
                " for each row execute function refuse()"
            )
        try:
            answer = await ada.call("POST", notes(ada), json={"title": "at the commit"})
            assert answer.status_code == 500
            assert await ada.list() == []
        finally:
            with psycopg.connect(database_url) as owner:
                owner.execute("drop trigger refuse on tasks; drop function refuse")


async def _tasks_of_ada(database: Database, end_connection_by: str | None = None) -> None:
    async with SessionFactory(database).as_user("ada") as session:
        if end_connection_by:
            connection = await (await session.connection()).get_raw_connection()
            assert connection.driver_connection is not None
            pid = connection.driver_connection.info.backend_pid
            with psycopg.connect(end_connection_by, autocommit=True) as administrator:
                administrator.execute("select pg_terminate_backend(%s)", [pid])
        await session.exec(select(Task))


class TestSessions:
    async def test_a_database_that_is_away_is_unavailable(self) -> None:
        settings = settings_for("postgresql://todo@127.0.0.1:1/todo", pool_timeout=0.2)
        async with Database("postgresql://todo@127.0.0.1:1/todo", settings) as database:
            with pytest.raises(Unavailable):
                await _tasks_of_ada(database)

    async def test_a_connection_that_is_lost_is_unavailable(self, database_url: str) -> None:
        async with Database(database_url, settings_for(database_url)) as database:
            with pytest.raises(Unavailable, match="lost"):
                await _tasks_of_ada(database, end_connection_by=database_url)


class TestJobs:
    async def test_a_job_works_as_one_user(
        self, ada: Person, bob: Person, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", database_url)
        with todo.session_as(ada.id) as session:
            session.add(task_of(ada.id, "by a job"))
        with todo.session_as(ada.id) as session:
            assert session.exec(select(Task.title)).all() == ["by a job"]
            assert session.exec(select(Change.kind)).all() == ["create"]
        with todo.session_as(bob.id) as session:
            assert session.exec(select(Task.title)).all() == []

    async def test_an_exception_rolls_back(
        self, ada: Person, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", database_url)

        def fails() -> None:
            with todo.session_as(ada.id) as session:
                session.add(task_of(ada.id, "by a job"))
                session.flush()
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fails()
        with todo.session_as(ada.id) as session:
            assert session.exec(select(Task)).all() == []


@pytest.fixture
async def ada(noted: FastAPI, client: httpx.AsyncClient) -> Person:
    return await new_person(noted, client, "ada")


@pytest.fixture
async def bob(noted: FastAPI, client: httpx.AsyncClient) -> Person:
    return await new_person(noted, client, "bob")


async def test_a_session_of_an_agent_is_bound_as_fast_routes_are(client: httpx.AsyncClient, ada: Person) -> None:
    """It sees the tasks with its tag, and what its token does not allow is 403."""
    milk = await ada.create("milk", tags=["groceries"])
    await ada.create("diary")
    wanted = {"name": "reader", "tag": "groceries", "permissions": ["complete"]}
    token = (await ada.call("POST", "/api/auth/tokens", json=wanted)).json()["token"]
    agent = Person(client, ada.id, ada.email, token)

    seen = await agent.call("GET", f"{ada.home}/notes")
    refused = await agent.call("PUT", f"{ada.home}/notes/{milk['id']}/commit")

    assert [note["title"] for note in seen.json()] == ["milk"]
    assert refused.status_code == 403, refused.text
    assert "may not edit" in refused.json()["detail"]
