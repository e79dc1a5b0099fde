"""Each user sees only their own tasks: through every operation of the OpenAPI document, found from it, not listed here.

With the owner conditions removed from the statements, row-level security alone still isolates the users.
"""

import asyncio
import re
import uuid
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from tests.conftest import PASSWORD, Person, http, running, settings_for, sign_up
from tests.support.accounts import later
from tests.support.operations import OPERATIONS, Operation
from tests.support.processes import free_port
from tests.support.sql_conditions import STATEMENTS, conditions_removed, everything
from tests.support.two_users import IDEMPOTENCY_KEY, SampleUser, leaked, without_path
from todo.accounts import api_tokens
from todo.api.idempotency import database as idempotency
from todo.app import create_app
from todo.changes import actions as changes
from todo.changes import agents, pages
from todo.db.statement import Statement
from todo.tasks import actions as tasks
from todo.tasks import batch, lists, moves, refusals, repeating, summary, tags
from todo.transfer import exports, feeds, imports

pytestmark = pytest.mark.anyio

OWNED = [each for each in OPERATIONS if each.owned]
SECURED = [each for each in OPERATIONS if each.secured]
WITH_IDS = [each for each in SECURED if each.things]
WITH_BODY = [each for each in SECURED if each.body]

NEED_MAIL = {"forgot_password", "send_confirmation", "change_email"}
"""Operations that are 404 where no mail is sent."""


