"""Each user sees only their own tasks: through the API, and through the walls of the database behind it."""

import re
import uuid
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from psycopg import errors, sql

from tests.conftest import Person
from todo.database import ACCOUNTS, REQUESTS, Statement
from todo.tasks import actions

pytestmark = pytest.mark.anyio

CALLS: list[tuple[str, str, Any]] = [
    ("GET", "", None),
    ("POST", "", {"title": "intruder"}),
    ("GET", "/{id}", None),
    ("PUT", "/{id}", {"title": "intruder"}),
    ("PATCH", "/{id}/complete", None),
    ("PATCH", "/{id}/complete", {"completed": True}),
    ("DELETE", "/{id}", None),
    ("DELETE", "/{id}?permanent=true", None),
]

MARKER = "a secret of hers"


def everything(url: str, person: Person) -> list[tuple[Any, ...]]:
    """Every row of a person, as the owner of the tables sees them."""
    with psycopg.connect(url) as connection:
        connection.execute("alter table tasks no force row level security")
        rows = connection.execute("select * from tasks where user_id = %s order by id", [person.id]).fetchall()
        connection.rollback()
        return rows


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
class TestMatrix:
    async def test_a_foreign_path_is_forbidden(
        self, ada: Person, bob: Person, database_url: str, method: str, path: str, body: Any
    ) -> None:
        task = await ada.create(title=MARKER)
        before = everything(database_url, ada)

        answer = await bob.call(method, ada.tasks + path.format(id=task["id"]), json=body)
        nobody = await bob.call(method, f"/api/{uuid.uuid4()}/tasks" + path.format(id=task["id"]), json=body)

        assert answer.status_code == nobody.status_code == 403
        assert {**answer.json(), "instance": ""} == {**nobody.json(), "instance": ""}
        assert MARKER not in answer.text
        assert everything(database_url, ada) == before

    async def test_ones_own_path_and_id_are_served(
        self, ada: Person, bob: Person, database_url: str, method: str, path: str, body: Any
    ) -> None:
        task = await ada.create(title="her own")
        await bob.create(title="his own")
        before = everything(database_url, bob)

        answer = await ada.call(method, ada.tasks + path.format(id=task["id"]), json=body)

        assert answer.status_code in {200, 201, 204}
        assert everything(database_url, bob) == before

    async def test_without_a_token_nobody_is_served(
        self, ada: Person, database_url: str, method: str, path: str, body: Any
    ) -> None:
        task = await ada.create(title=MARKER)
        before = everything(database_url, ada)

        answer = await ada.client.request(method, ada.tasks + path.format(id=task["id"]), json=body)

        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert MARKER not in answer.text
        assert everything(database_url, ada) == before

    async def test_who_calls_is_judged_before_what_is_said(
        self,
        ada: Person,
        bob: Person,
        method: str,
        path: str,
        body: Any,  # noqa: ARG002 # nonsense is sent in its place
    ) -> None:
        url = ada.tasks + path.format(id="no-uuid") + ("&" if "?" in path else "?") + "limit=no-number"
        nonsense: dict[str, Any] = {"content": b"\xff" * 100_000, "headers": {"Content-Type": "text/plain"}}

        assert (await ada.client.request(method, url, **nonsense)).status_code == 401
        assert (await bob.call(method, url, **nonsense)).status_code == 403


@pytest.mark.parametrize(("method", "path", "body"), [call for call in CALLS if "{id}" in call[1]])
async def test_a_foreign_id_on_ones_own_path_is_not_found(
    ada: Person, bob: Person, database_url: str, method: str, path: str, body: Any
) -> None:
    task = await ada.create(title=MARKER)
    before = everything(database_url, ada)

    answer = await bob.call(method, bob.tasks + path.format(id=task["id"]), json=body)
    nothing = await bob.call(method, bob.tasks + path.format(id=uuid.uuid4()), json=body)

    assert answer.status_code == nothing.status_code == 404
    assert {**answer.json(), "instance": ""} == {**nothing.json(), "instance": ""}
    assert MARKER not in answer.text
    assert everything(database_url, ada) == before
    assert everything(database_url, bob) == []


async def test_a_user_id_in_the_body_is_not_believed(ada: Person, bob: Person) -> None:
    task = await bob.create(user_id=ada.id, title="mine")
    edited = await bob.put(task["id"], user_id=ada.id, title="still mine")

    assert task["user_id"] == edited.json()["user_id"] == bob.id
    assert await ada.list() == []


OWNER_CONDITION = re.compile(rb"tasks\.user_id = %\(user_id\)s(::\w+)?")


def without_owner(statement: Statement) -> Statement:
    """The statement with the application's own condition on the owner taken out."""
    text, count = OWNER_CONDITION.subn(b"true", statement.sql)
    assert count == 1, statement.sql
    return replace(statement, sql=text)


