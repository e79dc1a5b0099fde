"""Each user sees only their own tasks: through the API, and through the walls of the database behind it.

What is tried comes from the OpenAPI document and from the catalog, so that nothing new is left out.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from psycopg import errors, sql

from tests.conftest import PASSWORD, Person, borrowed, sign_up
from tests.neighbours import IDEMPOTENCY_KEY, Neighbour, but_for_the_path, leaked, settled
from tests.operations import OPERATIONS, Operation
from tests.owner import NOBODYS, STATEMENTS, conditions_removed, everything, owned_tables
from todo import migrate
from todo.accounts import apitokens
from todo.changes import actions as changes
from todo.database import ACCOUNTS, REQUESTS
from todo.statements import Statement
from todo.tasks import actions as tasks
from todo.tasks import lists

pytestmark = pytest.mark.anyio

OWNED = [each for each in OPERATIONS if each.owned]
SECURED = [each for each in OPERATIONS if each.secured]
NAMING = [each for each in SECURED if each.things]
TAKING = [each for each in SECURED if each.body]

soon = partial(asyncio.wait_for, timeout=30)  # a stream that is served where it must not be would not end


@pytest.fixture(scope="session")
async def ada_next_door(client: httpx.AsyncClient) -> Neighbour:
    """Of whose rows none may ever be touched, so that every attack can be tried on the same."""
    return await settled(client, "ada", changes=5)


@pytest.fixture(scope="session")
async def bob_next_door(client: httpx.AsyncClient) -> Neighbour:
    """Who tries, and never succeeds."""
    return await settled(client, "bob")


class TestTheDocument:
    """Which the rest goes by."""

    async def test_no_route_is_left_out_of_it(self, app: FastAPI) -> None:
        routes = {
            (method.lower(), route.path) for route in iter_route_contexts(app.routes) for method in route.methods or ()
        }
        told = {(each.method, each.path) for each in OPERATIONS}

        assert {path for method, path in routes - told} == {"/", "/docs", "/openapi.json"}

    def test_whoever_has_no_token_finds_few_doors(self) -> None:
        assert {each.says["operationId"] for each in OPERATIONS if not each.secured} == {
            *("sign_up", "sign_in", "refresh", "sign_out", "public_keys", "live", "ready")
        }
        assert all(each.secured for each in OPERATIONS if "{user_id}" in each.path)
        assert all(each.owned for each in OPERATIONS if "{user_id}" in each.path)

    @pytest.mark.parametrize("operation", OPERATIONS, ids=str)
    async def test_every_operation_is_tried_by_calls_that_are_valid(
        self, ada_next_door: Neighbour, client: httpx.AsyncClient, database_url: str, operation: Operation
    ) -> None:
        """On one's own path they are served, and touch nobody else."""
        if operation.streams:
            return  # it would not end; test_live and the drill read it
        before = everything(database_url, ada_next_door.person.id)
        bob = Neighbour(await sign_up(client, "bob"), "his own")
        for number, call in enumerate(operation.calls()):
            await bob.gets_anew(operation)
            if operation.says["operationId"] == "sign_up":
                bob.person.email = f"{number}-{bob.person.email}"

            answer = await bob.person.call(
                *(operation.method, bob.url(call)),
                json=bob.body(call),
                headers={"Cookie": f"todo_refresh={bob.refresh}"},
            )

            assert answer.status_code in operation.successes, f"{call} is no valid call: {answer.text}"
            assert leaked(ada_next_door.secrets, answer) == set(), call
            assert everything(database_url, ada_next_door.person.id) == before, call


