"""Signing keys: private halves in no copy of the database, and tokens that every server accepts at once."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fastapi import FastAPI

from tests.conftest import PASSWORD, Person, http, running, settings_for, sign_up
from tests.support.events import streaming
from tests.support.processes import run_command, served, serving
from todo.accounts import issuer as issuers
from todo.accounts import signing_keys
from todo.accounts.signing_keys import KeyPair, rotate
from todo.app import create_app
from todo.auth import authenticator
from todo.db import migrate
from todo.db.embedded import server as embedded

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

BEFORE = "2026_11_28_log"
"""The last schema that stored private keys."""


@asynccontextmanager
async def servers(url: str, count: int) -> AsyncIterator[list[tuple[FastAPI, httpx.AsyncClient]]]:
    """Several servers of one database, and a client of each."""
    async with AsyncExitStack() as stack:
        apps = [await stack.enter_async_context(running(create_app(settings_for(url)))) for _ in range(count)]
        yield [(app, await stack.enter_async_context(http(app))) for app in apps]


def issuer_of(app: FastAPI) -> Any:
    return app.state.resources.authenticator.issuer


def key_id(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


async def status(client: httpx.AsyncClient, person: Person) -> int:
    response = await client.get(person.tasks, headers={"Authorization": f"Bearer {person.token}"})
    return response.status_code


def stored(url: str, query: str = "select kid from signing_keys") -> list[Any]:
    with psycopg.connect(url) as owner:
        return [row[0] for row in owner.execute(query.encode()).fetchall()]


def store_as_before(url: str) -> Ed25519PrivateKey:
    """Make a key as servers of the schema BEFORE do."""
    pair = KeyPair.new()
    pem = pair.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with psycopg.connect(url) as owner:
        owner.execute(
            "insert into signing_keys (kid, private_key, public_jwk) values (%s, %s, %s)",
            [pair.kid, pem, psycopg.types.json.Jsonb(pair.public_jwk)],
        )
    return pair.private_key


def forms(key: Ed25519PrivateKey) -> list[bytes]:
    """What a copy of the key would look like."""
    raw = key.private_bytes_raw()
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    encoded = [base64.b64encode(raw), base64.urlsafe_b64encode(raw), base64.b64encode(der)]
    return [raw, raw.hex().encode(), *(text.rstrip(b"=") for text in encoded)]


def test_a_copy_of_the_data_folder_holds_no_private_key(tmp_path: Path) -> None:
    """Every file is searched: tables, indexes, the write-ahead log, the log."""

    async def keys_of_two_servers(url: str) -> list[Ed25519PrivateKey]:
        async with servers(url, 2) as pair:
            for number, (_, client) in enumerate(pair):
                await sign_up(client, f"ada{number}")
            return [issuer_of(app)._own.private_key for app, _ in pair]

    def files() -> list[bytes]:
        return [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]

    with embedded.running(tmp_path) as url:
        migrate.upgrade(url)
        asyncio.run(keys_of_two_servers(url))
        assert not [1 for content in files() if b"PRIVATE KEY-----" in content]
        keys = asyncio.run(keys_of_two_servers(url))
        with psycopg.connect(url) as owner:
            owner.execute("create table proof (bytes bytea)")  # that such a search finds what is there
            owner.execute("insert into proof values (%s)", [forms(Ed25519PrivateKey.generate())[0]])
            [(proof,)] = owner.execute("select bytes from proof").fetchall()
    copied = b"".join(files())
    assert proof in copied
    assert not [form for key in keys for form in forms(key) if form in copied]


async def test_a_token_is_accepted_by_every_server_at_once(empty_url: str) -> None:
    """Each has a key of its own, which the others have not seen yet."""
    migrate.upgrade(empty_url)
    async with servers(empty_url, 5) as all_servers:
        people = await asyncio.gather(*(sign_up(client, "ada") for _, client in all_servers))
        assert len({key_id(person.token) for person in people}) == 5

        statuses = await asyncio.gather(*(status(client, person) for _, client in all_servers for person in people))

        assert statuses == [200] * 25


def test_workers_accept_each_others_tokens(tmp_path: Path, empty_url: str) -> None:
    with serving(tmp_path, "--migrate", database_url=empty_url, workers=3) as server:
        assert stored(empty_url) == []  # the process that supervises the workers makes none
        kids = set()
        for number in range(12):
            account = {"email": f"ada-{number}@example.com", "password": PASSWORD}
            with httpx.Client(base_url=server.http.base_url) as client:
                session = client.post("/api/auth/signup", json=account).json()
            kids.add(key_id(session["access_token"]))
            for _ in range(6):
                with httpx.Client(base_url=server.http.base_url) as client:
                    answer = client.get(
                        f"/api/{session['user']['id']}/tasks",
                        headers={"Authorization": f"Bearer {session['access_token']}"},
                    )
                assert answer.status_code == 200
        assert kids == {*stored(empty_url)}


async def test_the_published_keys_verify_a_token_that_another_server_just_signed(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    async with servers(empty_url, 2) as [(_, here), (_, there)]:
        assert (await there.get("/.well-known/jwks.json")).status_code == 200
        ada = await sign_up(here, "ada")

        published = (await there.get("/.well-known/jwks.json")).json()["keys"]

        [jwk] = [key for key in published if key["kid"] == key_id(ada.token)]
        assert jwt.decode(ada.token, jwt.PyJWK(jwk).key, ["EdDSA"])["sub"] == ada.id
        assert not [key for key in published if "d" in key]


async def test_a_restarted_server_accepts_the_tokens_of_the_one_before(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    async with servers(empty_url, 1) as [(_, client)]:
        ada = await sign_up(client, "ada")
    async with servers(empty_url, 1) as [(_, client)]:
        assert await status(client, ada) == 200


async def test_many_requests_at_once_make_one_key(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    async with servers(empty_url, 1) as [(app, _)]:
        keys = await asyncio.gather(*(issuer_of(app).signing_key() for _ in range(20)))
        assert {key.kid for key in keys} == {*stored(empty_url)}
        assert len(stored(empty_url)) == 1


class TestRotation:
    async def test_running_servers_sign_with_new_keys_and_accept_old_tokens(
        self, empty_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        migrate.upgrade(empty_url)
        async with servers(empty_url, 2) as [(_, here), (_, there)]:
            old = [await sign_up(client, "ada") for client in (here, there)]
            done = await asyncio.to_thread(run_command, "keys", "rotate", database_url=empty_url)
            assert (done.returncode, done.stdout) == (0, "2\n")
            monkeypatch.setattr(issuers.BuiltInIssuer, "REREAD_TO_SIGN", 0.0)  # as after half a minute
            new = [await sign_up(client, "bob") for client in (here, there)]

            assert len({key_id(person.token) for person in old + new}) == 4
            for client in (here, there):
                assert [await status(client, person) for person in old + new] == [200] * 4
                published = (await client.get("/.well-known/jwks.json")).json()["keys"]
                assert {key["kid"] for key in published} == {key_id(person.token) for person in old + new}

    async def test_tokens_of_withdrawn_keys_are_refused_although_they_were_seen_before(
        self, empty_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        migrate.upgrade(empty_url)
        async with servers(empty_url, 2) as [(_, here), (_, there)]:
            ada = await sign_up(here, "ada")
            assert [await status(client, ada) for client in (here, there)] == [200, 200]
            done = await asyncio.to_thread(run_command, "keys", "rotate", "--withdraw", database_url=empty_url)
            assert (done.returncode, done.stdout) == (0, "1\n")
            monkeypatch.setattr(issuers.BuiltInIssuer, "REREAD_TO_SIGN", 0.0)
            monkeypatch.setattr(issuers.BuiltInIssuer, "REREAD_TO_VERIFY", 0.0)  # as after a minute

            bob = await sign_up(here, "bob")
            assert await status(here, bob) == 200
            assert await status(here, ada) == 401  # signing in read the keys again
            assert await status(there, bob) == 200
            assert await status(there, ada) == 401  # and so did another key

    async def test_a_token_that_was_seen_before_is_verified_again_after_a_while(
        self, empty_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also where nothing else makes the server read its keys again."""
        migrate.upgrade(empty_url)
        monkeypatch.setattr(authenticator, "CACHED_FOR", 0.0)
        monkeypatch.setattr(issuers.BuiltInIssuer, "REREAD_TO_VERIFY", 0.0)
        async with servers(empty_url, 1) as [(app, client)]:
            ada = await sign_up(client, "ada")
            assert await status(client, ada) == 200
            await rotate(app.state.resources.database, withdraw=True)
            assert await status(client, ada) == 401

    async def test_a_stream_of_a_withdrawn_keys_token_ends(
        self, empty_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        migrate.upgrade(empty_url)
        monkeypatch.setattr(authenticator, "CACHED_FOR", 0.5)
        monkeypatch.setattr(issuers.BuiltInIssuer, "REREAD_TO_VERIFY", 0.0)  # as after a minute
        app = create_app(settings_for(empty_url))
        async with served(app) as (address, _), httpx.AsyncClient(base_url=address) as client:
            ada = await sign_up(client, "ada")
            async with streaming(address, f"{ada.home}/changes/stream", ada.token) as stream:
                await asyncio.sleep(1.2)  # its token was checked again, and the stream stays open
                await ada.create()
                assert (await stream.next()).name == "change"
                await rotate(app.state.resources.database, withdraw=True)
                end = await stream.next()
                assert (end.name, end.data["reason"]) == ("end", "token")

    async def test_a_key_is_replaced_when_its_time_is_over_and_deleted_with_its_last_token(
        self, empty_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        migrate.upgrade(empty_url)
        monkeypatch.setattr(issuers.BuiltInIssuer, "REREAD_TO_SIGN", 0.0)
        async with servers(empty_url, 1) as [(app, _)]:
            issuer = issuer_of(app)
            first = (await issuer.signing_key()).kid
            assert (await issuer.signing_key()).kid == first
            with psycopg.connect(empty_url) as owner:
                owner.execute("update signing_keys set retired_at = now() - interval '1 minute'")
            second = (await issuer.signing_key()).kid
            assert second != first
            assert {*stored(empty_url)} == {first, second}
            with psycopg.connect(empty_url) as owner:
                owner.execute("update signing_keys set retired_at = now() - interval '1 hour'")
            third = (await issuer.signing_key()).kid
            assert stored(empty_url) == [third]


class TestTheReleaseBefore:
    """It stored private keys: an upgrade erases them, and its servers may run on while they are replaced."""

    async def test_an_upgrade_erases_private_keys_and_keeps_their_tokens_valid(self, empty_url: str) -> None:
        migrate.upgrade(empty_url, BEFORE)
        key = store_as_before(empty_url)
        [kid] = stored(empty_url)

        migrate.upgrade(empty_url)

        assert stored(empty_url, "select private_key from signing_keys") == [None]
        async with servers(empty_url, 1) as [(_, client)]:
            ada = await sign_up(client, "ada")
            ada.token = jwt.encode({"sub": ada.id, "exp": int(time.time()) + 60}, key, "EdDSA", headers={"kid": kid})
            assert await status(client, ada) == 200

    async def test_a_private_key_that_an_old_server_stores_meanwhile_is_erased(self, empty_url: str) -> None:
        migrate.upgrade(empty_url)
        async with servers(empty_url, 1) as [(_, client)]:
            ada = await sign_up(client, "ada")
            before = {*stored(empty_url)}
            key = store_as_before(empty_url)
            [kid] = {*stored(empty_url)} - before

            ada.token = jwt.encode({"sub": ada.id, "exp": int(time.time()) + 60}, key, "EdDSA", headers={"kid": kid})
            assert await status(client, ada) == 200
            assert stored(empty_url, "select private_key from signing_keys") == [None, None]

    def test_a_downgrade_leaves_no_key_that_it_cannot_use(self, empty_url: str) -> None:
        migrate.upgrade(empty_url)
        with psycopg.connect(empty_url) as owner:
            owner.execute("insert into signing_keys (kid, public_jwk) values ('a', '{}')")

        migrate.downgrade(empty_url, BEFORE)

        assert stored(empty_url) == []


class TestUnknownKeys:
    """Tokens of keys that nobody has made: they must not cost the database much."""

    async def send(self, app: FastAPI, client: httpx.AsyncClient, kids: list[str]) -> None:
        key = (await issuer_of(app).signing_key()).private_key
        claims = {"sub": "x", "exp": int(time.time()) + 60}
        tokens = [jwt.encode(claims, key, "EdDSA", headers={"kid": kid}) for kid in kids]
        people = [Person(client, "x", "", token) for token in tokens]
        assert await asyncio.gather(*(status(client, person) for person in people)) == [401] * len(kids)

    async def test_ids_of_another_form_cause_no_queries(self, database_url: str) -> None:
        async with servers(database_url, 1) as [(app, client)]:
            await issuer_of(app).signing_key()
            before = app.state.resources.database.last_contact
            await self.send(app, client, [str(number) for number in range(20)])
            assert app.state.resources.database.last_contact == before

    async def test_many_at_once_cause_few_queries(self, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        reads = []
        load = signing_keys.load

        async def counted(*arguments: Any) -> Any:
            reads.append(arguments)
            return await load(*arguments)

        monkeypatch.setattr(issuers, "load", counted)
        async with servers(database_url, 1) as [(app, client)]:
            await self.send(app, client, [f"{number:043}" for number in range(200)])
        assert 1 <= len(reads) <= 4