async def test_the_wall_behind_the_wall(
    ada: Person, bob: Person, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the application's condition removed, row-level security alone keeps everybody apart."""
    hers = await ada.create(title=MARKER, id=str(uuid.uuid4()))
    before = everything(database_url, ada)
    for name in ("PAGE", "READ", "EDIT", "COMPLETE", "DELETE", "PURGE", "CREATED_BEFORE"):
        monkeypatch.setattr(actions, name, without_owner(getattr(actions, name)))

    assert await bob.list() == []
    for method, path, body in CALLS:
        if "{id}" in path:
            assert (await bob.call(method, bob.tasks + path.format(id=hers["id"]), json=body)).status_code == 404
    assert (await bob.post(id=hers["id"], title=MARKER)).status_code == 201
    assert everything(database_url, ada) == before
    assert await ada.list() == [hers]


async def test_the_wall_is_what_holds(
    ada: Person, bob: Person, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The counter-proof: without the policy, the same statement shows her task to him."""
    await ada.create(title=MARKER)
    monkeypatch.setattr(actions, "PAGE", without_owner(actions.PAGE))

    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("create policy hole on tasks to todo_app using (true)")
        try:
            assert MARKER in [task["title"] for task in await bob.list()]
        finally:
            owner.execute("drop policy hole on tasks")


class TestRoles:
    """The roles that the application works as, tried against every table."""

    def as_role(self, url: str, role: str, user_id: str) -> psycopg.Connection[Any]:
        connection = psycopg.connect(url)
        connection.execute(
            "select set_config('role', %s, false), set_config('app.user_id', %s, false)", [role, user_id]
        )
        connection.commit()
        return connection

    def tables(self, url: str) -> list[str]:
        with psycopg.connect(url) as connection:
            rows = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
            return [name for (name,) in rows]

    async def test_they_own_nothing_and_cannot_get_round(self, database_url: str) -> None:
        with psycopg.connect(database_url) as connection:
            rows = connection.execute(
                "select rolname, rolsuper, rolbypassrls, rolcanlogin, rolcreaterole,"
                " (select count(*) from pg_class where relowner = r.oid)"
                " from pg_roles r where rolname in ('todo_app', 'todo_accounts') order by 1"
            ).fetchall()
        assert rows == [("todo_accounts", False, False, False, False, 0), ("todo_app", False, False, False, False, 0)]

    async def test_every_table_with_an_owner_has_its_wall(self, database_url: str) -> None:
        with psycopg.connect(database_url) as connection:
            rows = connection.execute(
                "select relname, relrowsecurity, relforcerowsecurity from pg_class c"
                " where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace and (relname = 'users' or"
                " exists (select from pg_attribute where attrelid = c.oid and attname = 'user_id'))"
            ).fetchall()
        assert {name for name, _, _ in rows} >= {"users", "credentials", "sessions", "api_tokens", "tasks"}
        assert all(enabled and forced for _, enabled, forced in rows), rows

    async def test_requests_see_one_user_in_every_table(self, ada: Person, bob: Person, database_url: str) -> None:
        await ada.create(title=MARKER)
        await bob.create(title="his own")
        seen = {}
        for table in self.tables(database_url):
            with self.as_role(database_url, REQUESTS, bob.id) as connection:
                query = sql.SQL("select to_jsonb(t)::text from {} t").format(sql.Identifier(table))
                try:
                    rows = [text for (text,) in connection.execute(query).fetchall()]
                except errors.InsufficientPrivilege:
                    continue
                assert not [row for row in rows if ada.id in row or MARKER in row], table
                seen[table] = len(rows)
        assert seen == {"users": 1, "tasks": 1, "departed": 0}

    async def test_nobody_is_seen_before_the_user_is_named(self, ada: Person, database_url: str) -> None:
        await ada.create()
        for table in ("users", "tasks"):
            with self.as_role(database_url, REQUESTS, "") as connection:
                query = sql.SQL("select count(*) from {}").format(sql.Identifier(table))
                assert connection.execute(query).fetchone() == (0,)

    @pytest.mark.parametrize(
        "statement",
        [
            "insert into tasks (user_id, id, title) values (%(ada)s, gen_random_uuid(), 'x')",
            "update tasks set user_id = %(ada)s",
            "update tasks set created_at = now()",
            "update tasks set fingerprint = ''",
            "insert into users (id) values ('x')",
            "insert into departed (user_hash) values ('')",
            "select * from sessions",
            "select * from api_tokens",
            "select * from deployment",
            "update users set email = 'x@example.com'",
            "delete from users",
            "select * from credentials",
            "select * from signing_keys",
            "alter table tasks disable row level security",
            "create table public.mine (id int)",
        ],
    )
    async def test_requests_may_not(self, ada: Person, bob: Person, database_url: str, statement: str) -> None:
        await bob.create()
        with (
            self.as_role(database_url, REQUESTS, bob.id) as connection,
            pytest.raises(errors.InsufficientPrivilege),
        ):
            connection.execute(statement.encode(), {"ada": ada.id})

    async def test_accounts_never_see_a_task(self, ada: Person, database_url: str) -> None:
        await ada.create()
        with self.as_role(database_url, ACCOUNTS, ada.id) as connection, pytest.raises(errors.InsufficientPrivilege):
            connection.execute("select * from tasks")

    async def test_nothing_of_a_user_stays_on_a_connection(self, ada: Person, app: FastAPI) -> None:
        await ada.create()
        pool = app.state.database._pool
        async with pool.connection() as connection:
            cursor = await connection.execute(
                "select current_user = session_user, current_setting('app.user_id', true)"
            )
            same, user_id = await cursor.fetchone()
        assert same
        assert user_id in {"", None}
