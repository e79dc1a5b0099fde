"""Each user sees only their own tasks: through the API, and through the walls of the database behind it."""

import re
import uuid
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from psycopg import errors, sql

from tests.conftest import Person, borrowed
from todo import migrate
from todo.changes import actions as changes
from todo.database import ACCOUNTS, REQUESTS
from todo.statements import Statement
from todo.tasks import actions as tasks
from todo.tasks import lists

pytestmark = pytest.mark.anyio

CALLS: list[tuple[str, str, Any]] = [
    ("GET", "/tasks", None),
    ("POST", "/tasks", {"title": "intruder"}),
    ("GET", "/tasks/{id}", None),
    ("PUT", "/tasks/{id}", {"title": "intruder"}),
    ("PATCH", "/tasks/{id}/complete", None),
    ("PATCH", "/tasks/{id}/complete", {"completed": True}),
    ("DELETE", "/tasks/{id}", None),
    ("DELETE", "/tasks/{id}?permanent=true", None),
    ("POST", "/tasks/{id}/restore", None),
    ("GET", "/tasks/{id}/history", None),
    ("GET", "/tasks?status=deleted", None),
    ("GET", "/changes?since=0", None),
    ("GET", "/changes?since=0&compact=true", None),
    ("POST", "/changes/1/undo", None),
]
STREAM: tuple[str, str, Any] = ("GET", "/changes/stream?since=0", None)  # which does not end when it is served

MARKER = "a secret of hers"


def everything(url: str, person: Person) -> list[tuple[Any, ...]]:
    """Every row of a person, as the owner of the tables sees them."""
    rows = []
    with psycopg.connect(url) as connection:
        for table, key in (("tasks", "id"), ("changes", "revision"), ("idempotency", "key")):
            connection.execute(f"alter table {table} no force row level security".encode())
            query = f"select * from {table} where user_id = %s order by {key}".encode()  # the words above
            rows += connection.execute(query, [person.id]).fetchall()
        connection.rollback()
    return rows


@pytest.mark.parametrize(("method", "path", "body"), [*CALLS, STREAM])
class TestMatrix:
    async def test_a_foreign_path_is_forbidden(
        self, ada: Person, bob: Person, database_url: str, method: str, path: str, body: Any
    ) -> None:
        task = await ada.create(title=MARKER)
        before = everything(database_url, ada)

        answer = await bob.call(method, ada.home + path.format(id=task["id"]), json=body)
        nobody = await bob.call(method, f"/api/{uuid.uuid4()}" + path.format(id=task["id"]), json=body)

        assert answer.status_code == nobody.status_code == 403
        assert {**answer.json(), "instance": ""} == {**nobody.json(), "instance": ""}
        assert MARKER not in answer.text
        assert everything(database_url, ada) == before

    async def test_ones_own_path_and_id_are_served(
        self, ada: Person, bob: Person, database_url: str, method: str, path: str, body: Any
    ) -> None:
        if (method, path, body) == STREAM:
            return  # it is served in test_live
        task = await ada.create(title="her own")
        await bob.create(title="his own")
        before = everything(database_url, bob)

        answer = await ada.call(method, ada.home + path.format(id=task["id"]), json=body)

        assert answer.status_code in {200, 201, 204}
        assert everything(database_url, bob) == before

    async def test_without_a_token_nobody_is_served(
        self, ada: Person, database_url: str, method: str, path: str, body: Any
    ) -> None:
        task = await ada.create(title=MARKER)
        before = everything(database_url, ada)

        answer = await ada.client.request(method, ada.home + path.format(id=task["id"]), json=body)

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
        url = ada.home + path.format(id="no-uuid") + ("&" if "?" in path else "?") + "limit=no-number"
        nonsense: dict[str, Any] = {"content": b"\xff" * 100_000, "headers": {"Content-Type": "text/plain"}}

        assert (await ada.client.request(method, url, **nonsense)).status_code == 401
        assert (await bob.call(method, url, **nonsense)).status_code == 403