class TestEveryOperation:
    """Every operation with every choice that it leaves, tried on somebody else."""

    @pytest.mark.parametrize("operation", OWNED, ids=str)
    async def test_a_foreign_path_is_forbidden(
        self, ada_next_door: Neighbour, bob_next_door: Neighbour, database_url: str, operation: Operation
    ) -> None:
        """For whoever comes, a session or an API token of either scope; nobody learns whether the user exists."""
        nobody = str(uuid.uuid4())
        for intruder, victim in ((bob_next_door, ada_next_door), (ada_next_door, bob_next_door)):
            before = everything(database_url, victim.person.id)
            for call in operation.calls():
                for face in intruder.faces:
                    answer = await soon(face.call(operation.method, victim.url(call), json=call.body))
                    nowhere = await soon(face.call(operation.method, call.url(nobody, victim.things), json=call.body))

                    assert answer.status_code == 403, call
                    assert but_for_the_path(answer) == but_for_the_path(nowhere), call
                    assert leaked(victim.secrets, answer) == set(), call
                    assert everything(database_url, victim.person.id) == before, call

    @pytest.mark.parametrize("operation", NAMING, ids=str)
    async def test_a_foreign_id_is_as_one_that_exists_nowhere(
        self, ada_next_door: Neighbour, bob_next_door: Neighbour, database_url: str, operation: Operation
    ) -> None:
        ada, bob = ada_next_door, bob_next_door
        hers, his = everything(database_url, ada.person.id), everything(database_url, bob.person.id)
        nothing = {**dict.fromkeys(ada.things, str(uuid.uuid4())), "changes": "987654321"}
        for call in operation.calls():
            for kind in operation.things.values():
                for face in bob.faces:
                    foreign, nowhere = [
                        await face.call(
                            *(operation.method, call.url(bob.person.id, bob.things | {kind: thing})), json=call.body
                        )
                        for thing in (ada.things[kind], nothing[kind])
                    ]

                    assert foreign.status_code == (404 if self.admits(operation, bob.faces.index(face)) else 403), call
                    assert but_for_the_path(foreign) == but_for_the_path(nowhere), call
                    assert leaked(ada.secrets, foreign) == set(), call
                    assert everything(database_url, ada.person.id) == hers, call
                    assert everything(database_url, bob.person.id) == his, call

    def admits(self, operation: Operation, face: int) -> bool:
        """Whether a session (0), a token that may write (1) or one that may read (2) is for this operation at all."""
        return face == 0 or (operation.owned and (face == 1 or not operation.writes))

    @pytest.mark.parametrize("operation", TAKING, ids=str)
    async def test_a_foreign_id_in_the_body_says_nothing(
        self, ada_next_door: Neighbour, client: httpx.AsyncClient, database_url: str, operation: Operation
    ) -> None:
        """Wherever the schema has an id, or has none: one of hers does what one that exists nowhere does."""
        ada = ada_next_door
        before = everything(database_url, ada.person.id)
        for call in operation.calls():
            answers = []
            for named, user_id in ((ada.things["tasks"], ada.person.id), (str(uuid.uuid4()), str(uuid.uuid4()))):
                bob = Neighbour(await sign_up(client, "bob"), "his own")
                await bob.gets_anew(operation)
                body = {**(bob.body(call) or {}), "user_id": user_id, "id": named}
                answer = await bob.person.call(operation.method, bob.url(call), json=call.naming(named, body))
                answers.append(answer.status_code)

                assert leaked(ada.secrets, answer) == set(), call
                assert everything(database_url, ada.person.id) == before, call
                if "user_id" in answer.text:
                    assert answer.json()["user_id"] == bob.person.id, call
            assert answers[0] == answers[1], call

    @pytest.mark.parametrize("operation", SECURED, ids=str)
    async def test_without_a_token_that_is_good_nobody_is_served(
        self,
        ada_next_door: Neighbour,
        app: FastAPI,
        database_url: str,
        monkeypatch: pytest.MonkeyPatch,
        operation: Operation,
    ) -> None:
        ada = ada_next_door
        monkeypatch.setattr(apitokens, "REMEMBERED", 0.0)
        revoked = await ada.person.call("POST", "/api/auth/tokens", json={"name": "revoked"})
        await ada.person.call("DELETE", f"/api/auth/tokens/{revoked.json()['id']}")
        keys = app.state.door.issuer._keys
        bad = {
            "none": None,
            "expired": "Bearer " + keys.issue(ada.person.id, uuid.uuid4().hex, -1),
            "revoked": f"Bearer {revoked.json()['token']}",
            "forged": f"Bearer {ada.person.token[:-8]}AAAAAAAA",
            "of another kind": f"Basic {ada.person.token}",
        }
        before = everything(database_url, ada.person.id)
        for call in operation.calls():
            for what, said in bad.items():
                headers = {"Authorization": said} if said else {}
                answer = await soon(
                    ada.person.client.request(operation.method, ada.url(call), json=call.body, headers=headers)
                )

                assert answer.status_code == 401, (what, call)
                assert answer.headers["www-authenticate"].startswith("Bearer")
                assert leaked(ada.secrets, answer) == set(), (what, call)
                assert everything(database_url, ada.person.id) == before, (what, call)

    @pytest.mark.parametrize("operation", [each for each in SECURED if not each.streams], ids=str)
    async def test_a_deleted_account_neither_finds_nor_leaves_anything(
        self, client: httpx.AsyncClient, database_url: str, operation: Operation
    ) -> None:
        gone = Neighbour(await sign_up(client, "gone"), "what was hers")
        await gone.gets_anew(operation)
        assert (await gone.person.call("DELETE", "/api/auth/me")).status_code == 204
        before = everything(database_url, gone.person.id)
        assert {table for table, rows in before.items() if rows} == {"departed"}
        me_or_a_write = (operation.owned and operation.writes) or operation.path == "/api/auth/me"

        for call in operation.calls():
            answer = await gone.person.call(operation.method, gone.url(call), json=gone.body(call))

            assert answer.status_code in ({401} if me_or_a_write else {200, 204, 401, 404}), call
            assert leaked({gone.marker, gone.person.email}, answer) == set(), call
            assert everything(database_url, gone.person.id) == before, call

    @pytest.mark.parametrize("operation", SECURED, ids=str)
    async def test_who_calls_is_judged_before_what_is_said(
        self, ada_next_door: Neighbour, bob_next_door: Neighbour, operation: Operation
    ) -> None:
        [call, *_] = operation.calls()
        url = call.url(ada_next_door.person.id, dict.fromkeys(ada_next_door.things, "no-uuid")) + "?limit=no-number"
        nonsense: dict[str, Any] = {"content": b"\xff" * 100_000, "headers": {"Content-Type": "text/plain"}}

        assert (await bob_next_door.person.client.request(operation.method, url, **nonsense)).status_code == 401
        if operation.owned:
            assert (await bob_next_door.person.call(operation.method, url, **nonsense)).status_code == 403

    @pytest.mark.parametrize(
        "operation", [each for each in OWNED if "Idempotency-Key" in each.parameters("header")], ids=str
    )
    async def test_anothers_key_replays_nothing(
        self, ada_next_door: Neighbour, client: httpx.AsyncClient, operation: Operation
    ) -> None:
        """Both use the same key; it is of one user."""
        bob, call = await sign_up(client, "bob"), operation.calls()[0]
        url = call.url(bob.id, ada_next_door.things)
        answer = await bob.call(operation.method, url, json=call.body, headers={"Idempotency-Key": IDEMPOTENCY_KEY})

        assert "idempotent-replayed" not in answer.headers
        assert answer.status_code in {201, 404}
        assert leaked(ada_next_door.secrets, answer) == set()