@pytest.fixture(scope="module")
async def mailing(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that sends mail, to a server that is down; tests/mail has one that is not."""
    how = {"smtp_url": f"smtp://127.0.0.1:{free_port()}", "mail_from": "todo@example.com"}
    settings = settings_for(database_url, **how, public_url="https://todo.example.com")
    async with running(create_app(settings)) as app, http(app) as client:
        yield client


within_30_seconds = partial(asyncio.wait_for, timeout=30)  # a stream that is served by mistake would not end


class TestTheDocument:
    """The document that the other tests derive their calls from."""

    async def test_the_document_contains_every_route(self, app: FastAPI) -> None:
        routes = {
            (method.lower(), route.path) for route in iter_route_contexts(app.routes) for method in route.methods or ()
        }
        described = {(each.method, each.path) for each in OPERATIONS}

        page = {"/", "/page/{version}/{name:path}", "/sw.js", "/manifest.webmanifest"}
        manual = {"/manual", "/manual/{name:path}"}
        assert {path for method, path in routes - described} == {*page, *manual, "/docs", "/openapi.json"}

    def test_few_operations_need_no_token(self) -> None:
        assert {each.says["operationId"] for each in OPERATIONS if not each.secured} == {
            *("sign_up", "sign_in", "refresh", "sign_out", "public_keys", "health", "live", "ready"),
            "read_feed",
            *("forgot_password", "reset_password", "confirm_email"),
        }
        assert all(each.secured for each in OPERATIONS if "{user_id}" in each.path)
        assert all(each.owned for each in OPERATIONS if "{user_id}" in each.path)

    @pytest.mark.parametrize("operation", [each for each in OPERATIONS if not each.streams], ids=str)
    async def test_valid_calls_of_every_operation_succeed_and_show_only_described_fields(
        self,
        ada_with_data: SampleUser,
        client: httpx.AsyncClient,
        mailing: httpx.AsyncClient,
        database_url: str,
        operation: Operation,
    ) -> None:
        """They succeed, return only described fields, and touch no other user; reading changes nothing.

        A stream would not end; tests/changes/test_stream.py and the drill read it.
        """
        before = everything(database_url, ada_with_data.person.id)
        bob = SampleUser(await sign_up(client, "bob"), "of bob")
        if operation.says["operationId"] in NEED_MAIL:
            bob.person.client = mailing
        for number, call in enumerate(operation.calls()):
            await bob.recreate(operation)
            if operation.says["operationId"] == "sign_up":
                bob.person.email = f"{number}-{bob.person.email}"
            his = everything(database_url, bob.person.id)

            response = await bob.person.call(
                *(operation.method, bob.url(call)),
                json=bob.body(call),
                headers={"Cookie": f"todo_refresh={bob.refresh}"},
            )

            assert response.status_code in operation.successes, f"{call} is no valid call: {response.text}"
            assert operation.undescribed(response) == set(), call
            assert operation.writes or everything(database_url, bob.person.id) == his, f"{call} changed something"
            assert leaked(ada_with_data.secrets, response) == set(), call
            assert everything(database_url, ada_with_data.person.id) == before, call


class TestEveryOperation:
    """Every operation with every choice of its parameters, tried on another user's rows."""

    @pytest.mark.parametrize("operation", OWNED, ids=str)
    async def test_the_path_of_another_user_is_forbidden(
        self, ada_with_data: SampleUser, bob_with_data: SampleUser, database_url: str, operation: Operation
    ) -> None:
        """For a session and for API tokens of both scopes; the response does not show whether the user exists."""
        unknown_user = str(uuid.uuid4())
        for intruder, victim in ((bob_with_data, ada_with_data), (ada_with_data, bob_with_data)):
            before = everything(database_url, victim.person.id)
            for call in operation.calls():
                for caller in intruder.callers:
                    response = await within_30_seconds(caller.call(operation.method, victim.url(call), json=call.body))
                    unknown = await within_30_seconds(
                        caller.call(operation.method, call.url(unknown_user, victim.things), json=call.body)
                    )

                    assert response.status_code == 403, call
                    assert without_path(response) == without_path(unknown), call
                    assert leaked(victim.secrets, response) == set(), call
                    assert everything(database_url, victim.person.id) == before, call

    @pytest.mark.parametrize("operation", WITH_IDS, ids=str)
    async def test_an_id_of_another_user_gets_the_same_response_as_an_unknown_one(
        self, ada_with_data: SampleUser, bob_with_data: SampleUser, database_url: str, operation: Operation
    ) -> None:
        ada, bob = ada_with_data, bob_with_data
        hers, his = everything(database_url, ada.person.id), everything(database_url, bob.person.id)
        nothing = {**dict.fromkeys(ada.things, str(uuid.uuid4())), "changes": "987654321"}
        for call in operation.calls():
            for kind in operation.things.values():
                for caller in bob.callers:
                    existing, unknown = [
                        await caller.call(
                            *(operation.method, call.url(bob.person.id, bob.things | {kind: thing})), json=call.body
                        )
                        for thing in (ada.things[kind], nothing[kind])
                    ]

                    assert existing.status_code == (
                        404 if self.may_call(operation, bob.callers.index(caller)) else 403
                    ), call
                    assert without_path(existing) == without_path(unknown), call
                    assert leaked(ada.secrets, existing) == set(), call
                    assert everything(database_url, ada.person.id) == hers, call
                    assert everything(database_url, bob.person.id) == his, call

    def may_call(self, operation: Operation, caller: int) -> bool:
        """Whether a session (0), a token that may write (1) or a token that may read (2) may call this operation."""
        return caller == 0 or (operation.owned and (caller == 1 or not operation.writes))

    @pytest.mark.parametrize("operation", WITH_BODY, ids=str)
    async def test_an_id_of_another_user_in_the_body_has_the_effect_of_an_unknown_one(
        self, ada_with_data: SampleUser, client: httpx.AsyncClient, database_url: str, operation: Operation
    ) -> None:
        """Wherever the schema has an id, and where it has none: an id of hers has the same effect as an unknown one."""
        ada = ada_with_data
        before = everything(database_url, ada.person.id)
        for call in operation.calls():
            statuses = []
            for named, user_id in ((ada.things["tasks"], ada.person.id), (str(uuid.uuid4()), str(uuid.uuid4()))):
                bob = SampleUser(await sign_up(client, "bob"), "of bob")
                await bob.recreate(operation)
                body = {**(bob.body(call) or {}), "user_id": user_id, "id": named}
                response = await bob.person.call(operation.method, bob.url(call), json=call.naming(named, body))
                statuses.append(response.status_code)

                assert leaked(ada.secrets, response) == set(), call
                assert everything(database_url, ada.person.id) == before, call
                if "user_id" in response.text:
                    assert set(re.findall(r'"user_id":"([^"]*)"', response.text)) == {bob.person.id}, call
            assert statuses[0] == statuses[1], call

    @pytest.mark.parametrize("operation", SECURED, ids=str)
    async def test_without_a_valid_token_every_operation_is_401(
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
        key = await app.state.resources.accounts.issuer.signing_key()
        bad = {
            "none": None,
            "expired": "Bearer " + key.issue(ada.person.id, uuid.uuid4().hex, -60),
            "revoked": f"Bearer {revoked.json()['token']}",
            "forged": f"Bearer {ada.person.token[:-8]}AAAAAAAA",
            "of another kind": f"Basic {ada.person.token}",
        }
        before = everything(database_url, ada.person.id)
        for call in operation.calls():
            for what, header in bad.items():
                headers = {"Authorization": header} if header else {}
                response = await within_30_seconds(
                    ada.person.client.request(operation.method, ada.url(call), json=call.body, headers=headers)
                )

                assert response.status_code == 401, (what, call)
                assert response.headers["www-authenticate"].startswith("Bearer")
                assert leaked(ada.secrets, response) == set(), (what, call)
                assert everything(database_url, ada.person.id) == before, (what, call)

    @pytest.mark.parametrize("operation", [each for each in SECURED if not each.streams], ids=str)
    async def test_a_deleted_account_reads_and_writes_nothing(
        self, client: httpx.AsyncClient, database_url: str, operation: Operation
    ) -> None:
        deleted = SampleUser(await sign_up(client, "gone"), "of the deleted user")
        await deleted.recreate(operation)
        assert (await deleted.person.call("DELETE", "/api/auth/me")).status_code == 204
        before = everything(database_url, deleted.person.id)
        assert {table for table, rows in before.items() if rows} == {"departed"}
        me_or_a_write = (operation.owned and operation.writes) or operation.path == "/api/auth/me"

        for call in operation.calls():
            refused = me_or_a_write and not (
                operation.says["operationId"] == "quick_add_task" and "dry_run" in call.query
            )
            response = await deleted.person.call(operation.method, deleted.url(call), json=deleted.body(call))

            # (to say what a line of text means, nothing is read)
            assert response.status_code in ({401} if refused else {200, 204, 401, 404}), call
            assert leaked({deleted.marker, deleted.person.email}, response) == set(), call
            assert everything(database_url, deleted.person.id) == before, call

    @pytest.mark.parametrize("operation", SECURED, ids=str)
    async def test_the_caller_is_checked_before_the_request(
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
    async def test_the_idempotency_key_of_another_user_replays_nothing(
        self, ada_with_data: SampleUser, client: httpx.AsyncClient, operation: Operation
    ) -> None:
        """Both users use the same key, which belongs to each of them separately."""
        bob, call = await sign_up(client, "bob"), operation.calls()[0]
        url = call.url(bob.id, ada_with_data.things)
        response = await bob.call(operation.method, url, json=call.body, headers={"Idempotency-Key": IDEMPOTENCY_KEY})

        assert "idempotent-replayed" not in response.headers
        assert response.status_code in {200, 201, 404}
        assert leaked(ada_with_data.secrets, response) == set()


@pytest.mark.parametrize("by", ["body", "cookie"])
@pytest.mark.parametrize("end", ["signed out", "used before"])
@pytest.mark.parametrize("operation", [each for each in OPERATIONS if "refresh_token" in str(each.says)], ids=str)
async def test_a_refresh_token_of_an_ended_session_is_refused(
    client: httpx.AsyncClient, database_url: str, operation: Operation, end: str, by: str
) -> None:
    ada = await sign_up(client, "ada")
    first = everything(database_url, ada.id)["sessions"]
    wanted = {"email": ada.email, "password": PASSWORD, "refresh": "body"}
    token = (await client.post("/api/auth/signin", json=wanted)).json()["refresh_token"]
    ended_session = {"refresh": "body", "refresh_token": token}
    await client.post("/api/auth/signout" if end == "signed out" else "/api/auth/refresh", json=ended_session)
    if end == "used before":
        later(database_url, token, 60)
    before = everything(database_url, ada.id)
    sent: dict[str, Any] = {"json": ended_session} if by == "body" else {"headers": {"Cookie": f"todo_refresh={token}"}}

    response = await client.request(operation.method, operation.path, **sent)

    assert response.status_code == (204 if operation.says["operationId"] == "sign_out" else 401)
    assert leaked({ada.id, ada.email, "access_token"}, response) == set()
    # A second use ends the session.
    assert everything(database_url, ada.id) == before | {"sessions": first}


async def test_a_user_id_in_the_body_is_ignored(ada: Person, bob: Person) -> None:
    task = await bob.create(user_id=ada.id, title="mine")
    edited = await bob.put(task["id"], user_id=ada.id, title="still mine")

    assert task["user_id"] == edited.json()["user_id"] == bob.id
    assert await ada.list() == []


async def test_the_cursor_and_tag_of_another_user_show_only_ones_own_tasks(ada: Person, bob: Person) -> None:
    """Cursors and tags are no secrets: with hers he still gets his own list."""
    for _ in range(3):
        await ada.create("hers")
    page = await ada.call("GET", ada.tasks, params={"limit": 2})
    cursor = httpx.URL(page.links["next"]["url"]).params["cursor"]
    await bob.create("of bob")

    assert await bob.list(cursor=cursor) == []
    assert (await bob.call("GET", bob.tasks, headers={"If-None-Match": page.headers["etag"]})).status_code == 200


def test_every_statement_about_tasks_is_listed() -> None:
    found = {
        (module, name)
        for module in (
            *(lists, summary, tasks, refusals, repeating, moves, batch, tags, pages, changes, idempotency),
            *(agents, imports, exports, feeds),
        )
        for name, value in vars(module).items()
        if isinstance(value, Statement)
    }
    # Inserts have no condition; REVISIONS reads the revisions of many users as a role that sees no task, and FIND finds
    # a feed by its secret as one that sees no feed's owner otherwise.
    inserts = {(tasks, "CREATE"), (tasks, "CREATE_WITH_USER"), (idempotency, "STORE"), (idempotency, "STORE_WITH_USER")}
    inserts |= {(feeds, "MAKE"), (feeds, "MAKE_WITH_USER"), (imports, "PROVISION")}
    of_the_transaction = {(imports, name) for name in ("TRY_LOCK", "IMPORT", "BEGIN", "BATCH")}
    of_the_transaction.add((changes, "UNDO_EXISTENCE"))  # these functions see the transaction's user alone
    assert found - {*STATEMENTS} == {*inserts, *of_the_transaction, (changes, "REVISIONS"), (feeds, "FIND")}


@pytest.fixture
async def only_row_level_security() -> AsyncIterator[None]:
    with conditions_removed():
        yield


@pytest.mark.usefixtures("only_row_level_security")
class TestRowLevelSecurityAlone:
    """With the owner conditions removed from the statements, row-level security alone isolates the users."""

    @pytest.mark.parametrize("operation", [each for each in WITH_IDS if each.owned], ids=str)
    async def test_an_id_of_another_user_is_not_found(
        self, ada_with_data: SampleUser, bob_with_data: SampleUser, database_url: str, operation: Operation
    ) -> None:
        ada, bob = ada_with_data, bob_with_data
        before = everything(database_url, ada.person.id)
        for call in operation.calls():
            response = await bob.person.call(operation.method, call.url(bob.person.id, ada.things), json=call.body)

            assert response.status_code == 404, call
            assert leaked(ada.secrets, response) == set(), call
            assert everything(database_url, ada.person.id) == before, call

    @pytest.mark.parametrize("operation", [each for each in OWNED if not each.streams], ids=str)
    async def test_operations_on_ones_own_rows_succeed_and_touch_no_others(
        self, ada_with_data: SampleUser, client: httpx.AsyncClient, database_url: str, operation: Operation
    ) -> None:
        before = everything(database_url, ada_with_data.person.id)
        bob = SampleUser(await sign_up(client, "bob"), "of bob")
        hers = [ada_with_data.things["tasks"]]
        for call in operation.calls():
            await bob.recreate(operation)
            body = bob.body(call)
            if body and "id" in body:
                body["id"] = hers.pop() if hers else str(uuid.uuid4())
            response = await bob.person.call(operation.method, bob.url(call), json=body)

            assert response.status_code in operation.successes, (call, response.text)
            assert leaked(ada_with_data.secrets, response) == set(), call
            assert everything(database_url, ada_with_data.person.id) == before, call

    async def test_the_id_of_another_users_task_can_be_chosen(self, ada_with_data: SampleUser, bob: Person) -> None:
        hers = ada_with_data.things["tasks"]

        assert (await bob.post(id=hers, title="of bob")).status_code == 201
        assert [change["task"]["title"] for change in (await bob.since(0))["changes"]] == ["of bob"]
        assert [change["task"]["title"] for change in await bob.history(hers)] == ["of bob"]


async def test_without_the_policies_the_same_statements_show_another_users_tasks(
    ada_with_data: SampleUser, bob: Person, database_url: str
) -> None:
    """The counter-proof of TestRowLevelSecurityAlone."""
    await bob.create(title="of bob")

    with (
        conditions_removed([(lists, "PAGE"), (pages, "SINCE")]),
        psycopg.connect(database_url, autocommit=True) as owner,
    ):
        for table in ("tasks", "changes"):
            owner.execute(f"create policy allow_all on {table} to todo_app using (true)".encode())
        try:
            shown = await bob.call("GET", bob.tasks)
            assert ada_with_data.marker in leaked(ada_with_data.secrets, shown)
            assert ada_with_data.marker in str(await bob.since(0))
        finally:
            for table in ("tasks", "changes"):
                owner.execute(f"drop policy allow_all on {table}".encode())