@pytest.mark.parametrize(("method", "path", "body"), [call for call in CALLS if "{id}" in call[1]])
async def test_a_foreign_id_on_ones_own_path_is_not_found(
    ada: Person, bob: Person, database_url: str, method: str, path: str, body: Any
) -> None:
    task = await ada.create(title=MARKER)
    before = everything(database_url, ada)

    answer = await bob.call(method, bob.home + path.format(id=task["id"]), json=body)
    nothing = await bob.call(method, bob.home + path.format(id=uuid.uuid4()), json=body)

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


OWNER_CONDITION = r"(?:(?:tasks|changes|later)\.user_id|users\.id) = (\${place}(?:::\w+)?)(?!\d)"
STATEMENTS = [
    *((lists, name) for name in ("PAGE", "PAGE_OF_TRASH")),
    *(
        (tasks, name)
        for name in ("READ", "EDIT", "COMPLETE", "DELETE", "PURGE", "RESTORE", "CREATED_BEFORE", "AS_IT_IS")
    ),
    *((changes, name) for name in ("SINCE", "SINCE_COMPACT", "HISTORY", "EXISTS", "REVISION")),
    *((changes, name) for name in ("HOLD", "FROM_THERE", "TAKE_BACK", "NEWEST")),
]


def without_owner(statement: Statement) -> Statement:
    """The statement with the application's own condition on the owner taken out."""
    condition = OWNER_CONDITION.replace("{place}", str(statement.names.index("user_id") + 1))
    text, count = re.subn(condition.encode(), rb"\1 is not null", statement.sql)
    assert count, statement.sql
    return replace(statement, sql=text)


def test_no_statement_about_tasks_was_forgotten() -> None:
    found = {
        (module, name)
        for module in (lists, tasks, changes)
        for name, value in vars(module).items()
        if isinstance(value, Statement)
    }
    # A creation names no row that there is; the revisions of many are asked for by the role that sees no task.
    assert found - {*STATEMENTS} == {(tasks, "CREATE"), (tasks, "CREATE_WITH_OWNER"), (changes, "REVISIONS")}