@pytest.mark.parametrize("by", ["body", "cookie"])
@pytest.mark.parametrize("end", ["signed out", "used before"])
@pytest.mark.parametrize("operation", [each for each in OPERATIONS if "refresh_token" in str(each.says)], ids=str)
async def test_a_session_that_is_over_opens_nothing(
    client: httpx.AsyncClient, database_url: str, operation: Operation, end: str, by: str
) -> None:
    ada = await sign_up(client, "ada")
    wanted = {"email": ada.email, "password": PASSWORD, "refresh": "body"}
    token = (await client.post("/api/auth/signin", json=wanted)).json()["refresh_token"]
    over = {"refresh": "body", "refresh_token": token}
    await client.post("/api/auth/signout" if end == "signed out" else "/api/auth/refresh", json=over)
    before = everything(database_url, ada.id)
    sent: dict[str, Any] = {"json": over} if by == "body" else {"headers": {"Cookie": f"todo_refresh={token}"}}

    answer = await client.request(operation.method, operation.path, **sent)

    assert answer.status_code == (204 if operation.says["operationId"] == "sign_out" else 401)
    assert leaked({ada.id, ada.email, "access_token"}, answer) == set()
    ended = operation.says["operationId"] == "refresh" and end == "used before"  # somebody's copy: nobody goes on
    after = everything(database_url, ada.id)
    assert {**after, "sessions": after["sessions"] if ended else []} == {
        **before,
        "sessions": before["sessions"][:1] if ended else [],
    }


