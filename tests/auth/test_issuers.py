"""Tokens of an external issuer: valid ones are accepted, others are refused, also while the issuer fails."""

import asyncio
import base64
import hmac
import json
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.conftest import Person, http, running, scratch_database, settings_for
from tests.support.processes import free_port, run_command, serving
from todo.app import create_app
from todo.auth.jwks import PublishedKeys
from todo.db import migrate
from todo.problems import Unauthorized

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

SECRET = "a secret of thirty-two bytes and more"


class Issuer:
    def __init__(self, port: int) -> None:
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}")
        self.jwks = f"http://127.0.0.1:{port}/jwks"

    def post(self, path: str, **body: Any) -> Any:
        return self.http.post(path, json=body).json()

    def mint(self, subject: Any, algorithm: str = "EdDSA", kid: str | None = None, /, **claims: Any) -> str:
        now = int(time.time())
        body = {"claims": {"sub": subject, "iat": now, "exp": now + 900, **claims}, "algorithm": algorithm}
        token: str = self.post("/mint", **body, **({"kid": kid} if kid is not None else {}))
        return token


@pytest.fixture(scope="module")
def issuer_process() -> Iterator[Issuer]:
    script = Path(__file__).parent.parent / "support" / "issuer.py"
    process = subprocess.Popen([sys.executable, script, "300"], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    issuer = Issuer(int(process.stdout.readline()))
    yield issuer
    issuer.http.close()
    process.terminate()
    process.wait(10)
    process.stdout.close()


@pytest.fixture
def issuer(issuer_process: Issuer) -> Iterator[Issuer]:
    issuer_process.post("/mode", mode="ok")
    yield issuer_process
    issuer_process.post("/mode", mode="ok")


@pytest.fixture(scope="module")
def external_url(server_url: str) -> Iterator[str]:
    """A database for users of an external issuer."""
    with scratch_database(server_url) as url:
        migrate.upgrade(url)
        yield url


@pytest.fixture
async def client(issuer: Issuer, external_url: str) -> AsyncIterator[httpx.AsyncClient]:
    settings = settings_for(external_url, jwt_jwks_url=issuer.jwks, jwt_issuer="https://issuer.example.com")
    async with running(create_app(settings)) as app, http(app) as client:
        yield client


ISS = {"iss": "https://issuer.example.com"}


def person(client: httpx.AsyncClient, token: str, subject: str) -> Person:
    return Person(client, quote(subject, safe=""), "", token)


@pytest.mark.parametrize("algorithm", ["EdDSA", "RS256", "ES256"])
async def test_each_algorithm_of_a_published_key_is_accepted(
    client: httpx.AsyncClient, issuer: Issuer, algorithm: str
) -> None:
    subject = f"user_{uuid.uuid4().hex}"
    ada = person(client, issuer.mint(subject, algorithm, **ISS), subject)

    task = await ada.create(title="of an external user")

    assert task["user_id"] == subject
    assert await ada.list() == [task]


@pytest.mark.parametrize(
    "subject",
    [
        "auth0|5f7c8ec7c33c6c004bbafe82",
        "user_2NNEqL2nrIRdJ194ndJqAHwEfxC",
        "5f0c7f8e-4d3f-4b59-9c39-0d3f6a1f2b77",
        "with space",
        "50%",
        "100%25",
        "q?a=b&c#d",
        "ünïcödé 🦊",
        "a;b,c:d@e+f",
        "x" * 255,
        "🦊" * 255,
        "...",
        '"quoted"',
    ],
)
async def test_subjects_that_fit_into_a_path_are_accepted(
    client: httpx.AsyncClient, issuer: Issuer, subject: str
) -> None:
    ada = person(client, issuer.mint(subject, **ISS), subject)

    task = await ada.create(title="mine")
    response = await ada.get(task["id"])

    assert response.status_code == 200
    assert response.json()["user_id"] == subject


@pytest.mark.parametrize("subject", ["", "a/b", "/", ".", "..", "a\x00b", "a\nb", "x" * 256, 1, None, ["x"]])
async def test_other_subjects_get_401(client: httpx.AsyncClient, issuer: Issuer, subject: Any) -> None:
    token = issuer.mint(subject, **ISS)

    response = await client.get("/api/x/tasks", headers={"Authorization": f"Bearer {token}"})

    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["www-authenticate"]
    assert len(response.json()["detail"]) > 20


async def test_invalid_tokens_get_401(client: httpx.AsyncClient, issuer: Issuer) -> None:
    now = int(time.time())
    keys = issuer.http.get("/jwks").json()["keys"]
    rsa = next(key for key in keys if key["kty"] == "RSA")
    public = jwt.PyJWK(rsa).key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    claims = {"sub": "mallory", "iat": now, "exp": now + 900, **ISS}
    bad = {
        "another issuer": issuer.mint("mallory", iss="https://other.example.com"),
        "no issuer": issuer.mint("mallory"),
        "expired": issuer.mint("mallory", **(ISS | {"exp": now - 1})),
        "not yet valid": issuer.mint("mallory", nbf=now + 600, **ISS),
        "issued in the future": issuer.mint("mallory", **(ISS | {"iat": now + 600})),
        "an exp that is no number": issuer.mint("mallory", **(ISS | {"exp": "soon"})),
        "HS256 with the public key": signed_by_hand(claims, rsa["kid"], public),
        "HS256 with the key's numbers": jwt.encode(claims, rsa["n"], "HS256", headers={"kid": rsa["kid"]}),
        "none": jwt.encode(claims, "", "none", headers={"kid": rsa["kid"]}),
        "one key's id on another key": issuer.mint("mallory", "EdDSA", rsa["kid"], **ISS),
        "an unknown key": issuer.mint("mallory", "EdDSA", "unknown", **ISS),
        "HS256 with a shared secret": jwt.encode(claims, SECRET, "HS256"),
        "long": issuer.mint("mallory", padding="x" * 10_000, **ISS),
        "no exp": issuer.mint("mallory", **(ISS | {"exp": None})),
        "no sub": issuer.mint(None, **ISS),
        "an exp that is too large": issuer.mint("mallory", **(ISS | {"exp": 10**400})),
        "an iat that is too small": issuer.mint("mallory", **(ISS | {"iat": -(10**18)})),
    }
    for name, token in bad.items():
        response = await client.get("/api/mallory/tasks", headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == 401, name
        assert response.headers["content-type"] == "application/problem+json"


def signed_by_hand(claims: dict[str, Any], kid: str, key: bytes) -> str:
    """A token signed with the public key as an HMAC secret, made by hand because PyJWT refuses to make it."""

    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    body = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': kid})}.{part(claims)}"
    signature = hmac.digest(key, body.encode(), "sha256")
    return f"{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


async def test_the_first_write_creates_the_users_row(
    client: httpx.AsyncClient, issuer: Issuer, external_url: str
) -> None:
    subject = f"user_{uuid.uuid4().hex}"
    ada = person(client, issuer.mint(subject, email="ada@example.com", **ISS), subject)

    before = await ada.call("GET", "/api/auth/me")
    assert await ada.list() == []
    with psycopg.connect(external_url) as owner:
        owner.execute("alter table users no force row level security")
        assert owner.execute("select count(*) from users where id = %s", [subject]).fetchone() == (0,)
        owner.rollback()
    await ada.create()
    after = await ada.call("GET", "/api/auth/me")

    assert before.json() == {"id": subject, "email": "ada@example.com", "created_at": None}
    assert after.json() == {"id": subject, "email": "ada@example.com", "created_at": after.json()["created_at"]}
    assert after.json()["created_at"]


async def test_an_email_that_cannot_be_stored_is_left_out(client: httpx.AsyncClient, issuer: Issuer) -> None:
    for email in ("x" * 300, "a\x00b@example.com", 7, "", None):
        subject = f"user_{uuid.uuid4().hex}"
        ada = person(client, issuer.mint(subject, email=email, **ISS), subject)
        await ada.create()
        assert (await ada.call("GET", "/api/auth/me")).json()["email"] is None


async def test_an_old_token_does_not_recreate_a_deleted_user(client: httpx.AsyncClient, issuer: Issuer) -> None:
    subject = f"user_{uuid.uuid4().hex}"
    ada = person(client, issuer.mint(subject, **(ISS | {"iat": int(time.time()) - 5})), subject)
    await ada.create()

    assert (await ada.call("DELETE", "/api/auth/me")).status_code == 204
    assert await ada.list() == []
    assert (await ada.post(title="too late")).status_code == 401
    assert (await ada.call("GET", "/api/auth/me")).status_code == 401

    await asyncio.sleep(1.1)  # `iat` counts whole seconds, so a token counts as newer from the next one on
    ada.token = issuer.mint(subject, **ISS)
    assert (await ada.call("GET", "/api/auth/me")).status_code == 200
    assert (await ada.create(title="signed in again"))["user_id"] == subject


async def test_concurrent_writes_do_not_recreate_a_deleted_user(client: httpx.AsyncClient, issuer: Issuer) -> None:
    for _ in range(15):
        subject = f"user_{uuid.uuid4().hex}"
        ada = person(client, issuer.mint(subject, **(ISS | {"iat": int(time.time()) - 5})), subject)
        await ada.create()
        deleted, *_ = await asyncio.gather(
            ada.call("DELETE", "/api/auth/me"), *(ada.post(title="too late") for _ in range(4))
        )
        assert deleted.status_code == 204
        assert (await ada.call("GET", "/api/auth/me")).status_code == 401
        assert await ada.list() == []


async def test_an_old_token_cannot_delete_the_new_account(client: httpx.AsyncClient, issuer: Issuer) -> None:
    subject = f"user_{uuid.uuid4().hex}"
    old = person(client, issuer.mint(subject, **(ISS | {"iat": time.time() - 5.5})), subject)
    await old.create()
    await old.call("DELETE", "/api/auth/me")
    await asyncio.sleep(1.1)
    new = person(client, issuer.mint(subject, **ISS), subject)
    await new.create(title="of the new account")

    assert (await old.call("DELETE", "/api/auth/me")).status_code == 401
    assert [task["title"] for task in await new.list()] == ["of the new account"]


async def test_only_me_remains_of_the_account_endpoints(client: httpx.AsyncClient, issuer: Issuer) -> None:
    token = issuer.mint("ada", **ISS)
    headers = {"Authorization": f"Bearer {token}"}
    for method, path in (
        ("POST", "/api/auth/signup"),
        ("POST", "/api/auth/signin"),
        ("POST", "/api/auth/refresh"),
        ("POST", "/api/auth/signout"),
        ("POST", "/api/auth/password"),
        ("GET", "/api/auth/tokens"),
        ("GET", "/.well-known/jwks.json"),
    ):
        assert (await client.request(method, path, headers=headers, json={})).status_code == 404, path
    assert (await client.get("/api/auth/me", headers=headers)).status_code == 200
    described = (await client.get("/openapi.json")).json()
    assert "There is no\nsign-up here." in described["info"]["description"]
    assert not [path for path in described["paths"] if "signup" in path]


class TestJwks:
    """The published keys, while the issuer rotates, is down, slow, or answers garbage."""

    async def test_rotated_keys_are_fetched_and_many_unknown_keys_cause_one_fetch(
        self, issuer: Issuer, external_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings = settings_for(external_url, jwt_jwks_url=issuer.jwks, jwt_issuer="https://issuer.example.com")
        async with running(create_app(settings)) as app, http(app) as client:

            async def status(token: str) -> int:
                response = await client.get("/api/ada/tasks", headers={"Authorization": f"Bearer {token}"})
                return response.status_code

            old = issuer.mint("ada", **ISS)
            assert await status(old) == 200
            fetches = issuer.post("/fetches")
            for number in range(20):
                assert await status(issuer.mint("ada", "EdDSA", f"unknown-{number}", **ISS)) == 401
            assert issuer.post("/fetches") <= fetches + 1

            issuer.post("/rotate")
            new = issuer.mint("ada", **ISS)
            assert await status(new) == 401  # the keys were fetched a moment ago
            monkeypatch.setattr(PublishedKeys, "PAUSE", 0.0)
            assert await status(new) == 200
            assert await status(old) == 200  # still cached until it expires

    @pytest.mark.parametrize("mode", ["down", "garbage", "empty", "huge"])
    async def test_cached_keys_are_used_while_the_issuer_fails(
        self, issuer: Issuer, monkeypatch: pytest.MonkeyPatch, mode: str
    ) -> None:
        monkeypatch.setattr(PublishedKeys, "PAUSE", 0.0)
        keys = PublishedKeys(issuer.jwks, settings_expectations())
        token = issuer.mint("ada", **ISS)
        assert (await keys.caller(token)).user_id == "ada"

        issuer.post("/mode", mode=mode)
        monkeypatch.setattr(PublishedKeys, "FRESH", -1.0)  # so that each call fetches again
        for _ in range(3):
            assert (await keys.caller(token)).user_id == "ada"
            assert keys._fetching
            await keys._fetching
        unknown = issuer.mint("ada", "EdDSA", "unknown", **ISS)
        with pytest.raises(Unauthorized, match="unknown key"):
            await keys.caller(unknown)
        assert (await keys.caller(token)).user_id == "ada"
        assert keys._fetching
        await keys._fetching

    async def test_a_slow_issuer_delays_requests_no_longer_than_the_timeout(
        self, issuer: Issuer, external_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(PublishedKeys, "TIMEOUT", 0.3)
        issuer.post("/mode", mode="slow")
        settings = settings_for(external_url, jwt_jwks_url=issuer.jwks, jwt_issuer="https://issuer.example.com")
        token = issuer.mint("ada", **ISS)
        async with running(create_app(settings)) as app, http(app) as client:
            response = await client.get("/api/ada/tasks", headers={"Authorization": f"Bearer {token}"})
            assert response.status_code == 503
            assert response.headers["retry-after"] == "1"
            issuer.post("/mode", mode="ok")
            monkeypatch.setattr(PublishedKeys, "FIRST_PAUSE", 0.0)
            monkeypatch.setattr(PublishedKeys, "TIMEOUT", 5.0)
            response = await client.get("/api/ada/tasks", headers={"Authorization": f"Bearer {token}"})
            assert response.status_code == 200


def settings_expectations() -> Any:
    from todo.auth.jwt import Expectations

    return Expectations("https://issuer.example.com")


class TestTokenShapes:
    """Tokens with the claims of well-known issuers, end to end."""

    async def test_tokens_of_better_auth_are_accepted(self, issuer: Issuer, external_url: str) -> None:
        """EdDSA, 15 minutes, issuer and audience are the base URL."""
        base = "http://localhost:3000"
        settings = settings_for(external_url, jwt_jwks_url=issuer.jwks, jwt_issuer=base, jwt_audience=base)
        async with with_issuer(settings) as client:
            subject = "Yq8vKZ3sWmZ0cD1nJ5t4aB7xR2pL9eUf"
            claims = {"iss": base, "aud": base, "email": "ada@example.com", "name": "Ada", "emailVerified": True}
            ada = person(client, issuer.mint(subject, **claims), subject)
            assert (await ada.create())["user_id"] == subject
            ada.token = issuer.mint(subject, **(claims | {"aud": "http://localhost:4000"}))
            assert (await ada.call("GET", ada.tasks)).status_code == 401
            ada.token = issuer.mint(subject, iss=base)
            assert (await ada.call("GET", ada.tasks)).status_code == 401

    async def test_tokens_of_clerk_are_accepted(self, issuer: Issuer, external_url: str) -> None:
        """RS256, no audience, the page's origin as the authorized party."""
        iss, azp = "https://clerk.example.com", "https://app.example.com"
        settings = settings_for(
            external_url,
            jwt_jwks_url=issuer.jwks,
            jwt_issuer=iss,
            jwt_authorized_parties=f"{azp},https://b.example.com",
        )
        async with with_issuer(settings) as client:
            subject = "user_2NNEqL2nrIRdJ194ndJqAHwEfxC"
            claims = {"iss": iss, "azp": azp, "sid": "sess_2NNEqL2nrIRdJ194ndJqAHwEfxC", "fva": [0, -1]}
            ada = person(client, issuer.mint(subject, "RS256", **claims), subject)
            assert (await ada.create())["user_id"] == subject
            for other in ("https://evil.example", None):
                ada.token = issuer.mint(subject, "RS256", **(claims | {"azp": other}))
                assert (await ada.call("GET", ada.tasks)).status_code == 401

    async def test_an_audience_is_ignored_unless_one_is_configured(self, issuer: Issuer, external_url: str) -> None:
        async with with_issuer(settings_for(external_url, jwt_jwks_url=issuer.jwks)) as client:
            ada = person(client, issuer.mint("ada|x", aud=["a", "b"], iss="any issuer"), "ada|x")
            assert await ada.list() == []

    async def test_tokens_signed_with_a_shared_secret_are_verified(self, external_url: str) -> None:
        async with with_issuer(settings_for(external_url, jwt_secret=SECRET)) as client:
            now = int(time.time())
            claims = {"sub": "ada", "exp": now + 60}
            ada = person(client, jwt.encode(claims, SECRET, "HS256"), "ada")
            assert (await ada.create())["user_id"] == "ada"
            for bad in (
                jwt.encode(claims, SECRET + "x", "HS256"),
                jwt.encode(claims, SECRET * 2, "HS512"),
                jwt.encode(claims, SECRET * 2, "HS256"),
                jwt.encode({"sub": "ada"}, SECRET, "HS256"),
                jwt.encode({"exp": now + 60}, SECRET, "HS256"),
                jwt.encode({"sub": "ada", "exp": now - 1}, SECRET, "HS256"),
            ):
                ada.token = bad
                assert (await ada.call("GET", ada.tasks)).status_code == 401

    async def test_clocks_may_differ_by_the_leeway(self, external_url: str) -> None:
        claims = {"sub": "ada", "exp": int(time.time()) - 5}
        token = jwt.encode(claims, SECRET, "HS256")
        async with with_issuer(settings_for(external_url, jwt_secret=SECRET, jwt_leeway=30)) as client:
            ada = person(client, token, "ada")
            assert (await ada.call("GET", ada.tasks)).status_code == 200


def remove_users(url: str) -> None:
    """Delete all users, since a database without users accepts any issuer."""
    with psycopg.connect(url) as owner:
        owner.execute("alter table users no force row level security")
        owner.execute("delete from users")
        owner.execute("delete from deployment")
        owner.execute("alter table users force row level security")


@asynccontextmanager
async def with_issuer(settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application with an issuer of its own, on a database without users."""
    remove_users(settings.database_url)
    async with running(create_app(settings)) as app, http(app) as client:
        yield client
    remove_users(settings.database_url)


async def test_malformed_keys_in_a_key_set_are_skipped(issuer: Issuer) -> None:
    from todo.auth.jwks import _usable

    good = issuer.http.get("/jwks").json()["keys"]
    malformed: list[Any] = [
        1,
        None,
        "x",
        {},
        {"kty": ["RSA"]},
        {"kty": "RSA", "n": 1, "e": None},
        good[0] | {"kid": ["b"]},
    ]

    assert len(_usable({"keys": [*malformed, *good]})) >= 3


def test_users_of_an_older_schema_belong_to_the_built_in_accounts(empty_url: str) -> None:
    migrate.upgrade(empty_url, "2026_11_22_tasks")
    with psycopg.connect(empty_url) as owner:
        owner.execute("alter table users no force row level security")
        owner.execute("insert into users (id) values ('ada')")
        owner.execute("alter table users force row level security")
    migrate.upgrade(empty_url)

    refused = run_command("serve", database_url=empty_url, jwt_secret=SECRET, port=free_port())

    assert refused.returncode == 1
    assert "--accept-issuer" in refused.stderr


def test_a_change_of_the_issuer_must_be_accepted(empty_url: str, tmp_path: Path) -> None:
    migrate.upgrade(empty_url)
    external = {"database_url": empty_url, "jwt_secret": SECRET, "jwt_issuer": "https://issuer.example.com"}
    with serving(tmp_path, database_url=empty_url):
        pass
    with serving(tmp_path, **external) as server:  # there were no users yet
        token = jwt.encode(
            {"sub": "ada", "exp": int(time.time()) + 60, "iss": "https://issuer.example.com"}, SECRET, "HS256"
        )
        made = server.http.post("/api/ada/tasks", json={"title": "x"}, headers={"Authorization": f"Bearer {token}"})
        assert made.status_code == 201

    refused = run_command("serve", database_url=empty_url, port=free_port())
    assert refused.returncode == 1
    [line] = refused.stderr.splitlines()
    assert "https://issuer.example.com" in line
    assert "--accept-issuer" in line

    with serving(tmp_path, "--accept-issuer", database_url=empty_url):
        pass
    with serving(tmp_path, database_url=empty_url):
        pass  # the change was accepted before


class TestIdempotencyKeys:
    """Idempotency-Key of users whose row is created by their first write."""

    async def test_the_first_write_may_have_a_key(self, client: httpx.AsyncClient, issuer: Issuer) -> None:
        subject = f"user_{uuid.uuid4().hex}"
        ada = person(client, issuer.mint(subject, **ISS), subject)
        key = {"Idempotency-Key": "the-first"}

        responses = [await ada.call("POST", ada.tasks, json={"title": "x"}, headers=key) for _ in range(2)]

        assert [response.status_code for response in responses] == [201, 201]
        assert responses[0].content == responses[1].content
        assert len(await ada.list()) == 1

    async def test_a_404_of_the_first_write_is_stored_too(self, client: httpx.AsyncClient, issuer: Issuer) -> None:
        subject = f"user_{uuid.uuid4().hex}"
        ada = person(client, issuer.mint(subject, **ISS), subject)
        path, key = f"{ada.tasks}/{uuid.uuid4()}", {"Idempotency-Key": "the-first"}

        responses = [await ada.call("DELETE", path, headers=key) for _ in range(2)]

        assert [response.status_code for response in responses] == [404, 404]
        assert responses[1].headers["idempotent-replayed"] == "true"
        assert (await ada.since(0))["revision"] == 0

    async def test_a_write_with_a_key_does_not_recreate_a_deleted_user(
        self, client: httpx.AsyncClient, issuer: Issuer
    ) -> None:
        subject = f"user_{uuid.uuid4().hex}"
        ada = person(client, issuer.mint(subject, **(ISS | {"iat": int(time.time()) - 5})), subject)
        await ada.create()
        await ada.call("DELETE", "/api/auth/me")

        for method, path in (("POST", ada.tasks), ("DELETE", f"{ada.tasks}/{uuid.uuid4()}")):
            body = {"title": "too late"} if method == "POST" else None
            response = await ada.call(method, path, json=body, headers={"Idempotency-Key": method})
            assert response.status_code == 401
        assert (await ada.call("GET", "/api/auth/me")).status_code == 401

    async def test_concurrent_writes_with_and_without_keys_do_not_deadlock(
        self, client: httpx.AsyncClient, issuer: Issuer, external_url: str
    ) -> None:
        def deadlocks() -> int:
            with psycopg.connect(external_url, autocommit=True) as connection:
                query = "select deadlocks from pg_stat_database where datname = current_database()"
                return int(connection.execute(query).fetchall()[0][0])

        before = deadlocks()
        for _ in range(3):
            subject = f"user_{uuid.uuid4().hex}"
            ada = person(client, issuer.mint(subject, **(ISS | {"iat": int(time.time()) - 5})), subject)
            task = await ada.create()
            calls = [
                *(ada.toggle(task["id"], headers={"Idempotency-Key": uuid.uuid4().hex}) for _ in range(8)),
                *(ada.post(title="x") for _ in range(8)),
            ]
            responses = await asyncio.gather(*calls)
            assert {response.status_code for response in responses} == {200, 201}
            calls = [ada.toggle(task["id"], headers={"Idempotency-Key": uuid.uuid4().hex}) for _ in range(8)]
            *_, deleted = await asyncio.gather(*calls, ada.call("DELETE", "/api/auth/me"))
            assert deleted.status_code == 204
        await asyncio.sleep(1.5)  # until the statistics are written
        assert deadlocks() == before


async def test_the_revisions_of_a_new_account_start_above_the_old_ones(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    """No ETag and no `since` of the deleted account is valid in the new one."""
    subject = f"user_{uuid.uuid4().hex}"
    ada = person(client, issuer.mint(subject, **(ISS | {"iat": int(time.time()) - 5})), subject)
    for _ in range(3):
        await ada.create()
    await ada.call("DELETE", "/api/auth/me")
    await asyncio.sleep(1.1)
    ada.token = issuer.mint(subject, **ISS)

    task = await ada.create(title="of the new account")

    assert task["revision"] == 5
    for since in range(4):
        assert (await ada.call("GET", f"{ada.home}/changes", params={"since": since})).status_code == 410
    assert [change["revision"] for change in (await ada.since(4))["changes"]] == [5]
    assert (await ada.call("GET", ada.tasks, headers={"If-None-Match": 'W/"3"'})).status_code == 200
    await ada.call("DELETE", "/api/auth/me")
    await asyncio.sleep(1.1)
    ada.token = issuer.mint(subject, **ISS)
    assert (await ada.create())["revision"] == 7
