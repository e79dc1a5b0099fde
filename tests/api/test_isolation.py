"""Each user sees only their own tasks: through every operation of the OpenAPI document, found from it, not listed here.

With the application's conditions taken out, the database alone still keeps everybody apart.
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

from tests.conftest import PASSWORD, Person, sign_up
from tests.support.operations import OPERATIONS, Operation
from tests.support.sql_conditions import STATEMENTS, conditions_removed, everything
from tests.support.two_users import IDEMPOTENCY_KEY, SampleUser, but_for_the_path, leaked
from todo.accounts import api_tokens
from todo.api.idempotency import database as idempotency
from todo.changes import actions as changes
from todo.db.statement import Statement
from todo.tasks import actions as tasks
from todo.tasks import lists

pytestmark = pytest.mark.anyio

OWNED = [each for each in OPERATIONS if each.owned]
SECURED = [each for each in OPERATIONS if each.secured]
NAMING = [each for each in SECURED if each.things]
TAKING = [each for each in SECURED if each.body]

soon = partial(asyncio.wait_for, timeout=30)  # a stream that is served where it must not be would not end


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
        self, ada_with_data: SampleUser, client: httpx.AsyncClient, database_url: str, operation: Operation
    ) -> None:
        """On one's own path they are served, say what is described, and touch nobody else; reading changes nothing."""
        if operation.streams:
            return  # it would not end; test_live and the drill read it
        before = everything(database_url, ada_with_data.person.id)
        bob = SampleUser(await sign_up(client, "bob"), "his own")
        for number, call in enumerate(operation.calls()):
            await bob.recreate(operation)
            if operation.says["operationId"] == "sign_up":
                bob.person.email = f"{number}-{bob.person.email}"
            his = everything(database_url, bob.person.id)

            answer = await bob.person.call(
                *(operation.method, bob.url(call)),
                json=bob.body(call),
                headers={"Cookie": f"todo_refresh={bob.refresh}"},
            )

            assert answer.status_code in operation.successes, f"{call} is no valid call: {answer.text}"
            assert operation.undescribed(answer) == set(), call
            assert operation.writes or everything(database_url, bob.person.id) == his, f"{call} changed something"
            assert leaked(ada_with_data.secrets, answer) == set(), call
            assert everything(database_url, ada_with_data.person.id) == before, call


class TestEveryOperation:
    """Every operation with every choice that it leaves, tried on somebody else."""

    @pytest.mark.parametrize("operation", OWNED, ids=str)
    async def test_a_foreign_path_is_forbidden(
        self, ada_with_data: SampleUser, bob_with_data: SampleUser, database_url: str, operation: Operation
    ) -> None:
        """For whoever comes, a session or an API token of either scope; nobody learns whether the user exists."""
        nobody = str(uuid.uuid4())
        for intruder, victim in ((bob_with_data, ada_with_data), (ada_with_data, bob_with_data)):
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
        self, ada_with_data: SampleUser, bob_with_data: SampleUser, database_url: str, operation: Operation
    ) -> None:
        ada, bob = ada_with_data, bob_with_data
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
        self, ada_with_data: SampleUser, client: httpx.AsyncClient, database_url: str, operation: Operation
    ) -> None:
        """Wherever the schema has an id, or has none: one of hers does what one that exists nowhere does."""
        ada = ada_with_data
        before = everything(database_url, ada.person.id)
        for call in operation.calls():
            answers = []
            for named, user_id in ((ada.things["tasks"], ada.person.id), (str(uuid.uuid4()), str(uuid.uuid4()))):
                bob = SampleUser(await sign_up(client, "bob"), "his own")
                await bob.recreate(operation)
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
        ada_with_data: SampleUser,
        app: FastAPI,
        database_url: str,
        monkeypatch: pytest.MonkeyPatch,
        operation: Operation,
    ) -> None:
        ada = ada_with_data
        monkeypatch.setattr(api_tokens, "CACHED_FOR", 0.0)
        revoked = await ada.person.call("POST", "/api/auth/tokens", json={"name": "revoked"})
        await ada.person.call("DELETE", f"/api/auth/tokens/{revoked.json()['id']}")
        keys = app.state.resources.authenticator.issuer._keys
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
        gone = SampleUser(await sign_up(client, "gone"), "what was hers")
        await gone.recreate(operation)
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
        self, ada_with_data: SampleUser, bob_with_data: SampleUser, operation: Operation
    ) -> None:
        [call, *_] = operation.calls()
        url = call.url(ada_with_data.person.id, dict.fromkeys(ada_with_data.things, "no-uuid")) + "?limit=no-number"
        nonsense: dict[str, Any] = {"content": b"\xff" * 100_000, "headers": {"Content-Type": "text/plain"}}

        assert (await bob_with_data.person.client.request(operation.method, url, **nonsense)).status_code == 401
        if operation.owned:
            assert (await bob_with_data.person.call(operation.method, url, **nonsense)).status_code == 403

    @pytest.mark.parametrize(
        "operation", [each for each in OWNED if "Idempotency-Key" in each.parameters("header")], ids=str
    )
    async def test_anothers_key_replays_nothing(
        self, ada_with_data: SampleUser, client: httpx.AsyncClient, operation: Operation
    ) -> None:
        """Both use the same key; it is of one user."""
        bob, call = await sign_up(client, "bob"), operation.calls()[0]
        url = call.url(bob.id, ada_with_data.things)
        answer = await bob.call(operation.method, url, json=call.body, headers={"Idempotency-Key": IDEMPOTENCY_KEY})

        assert "idempotent-replayed" not in answer.headers
        assert answer.status_code in {201, 404}
        assert leaked(ada_with_data.secrets, answer) == set()


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
        for module in (lists, tasks, changes, idempotency)
        for name, value in vars(module).items()
        if isinstance(value, Statement)
    }
    # What is inserted names no row that there is; the revisions of many are asked for by the role that sees no task.
    inserts = {(tasks, "CREATE"), (tasks, "CREATE_WITH_USER"), (idempotency, "STORE"), (idempotency, "STORE_WITH_USER")}
    assert found - {*STATEMENTS} == {*inserts, (changes, "REVISIONS")}