async def test_a_user_id_in_the_body_is_not_believed(ada: Person, bob: Person) -> None:
    task = await bob.create(user_id=ada.id, title="mine")
    edited = await bob.put(task["id"], user_id=ada.id, title="still mine")

    assert task["user_id"] == edited.json()["user_id"] == bob.id
    assert await ada.list() == []


async def test_anothers_place_in_a_list_shows_ones_own(ada: Person, bob: Person) -> None:
    """Cursors and tags are no secrets: hers lead him to his own."""
    for _ in range(3):
        await ada.create("hers")
    page = await ada.call("GET", ada.tasks, params={"limit": 2})
    cursor = httpx.URL(page.links["next"]["url"]).params["cursor"]
    await bob.create("his own")

    assert await bob.list(cursor=cursor) == []
    assert (await bob.call("GET", bob.tasks, headers={"If-None-Match": page.headers["etag"]})).status_code == 200


def test_no_statement_about_tasks_was_forgotten() -> None:
    found = {
        (module, name)
        for module in (lists, tasks, changes)
        for name, value in vars(module).items()
        if isinstance(value, Statement)
    }
    # A creation names no row that there is; the revisions of many are asked for by the role that sees no task.
    assert found - {*STATEMENTS} == {(tasks, "CREATE"), (tasks, "CREATE_WITH_OWNER"), (changes, "REVISIONS")}


@pytest.fixture
async def only_the_policies() -> AsyncIterator[None]:
    with conditions_removed():
        yield


@pytest.mark.usefixtures("only_the_policies")
class TestTheWallBehindTheWall:
    """With the application's condition removed, row-level security alone keeps everybody apart."""

    @pytest.mark.parametrize("operation", [each for each in NAMING if each.owned], ids=str)
    async def test_a_foreign_id_is_not_found(
        self, ada_next_door: Neighbour, bob_next_door: Neighbour, database_url: str, operation: Operation
    ) -> None:
        ada, bob = ada_next_door, bob_next_door
        before = everything(database_url, ada.person.id)
        for call in operation.calls():
            answer = await bob.person.call(operation.method, call.url(bob.person.id, ada.things), json=call.body)

            assert answer.status_code == 404, call
            assert leaked(ada.secrets, answer) == set(), call
            assert everything(database_url, ada.person.id) == before, call

    @pytest.mark.parametrize("operation", [each for each in OWNED if not each.streams], ids=str)
    async def test_ones_own_is_served_and_nothing_else(
        self, ada_next_door: Neighbour, client: httpx.AsyncClient, database_url: str, operation: Operation
    ) -> None:
        before = everything(database_url, ada_next_door.person.id)
        bob = Neighbour(await sign_up(client, "bob"), "his own")
        for call in operation.calls():
            await bob.gets_anew(operation)
            body = bob.body(call)
            if body and "id" in body:
                body["id"] = ada_next_door.things["tasks"] if body["completed"] else str(uuid.uuid4())
            answer = await bob.person.call(operation.method, bob.url(call), json=body)

            assert answer.status_code in operation.successes, (call, answer.text)
            assert leaked(ada_next_door.secrets, answer) == set(), call
            assert everything(database_url, ada_next_door.person.id) == before, call

    async def test_an_id_of_hers_is_free_for_him(self, ada_next_door: Neighbour, bob: Person) -> None:
        hers = ada_next_door.things["tasks"]

        assert (await bob.post(id=hers, title="his own")).status_code == 201
        assert [change["task"]["title"] for change in (await bob.since(0))["changes"]] == ["his own"]
        assert [change["task"]["title"] for change in await bob.history(hers)] == ["his own"]