async def test_the_wall_behind_the_wall(
    ada: Person, bob: Person, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the application's condition removed, row-level security alone keeps everybody apart."""
    hers = await ada.create(title=MARKER, id=str(uuid.uuid4()))
    await ada.create(title=MARKER)
    before = everything(database_url, ada)
    for module, name in STATEMENTS:
        monkeypatch.setattr(module, name, without_owner(getattr(module, name)))

    assert await bob.list() == await bob.list(status="deleted") == []
    assert (await bob.since(0))["changes"] == (await bob.since(0, compact=True))["changes"] == []
    assert (await bob.undo(1)).status_code == 404
    for method, path, body in CALLS:
        if "{id}" in path:
            assert (await bob.call(method, bob.home + path.format(id=hers["id"]), json=body)).status_code == 404
    assert (await bob.post(id=hers["id"], title="his own")).status_code == 201
    assert [change["task"]["title"] for change in (await bob.since(0))["changes"]] == ["his own"]
    assert [change["task"]["title"] for change in await bob.history(hers["id"])] == ["his own"]
    assert everything(database_url, ada) == before


async def test_the_wall_is_what_holds(
    ada: Person, bob: Person, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The counter-proof: without the policies, the same statements show her task to him."""
    await ada.create(title=MARKER)
    await bob.create(title="his own")
    monkeypatch.setattr(lists, "PAGE", without_owner(lists.PAGE))
    monkeypatch.setattr(changes, "SINCE", without_owner(changes.SINCE))

    with psycopg.connect(database_url, autocommit=True) as owner:
        for table in ("tasks", "changes"):
            owner.execute(f"create policy hole on {table} to todo_app using (true)".encode())
        try:
            assert MARKER in [task["title"] for task in await bob.list()]
            assert MARKER in [change["task"]["title"] for change in (await bob.since(0))["changes"] if change["task"]]
        finally:
            for table in ("tasks", "changes"):
                owner.execute(f"drop policy hole on {table}".encode())


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
                " from pg_roles r where rolname like 'todo\\_%' order by 1"
            ).fetchall()
        assert rows == [(name, False, False, False, False, 0) for name in ("todo_accounts", "todo_app", "todo_log")]

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
        assert seen == {"users": 1, "tasks": 1, "changes": 1, "idempotency": 0, "departed": 0}

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
            "update tasks set revision = 7",
            "insert into changes (user_id, revision) values (%(bob)s, 7)",
            "update changes set after = null",
            "delete from changes",
            "update users set revision = 7",
            "insert into idempotency (user_id, key, request, status, headers) values (%(ada)s, 'x', '', 200, '{}')",
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
            connection.execute(statement.encode(), {"ada": ada.id, "bob": bob.id})

    @pytest.mark.parametrize(
        "what", ["title from tasks", "after from changes", "body from idempotency", "* from tasks"]
    )
    async def test_accounts_never_see_what_a_task_says(self, ada: Person, database_url: str, what: str) -> None:
        await ada.create()
        with self.as_role(database_url, ACCOUNTS, ada.id) as connection, pytest.raises(errors.InsufficientPrivilege):
            connection.execute(f"select {what}".encode())

    @pytest.mark.parametrize(
        ("table", "column", "kept"),
        [("tasks", "deleted_at", "30 days"), ("changes", "at", "90 days"), ("idempotency", "at", "24 hours")],
    )
    async def test_accounts_sweep_what_is_over_and_nothing_else(
        self, empty_url: str, table: str, column: str, kept: str
    ) -> None:
        migrate.upgrade(empty_url)
        with psycopg.connect(empty_url) as owner:
            for each in ("users", "tasks", "changes", "idempotency"):
                owner.execute(f"alter table {each} no force row level security".encode())
            owner.execute("insert into users (id) values ('ada')")
            owner.execute(
                "insert into tasks (user_id, id, title, deleted_at)"
                " select 'ada', gen_random_uuid(), 'x', case n when 1 then now() end from generate_series(1, 2) n"
            )
            owner.execute(
                "insert into idempotency (user_id, key, request, status, headers) values ('ada', 'x', '', 200, '{}')"
            )
            for each in ("users", "tasks", "changes", "idempotency"):
                owner.execute(f"alter table {each} force row level security".encode())

        def swept(age: str) -> int:
            with psycopg.connect(empty_url) as owner:
                for statement in (
                    f"alter table {table} no force row level security",
                    "alter table tasks disable trigger log",
                    f"update {table} set {column} = now() - interval '{age}' where {column} is not null",
                    "alter table tasks enable trigger log",
                    f"alter table {table} force row level security",
                ):
                    owner.execute(statement.encode())
            with self.as_role(empty_url, ACCOUNTS, "") as accounts:
                return accounts.execute(f"delete from {table}".encode()).rowcount

        assert swept(f"{kept} - 1 minute") == 0
        assert swept(f"{kept} 1 minute") == (2 if table == "changes" else 1)

    @pytest.mark.parametrize("function", ["log_task", "begin_behind_departure"])
    async def test_nobody_hangs_the_log_on_a_table_of_their_own(
        self, bob: Person, database_url: str, function: str
    ) -> None:
        trigger = f"create trigger x before delete on mine for each row execute function public.{function}()"
        with self.as_role(database_url, REQUESTS, bob.id) as connection:
            connection.execute("create temporary table mine (like tasks)")
            with pytest.raises(errors.InsufficientPrivilege, match=function):
                connection.execute(trigger.encode())

    async def test_nothing_of_a_user_stays_on_a_connection(self, ada: Person, app: FastAPI) -> None:
        await ada.create()
        async with borrowed(app.state.database) as connection:
            cursor = await connection.execute(
                "select current_user = session_user, current_setting('app.user_id', true)"
            )
            same, user_id = await cursor.fetchone() or (None, None)
        assert same
        assert user_id in {"", None}
