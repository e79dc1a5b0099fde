"""Accounts: sign-up, sign-in, `me`, and access tokens."""

import asyncio
import base64
import json
import time
import uuid
from typing import Any

import httpx
import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from tests.conftest import PASSWORD, Person, http, running, settings_for, sign_up
from todo.app import create_app

pytestmark = pytest.mark.anyio


async def sign_in(client: httpx.AsyncClient, email: str, password: str) -> httpx.Response:
    return await client.post("/api/auth/signin", json={"email": email, "password": password})


async def test_sign_up_answers_with_a_token_and_the_user(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/auth/signup", json={"email": "Grace.Hopper@Example.com", "password": PASSWORD})

    assert response.status_code == 201
    assert response.headers["cache-control"] == "no-store"
    session = response.json()
    assert set(session) == {"access_token", "token_type", "expires_in", "user"}
    assert (session["token_type"], session["expires_in"]) == ("bearer", 900)
    assert set(session["user"]) == {"id", "email", "name", "created_at"}
    assert session["user"]["email"] == "Grace.Hopper@example.com"
    assert PASSWORD not in response.text


async def test_an_email_in_another_case_is_refused_as_taken(ada: Person) -> None:
    response = await ada.client.post("/api/auth/signup", json={"email": ada.email.upper(), "password": PASSWORD})

    assert response.status_code == 409
    assert "sign in" in response.json()["detail"]
    assert ada.id not in response.text


async def test_concurrent_sign_ups_with_one_email_make_one_account(client: httpx.AsyncClient) -> None:
    body = {"email": "twins@example.com", "password": PASSWORD}

    responses = await asyncio.gather(*(client.post("/api/auth/signup", json=body) for _ in range(4)))

    assert sorted(response.status_code for response in responses) == [201, 409, 409, 409]


async def test_sign_in_returns_a_valid_token(ada: Person) -> None:
    response = await sign_in(ada.client, ada.email.upper(), PASSWORD)

    assert response.status_code == 200
    session = response.json()
    assert session["user"]["id"] == ada.id
    ada.token = session["access_token"]
    assert await ada.list() == []


async def test_a_wrong_password_and_an_unknown_email_get_the_same_response(ada: Person) -> None:
    wrong = await sign_in(ada.client, ada.email, PASSWORD + "x")
    unknown = await sign_in(ada.client, "nobody@example.com", PASSWORD)

    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert {k: v for k, v in wrong.headers.items() if k != "date"} == {
        k: v for k, v in unknown.headers.items() if k != "date"
    }


async def test_a_wrong_password_and_an_unknown_email_cost_the_same_work(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both verify one hash of the same cost. Verifications are counted, because measured times would vary too much."""
    from todo.accounts import passwords

    hasher = passwords._hasher()
    verified: list[str] = []
    real = hasher.verify

    def counted(password: str, hashed: str) -> bool:
        verified.append(hashed)
        return real(password, hashed)

    monkeypatch.setattr(hasher, "verify", counted)

    await sign_in(ada.client, ada.email, "wrong password")
    await sign_in(ada.client, "nobody@example.com", "wrong password")

    assert len(verified) == 2
    costs = {hashed.split("$")[1] + hashed.split("$")[3] for hashed in verified}
    assert costs == {"argon2idm=19456,t=2,p=1"}


async def test_passwords_are_stored_as_argon2id(ada: Person, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("alter table credentials no force row level security")
        row = connection.execute("select password_hash from credentials where user_id = %s", [ada.id]).fetchone()
        connection.rollback()
    assert row
    assert row[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "ada@example.com"},
        {"password": PASSWORD},
        {"email": "ada", "password": PASSWORD},
        {"email": "ada@", "password": PASSWORD},
        {"email": "ada@example.com\x00", "password": PASSWORD},
        {"email": "a" * 250 + "@example.com", "password": PASSWORD},
        {"email": "ada@example.com", "password": "hunter2"},
        {"email": "ada@example.com", "password": "x" * 257},
        {"email": "ada@example.com", "password": None},
        {"email": ["ada@example.com"], "password": PASSWORD},
    ],
)
async def test_an_invalid_sign_up_is_refused(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    response = await client.post("/api/auth/signup", json=body)

    assert response.status_code == 422
    assert str(body.get("password") or PASSWORD) not in response.text
    assert "items" not in response.json()["detail"]


@pytest.mark.parametrize("path", ["/api/auth/signup", "/api/auth/signin"])
@pytest.mark.parametrize("field", ["email", "password"])
async def test_text_that_cannot_be_stored_is_refused(client: httpx.AsyncClient, path: str, field: str) -> None:
    body = {"email": '"ada@example.com"', "password": f'"{PASSWORD}"'} | {field: r'"ada\ud800@example.com"'}
    content = "{" + ", ".join(f'"{name}": {value}' for name, value in body.items()) + "}"

    response = await client.post(path, content=content, headers={"Content-Type": "application/json"})

    assert response.status_code == 422


async def test_a_password_may_have_any_characters(client: httpx.AsyncClient) -> None:
    body = {"email": "unicode@example.com", "password": "pässwörd 🦊 \x00\t"}
    assert (await client.post("/api/auth/signup", json=body)).status_code == 201
    assert (await sign_in(client, body["email"], "pa\u0308sswo\u0308rd 🦊 \x00\t")).status_code == 200
    assert (await sign_in(client, body["email"], "passwörd 🦊 \x00\t")).status_code == 401


@pytest.mark.parametrize("email", ["{}@xn--mnchen-3ya.de", "{}@MÜNCHEN.de", "{}@ｅｘａｍｐｌｅ.com", "{}@example.com"])
async def test_an_email_that_signed_up_can_sign_in(client: httpx.AsyncClient, email: str) -> None:
    body = {"email": email.format(f"ada-{uuid.uuid4().hex[:8]}"), "password": PASSWORD}

    assert (await client.post("/api/auth/signup", json=body)).status_code == 201
    assert (await client.post("/api/auth/signin", json=body)).status_code == 200


async def test_an_email_with_a_display_name_is_refused(client: httpx.AsyncClient) -> None:
    body = {"email": "Ada <ada-named@example.com>", "password": PASSWORD}

    assert (await client.post("/api/auth/signup", json=body)).status_code == 422


async def test_me_is_the_tokens_subject(ada: Person) -> None:
    response = await ada.call("GET", "/api/auth/me")

    assert response.status_code == 200
    created_at = response.json()["created_at"]
    user = {"id": ada.id, "email": ada.email, "name": None, "created_at": created_at}
    assert response.json() == user | {"email_confirmed": False}


async def test_a_token_can_be_verified_with_the_published_key_alone(ada: Person) -> None:
    keys = (await ada.client.get("/.well-known/jwks.json")).json()["keys"]
    header = jwt.get_unverified_header(ada.token)

    [key] = [jwt.PyJWK(key) for key in keys if key["kid"] == header["kid"]]
    claims = jwt.decode(ada.token, key, ["EdDSA"])

    assert header["alg"] == "EdDSA"
    assert claims["sub"] == ada.id
    assert claims["exp"] - claims["iat"] == 900
    assert all("d" not in key for key in keys)


def _b64(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def invalid_tokens(app: FastAPI, ada: Person) -> dict[str, str]:
    """Tokens that must be refused, by what is wrong with them."""
    issuer = app.state.resources.authenticator.issuer
    keys = issuer._own
    now = int(time.time())
    good = {"sub": ada.id, "iat": now, "exp": now + 900}
    header = {"kid": keys.kid}
    other_key = Ed25519PrivateKey.generate()

    def signed(claims: dict[str, Any], key: Any = keys.private_key, headers: Any = header) -> str:
        return jwt.encode(claims, key, "EdDSA", headers=headers)

    public = keys.public_jwk["x"]
    head, body, signature = ada.token.split(".")
    return {
        "empty": "",
        "nonsense": "nonsense",
        "three dots": "a.b.c",
        "not ascii": "é.é.é",
        "ten kilobytes": "x" * 10_000,
        "algorithm none": f"{_b64({'alg': 'none', 'kid': keys.kid})}.{_b64(good)}.",
        "HS256 with the public key": jwt.encode(good, public * 2, "HS256", headers=header),
        "another key": signed(good, other_key),
        "an unknown kid": signed(good, other_key, {"kid": "unknown"}),
        "no kid": signed(good, headers={}),
        "a kid that is no string": f"{_b64({'alg': 'EdDSA', 'kid': [1]})}.{_b64(good)}.{signature}",
        "an unknown kid of our form": signed(good, other_key, {"kid": "x" * 43}),
        "expired": signed(good | {"exp": now - 60}),
        "not yet valid": signed(good | {"nbf": now + 60}),
        "issued in the future": signed(good | {"iat": now + 60}),
        "no exp": signed({"sub": ada.id}),
        "no sub": signed({"exp": now + 900}),
        "an exp that is no number": signed(good | {"exp": "soon"}),
        "a changed subject": f"{head}.{_b64(good | {'sub': 'another user'})}.{signature}",
        "no signature": f"{head}.{body}.",
        "a cut signature": ada.token[:-10],
    }


async def test_forged_tokens_get_401(app: FastAPI, ada: Person) -> None:
    for name, token in invalid_tokens(app, ada).items():
        for path in (ada.tasks, "/api/auth/me"):
            response = await ada.client.get(path, headers=[(b"authorization", f"Bearer {token}".encode())])
            assert response.status_code == 401, name
            assert 'error="invalid_token"' in response.headers["www-authenticate"], name
            assert response.headers["content-type"] == "application/problem+json", name


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YWRhOng=", "Token x", "bearer"])
async def test_other_authorization_headers_get_401(ada: Person, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}

    assert (await ada.client.get(ada.tasks, headers=headers)).status_code == 401


async def test_the_scheme_may_be_written_in_any_case(ada: Person) -> None:
    response = await ada.client.get(ada.tasks, headers={"Authorization": f"bEARER  {ada.token}"})

    assert response.status_code == 200


async def test_a_token_is_cached_once_for_every_spelling_of_its_header(ada: Person, app: FastAPI) -> None:
    cached = app.state.resources.authenticator._cache
    before = len(cached)
    for header in ("Bearer {}", "bearer {}", "BEARER   {}", "Bearer {} ", "Bearer {}"):
        response = await ada.client.get(ada.tasks, headers={"Authorization": header.format(ada.token)})
        assert response.status_code == 200

    assert len(cached) == before + 1


async def test_a_token_does_not_recreate_its_deleted_account(ada: Person, database_url: str) -> None:
    task = await ada.create()
    with psycopg.connect(database_url) as connection:
        connection.execute("alter table users no force row level security")
        connection.execute("delete from users where id = %s", [ada.id])
        connection.execute("alter table users force row level security")

    assert (await ada.post(title="too late")).status_code == 401
    assert (await ada.call("GET", "/api/auth/me")).status_code == 401
    assert await ada.list() == []
    assert (await ada.get(task["id"])).status_code == 404
    assert (await sign_in(ada.client, ada.email, PASSWORD)).status_code == 401


@pytest.mark.parametrize("moved", [{"iat": 2}, {"nbf": 2}, {"iat": 2.5, "nbf": 2.5}, {"exp": -5}])
async def test_clocks_of_servers_may_differ(app: FastAPI, ada: Person, moved: dict[str, float]) -> None:
    """A token that another machine made whose clock is ahead, or behind."""
    key, now = await app.state.resources.accounts.issuer.signing_key(), time.time()
    claims = {"sub": ada.id, "iat": now, "exp": now + 900} | {name: now + moved[name] for name in moved}
    ada.token = jwt.encode(claims, key.private_key, "EdDSA", headers={"kid": key.kid})

    assert await ada.list() == []


async def test_servers_of_one_database_accept_each_others_tokens(app: FastAPI, database_url: str) -> None:
    async with running(create_app(settings_for(database_url))) as other, http(app) as here, http(other) as there:
        ada = await sign_up(here, "ada")
        ada.client = there
        assert (await ada.create())["user_id"] == ada.id


async def test_hashing_passwords_does_not_block_the_event_loop(ada: Person) -> None:
    """While passwords are hashed, tasks are served: no request waits for the sign-ins before it."""
    await ada.create()
    flood = [asyncio.create_task(sign_in(ada.client, ada.email, "wrong password")) for _ in range(12)]
    await asyncio.sleep(0)
    served = 0
    while not all(task.done() for task in flood):
        assert len(await ada.list()) == 1
        served += 1
    assert served >= 5
    assert {(await task).status_code for task in flood} == {401}