async def test_the_wall_is_what_holds(ada_next_door: Neighbour, bob: Person, database_url: str) -> None:
    """The counter-proof: without the policies, the same statements show her task to him."""
    await bob.create(title="his own")

    with (
        conditions_removed([(lists, "PAGE"), (changes, "SINCE")]),
        psycopg.connect(database_url, autocommit=True) as owner,
    ):
        for table in ("tasks", "changes"):
            owner.execute(f"create policy hole on {table} to todo_app using (true)".encode())
        try:
            shown = await bob.call("GET", bob.tasks)
            assert ada_next_door.marker in leaked(ada_next_door.secrets, shown)
            assert ada_next_door.marker in str(await bob.since(0))
        finally:
            for table in ("tasks", "changes"):
                owner.execute(f"drop policy hole on {table}".encode())


class TestRoles:
    """The roles that the application works as, tried against every table."""

    async def test_they_own_nothing_and_cannot_get_round(self, database_url: str) -> None:
        with psycopg.connect(database_url) as connection:
            rows = connection.execute(
                "select rolname, rolsuper, rolbypassrls, rolcanlogin, rolcreaterole,"
                " (select count(*) from pg_class where relowner = r.oid),"
                " (select count(*) from pg_auth_members where member = r.oid)"
                " from pg_roles r where rolname like 'todo\\_%' order by 1"
            ).fetchall()
        assert rows == [(name, False, False, False, False, 0, 0) for name in ("todo_accounts", "todo_app", "todo_log")]

    async def test_every_table_with_an_owner_has_its_wall(self, database_url: str) -> None:
        with psycopg.connect(database_url) as connection:
            walls = {
                table: (enabled, forced, policies)
                for table, enabled, forced, policies in connection.execute(
                    "select relname, relrowsecurity, relforcerowsecurity,"
                    " array(select polname::text || ' ' || r from pg_policy, unnest(polroles::regrole[]) r"
                    "        where polrelid = c.oid order by 1)"
                    " from pg_class c where relkind in ('r', 'p') and relnamespace = current_schema()::regnamespace"
                )
            }
        expected = {
            "users": ["accounts todo_accounts", "log todo_log", "own todo_app"],
            "tasks": ["over todo_accounts", "own todo_app"],
            "changes": ["log todo_log", "over todo_accounts", "own todo_app"],
            "idempotency": ["log todo_log", "over todo_accounts", "own todo_app"],
            "departed": ["accounts todo_accounts", "log todo_log", "own todo_app"],
            **{table: ["accounts todo_accounts"] for table in ("credentials", "sessions", "api_tokens")},
        }
        assert {table: walls[table] for table in owned_tables(database_url)} == {
            table: (True, True, policies) for table, policies in expected.items()
        }

    def test_what_else_the_schema_holds(self, database_url: str) -> None:
        """No view, no sequence; two functions that work as somebody else, which nobody may call."""
        with psycopg.connect(database_url) as connection:
            others = connection.execute(
                "select relname from pg_class where relkind not in ('r', 'p', 'i', 'I')"
                " and relnamespace = current_schema()::regnamespace"
            ).fetchall()
            functions = connection.execute(
                "select proname, prosecdef, proowner::regrole = current_user::regrole, proconfig is not null, array("
                "   select grantee::regrole::text from aclexplode(coalesce(proacl, acldefault('f', proowner)))"
                "    where grantee <> proowner)"
                " from pg_proc where pronamespace = current_schema()::regnamespace order by 1"
            ).fetchall()
        assert others == []
        assert functions == [
            ("begin_behind_departure", True, False, True, []),  # a trigger's, todo_log's own
            ("log_task", True, False, True, []),  # likewise
            ("task_fingerprint", False, True, False, ["-"]),  # for everybody, of its arguments alone
        ]

    @pytest.mark.parametrize(
        ("role", "own", "of_all"),
        [
            (REQUESTS, {"users": 1, "tasks": 2, "changes": 4, "idempotency": 1, "departed": 0}, set()),
            # It finds out whose a token is, so it sees all of them; of tasks only what is over, so none here.
            (
                *(ACCOUNTS, {"tasks": 0, "changes": 0, "idempotency": 0}),
                {"users", "credentials", "sessions", "api_tokens", "departed"},
            ),
        ],
    )
    async def test_what_they_read_of_every_table(
        self,
        ada_next_door: Neighbour,
        bob_next_door: Neighbour,
        database_url: str,
        role: str,
        own: dict[str, int],
        of_all: set[str],
    ) -> None:
        seen = {}
        for table in self.tables(database_url):
            with self.as_role(database_url, role, bob_next_door.person.id) as connection:
                columns = self.granted(connection, table, "select")
                if not columns:
                    continue
                query = sql.SQL("select row({})::text from {}").format(
                    sql.SQL(", ").join(columns), sql.Identifier(table)
                )
                rows = [text for (text,) in connection.execute(query).fetchall()]
            assert not [row for row in rows if ada_next_door.marker in row and table != "api_tokens"], table
            if table not in of_all | {*NOBODYS}:
                assert not [row for row in rows for secret in ada_next_door.secrets if secret in row], table
                seen[table] = len(rows)
        assert seen == own

    @pytest.mark.parametrize("role", [REQUESTS, ACCOUNTS])
    async def test_nobody_is_seen_before_the_user_is_named(
        self, ada_next_door: Neighbour, database_url: str, role: str
    ) -> None:
        assert everything(database_url, ada_next_door.person.id)["tasks"]
        for table in owned_tables(database_url) if role == REQUESTS else ("tasks", "changes", "idempotency"):
            with self.as_role(database_url, role, "") as connection:
                columns = self.granted(connection, table, "select")
                query = sql.SQL("select {} from {}").format(sql.SQL(", ").join(columns), sql.Identifier(table))
                assert not columns or connection.execute(query).fetchall() == []

    @pytest.mark.parametrize(("role", "walled"), [(REQUESTS, None), (ACCOUNTS, {"tasks", "changes", "idempotency"})])
    async def test_what_they_write_in_every_table(
        self,
        ada_next_door: Neighbour,
        bob_next_door: Neighbour,
        database_url: str,
        role: str,
        walled: set[str] | None,
    ) -> None:
        """As bob they try to make, change, take over and erase rows of hers with every column that is granted."""
        ada, bob = ada_next_door.person.id, bob_next_door.person.id
        before = everything(database_url, ada)
        for table, whose in owned_tables(database_url).items():
            if walled is not None and table not in walled:
                continue  # accounts are its work
            name, owner = sql.Identifier(table), whose.split()[0]
            tries = [sql.SQL("delete from {}").format(name), sql.SQL("select * from {} for update").format(name)]
            with self.as_role(database_url, role, bob) as connection:
                inserted = self.granted(connection, table, "insert")
                updated = self.granted(connection, table, "update")
            for column in updated:
                tries.append(sql.SQL("update {} set {} = {}").format(name, column, column))
                if column == sql.Identifier(owner):
                    tries.append(sql.SQL("update {} set {} = %(ada)s").format(name, column))
            if inserted:
                listed = sql.SQL(", ").join(inserted)
                made = sql.SQL("insert into {} ({}) select {} from jsonb_populate_record(null::{}, %(hers)s::jsonb)")
                tries.append(made.format(name, listed, listed, name))
            for statement in tries:
                with self.as_role(database_url, role, bob) as connection:
                    refused = self.refused(
                        connection, statement, {"ada": ada, "hers": self.a_row(database_url, table, ada)}
                    )
                    connection.rollback() if refused else connection.commit()
                    said = statement.as_string(connection)
                assert refused or not said.startswith("insert"), said
                assert refused or "ada" not in said, said
                assert everything(database_url, ada) == before, said

    @pytest.mark.parametrize("role", [REQUESTS, ACCOUNTS])
    async def test_they_neither_truncate_nor_hang_anything_on_a_table(self, database_url: str, role: str) -> None:
        with psycopg.connect(database_url) as connection:
            found = connection.execute(
                "select c.oid::regclass, p from pg_class c, unnest('{truncate,references,trigger}'::text[]) p"
                " where relkind in ('r', 'p', 'v', 'm', 'f') and relnamespace = current_schema()::regnamespace"
                " and has_table_privilege(%s, c.oid, p)",
                [role],
            ).fetchall()
        assert found == []

    def as_role(self, url: str, role: str, user_id: str) -> psycopg.Connection[Any]:
        connection = psycopg.connect(url)
        connection.execute(
            "select set_config('role', %s, false), set_config('app.user_id', %s, false)", [role, user_id]
        )
        connection.commit()
        return connection

    def tables(self, url: str) -> list[str]:
        """All that can be selected from."""
        with psycopg.connect(url) as connection:
            rows = connection.execute(
                "select relname from pg_class where relkind in ('r', 'p', 'v', 'm', 'f')"
                " and relnamespace = current_schema()::regnamespace"
            ).fetchall()
            return [name for (name,) in rows]

    def granted(self, connection: psycopg.Connection[Any], table: str, what: str) -> list[sql.Identifier]:
        """The columns on which whoever works here may do so."""
        rows = connection.execute(
            "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped"
            " and has_column_privilege(attrelid, attnum, %s) order by attnum",
            [table, what],
        ).fetchall()
        return [sql.Identifier(name) for (name,) in rows]

    def a_row(self, url: str, table: str, user_id: str) -> str | None:
        """One of a user's rows as JSON, or None where they have none."""
        with psycopg.connect(url) as connection:
            connection.execute(sql.SQL("alter table {} no force row level security").format(sql.Identifier(table)))
            query = sql.SQL("select to_jsonb(t)::text from {} t where ").format(sql.Identifier(table))
            query += sql.SQL(owned_tables(url)[table])
            found = connection.execute(query + sql.SQL(" limit 1"), {"id": user_id}).fetchone()
            connection.rollback()
        return str(found[0]) if found else None

    def refused(self, connection: psycopg.Connection[Any], statement: sql.Composed, values: dict[str, Any]) -> bool:
        """Whether the statement is not allowed, on whomever's rows."""
        try:
            connection.execute(statement, values)
        except errors.InsufficientPrivilege:
            return True
        return False

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
    async def test_requests_may_not(
        self, ada_next_door: Neighbour, bob_next_door: Neighbour, database_url: str, statement: str
    ) -> None:
        ids = {"ada": ada_next_door.person.id, "bob": bob_next_door.person.id}
        with (
            self.as_role(database_url, REQUESTS, ids["bob"]) as connection,
            pytest.raises(errors.InsufficientPrivilege),
        ):
            connection.execute(statement.encode(), ids)

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