@pytest.fixture
async def only_the_policies() -> AsyncIterator[None]:
    with conditions_removed():
        yield


@pytest.mark.usefixtures("only_the_policies")
class TestTheWallBehindTheWall:
    """With the application's condition removed, row-level security alone keeps everybody apart."""

    @pytest.mark.parametrize("operation", [each for each in NAMING if each.owned], ids=str)
    async def test_a_foreign_id_is_not_found(
        self, ada_with_data: SampleUser, bob_with_data: SampleUser, database_url: str, operation: Operation
    ) -> None:
        ada, bob = ada_with_data, bob_with_data
        before = everything(database_url, ada.person.id)
        for call in operation.calls():
            answer = await bob.person.call(operation.method, call.url(bob.person.id, ada.things), json=call.body)

            assert answer.status_code == 404, call
            assert leaked(ada.secrets, answer) == set(), call
            assert everything(database_url, ada.person.id) == before, call

    @pytest.mark.parametrize("operation", [each for each in OWNED if not each.streams], ids=str)
    async def test_ones_own_is_served_and_nothing_else(
        self, ada_with_data: SampleUser, client: httpx.AsyncClient, database_url: str, operation: Operation
    ) -> None:
        before = everything(database_url, ada_with_data.person.id)
        bob = SampleUser(await sign_up(client, "bob"), "his own")
        for call in operation.calls():
            await bob.recreate(operation)
            body = bob.body(call)
            if body and "id" in body:
                body["id"] = ada_with_data.things["tasks"] if body["completed"] else str(uuid.uuid4())
            answer = await bob.person.call(operation.method, bob.url(call), json=body)

            assert answer.status_code in operation.successes, (call, answer.text)
            assert leaked(ada_with_data.secrets, answer) == set(), call
            assert everything(database_url, ada_with_data.person.id) == before, call

    async def test_an_id_of_hers_is_free_for_him(self, ada_with_data: SampleUser, bob: Person) -> None:
        hers = ada_with_data.things["tasks"]

        assert (await bob.post(id=hers, title="his own")).status_code == 201
        assert [change["task"]["title"] for change in (await bob.since(0))["changes"]] == ["his own"]
        assert [change["task"]["title"] for change in await bob.history(hers)] == ["his own"]


async def test_the_wall_is_what_holds(ada_with_data: SampleUser, bob: Person, database_url: str) -> None:
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
            assert ada_with_data.marker in leaked(ada_with_data.secrets, shown)
            assert ada_with_data.marker in str(await bob.since(0))
        finally:
            for table in ("tasks", "changes"):
                owner.execute(f"drop policy hole on {table}".encode())
