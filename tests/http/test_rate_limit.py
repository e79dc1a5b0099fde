"""Rate limits: a client above its limit gets 429 and the time to wait, and cannot lock another user out."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import PASSWORD, Person, running, settings_for, sign_up
from tests.support.processes import free_port
from todo.app import create_app
from todo.http.rate_limit import (
    FAILED_ATTEMPTS_OF_ADDRESS,
    FAILED_SIGN_INS,
    SIGN_UPS_OF_ADDRESS,
    RateLimits,
    address_of,
)
from todo.http.rate_limit_memory import MemoryStorage
from todo.problems import WrongPassword

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

REDIS = shutil.which("redis-server")


@asynccontextmanager
async def rate_limited(url: str, **settings: Any) -> AsyncIterator[FastAPI]:
    async with running(create_app(settings_for(url, **{"rate_limit": "6000/minute", **settings}))) as app:
        yield app


@asynccontextmanager
async def from_address(app: FastAPI, address: str) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://todo") as client:
        yield client


async def sign_in(client: httpx.AsyncClient, email: str, password: str) -> httpx.Response:
    return await client.post("/api/auth/signin", json={"email": email, "password": password})


async def test_every_response_says_how_many_requests_are_left(database_url: str) -> None:
    async with rate_limited(database_url, rate_limit="5/minute") as app, from_address(app, "192.0.2.1") as client:
        ada, bob = await sign_up(client, "ada"), await sign_up(client, "bob")
        responses = [
            await ada.call("GET", ada.tasks),
            await ada.post(title=""),
            await ada.get("nothing"),
            await ada.call("GET", "/api/auth/me"),
            await ada.post(title="x"),
        ]
        assert [response.status_code for response in responses] == [200, 422, 404, 200, 201]
        for left, response in zip((4, 3, 2, 1, 0), responses, strict=True):
            assert response.headers["ratelimit-policy"] == '"user";q=5;w=60'
            assert re.fullmatch(rf'"user";r={left};t=\d+', response.headers["ratelimit"])

        refused = await ada.post(title="one too many")
        assert refused.status_code == 429
        assert refused.headers["content-type"] == "application/problem+json"
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert refused.headers["ratelimit"].startswith('"user";r=0;')
        assert len(await bob.list()) == 0  # each user has a limit of their own


async def test_the_caller_is_checked_before_the_rate_limit(database_url: str) -> None:
    async with rate_limited(database_url, rate_limit="1/minute") as app, from_address(app, "192.0.2.1") as client:
        ada, bob = await sign_up(client, "ada"), await sign_up(client, "bob")
        for _ in range(4):
            assert (await bob.call("GET", ada.tasks)).status_code == 403
            assert (await client.get(ada.tasks)).status_code == 401
        assert (await bob.call("GET", bob.tasks)).status_code == 200
        nonsense = {"content": b"\xff" * 100_000, "headers": {"Content-Type": "text/plain"}}
        assert (await bob.call("POST", bob.tasks, **nonsense)).status_code == 429


async def test_off_switches_every_rate_limit_off(ada: Person) -> None:
    response = await ada.call("GET", ada.tasks)
    assert "ratelimit" not in response.headers
    for _ in range(FAILED_SIGN_INS.amount + 2):
        assert (await sign_in(ada.client, ada.email, "wrong password")).status_code == 401


async def test_failed_sign_ins_of_another_address_do_not_lock_a_user_out(database_url: str) -> None:
    async with (
        rate_limited(database_url) as app,
        from_address(app, "192.0.2.1") as home,
        from_address(app, "198.51.100.1") as attacker,
    ):
        ada = await sign_up(home, "ada")
        failures = [(await sign_in(attacker, ada.email, "a guess")).status_code for _ in range(FAILED_SIGN_INS.amount)]
        assert set(failures) == {401}
        refused = await sign_in(attacker, ada.email, PASSWORD)
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 900
        assert (await sign_in(attacker, ada.email.upper(), PASSWORD)).status_code == 429
        assert (await sign_in(home, ada.email, PASSWORD)).status_code == 200
        assert (await sign_in(attacker, f"x{ada.email}", "a guess")).status_code == 401


async def test_concurrent_guesses_are_limited_like_sequential_ones(database_url: str) -> None:
    async with rate_limited(database_url) as app, from_address(app, "192.0.2.1") as client:
        ada = await sign_up(client, "ada")
        responses = await asyncio.gather(*(sign_in(client, ada.email, "a guess") for _ in range(60)))
        statuses = [response.status_code for response in responses]
        assert statuses.count(401) <= FAILED_SIGN_INS.amount
        assert set(statuses) == {401, 429}
        for _ in range(FAILED_SIGN_INS.amount):
            await sign_in(client, ada.email, "a guess")
        assert (await sign_in(client, ada.email, PASSWORD)).status_code == 429


async def test_sign_ins_above_the_queue_for_hashing_get_503(ada: Person) -> None:
    responses = await asyncio.gather(*(sign_in(ada.client, ada.email, "a guess") for _ in range(200)))
    statuses = [response.status_code for response in responses]
    assert set(statuses) == {401, 503}
    assert statuses.count(503) <= 72


async def test_successful_sign_ins_do_not_count(database_url: str) -> None:
    async with rate_limited(database_url) as app, from_address(app, "192.0.2.1") as client:
        ada = await sign_up(client, "ada")
        for _ in range(FAILED_SIGN_INS.amount + 2):
            assert (await sign_in(client, ada.email, PASSWORD)).status_code == 200


async def test_guesses_for_many_accounts_are_limited_per_address(database_url: str) -> None:
    async with rate_limited(database_url) as app, from_address(app, "2001:db8:1:2::1") as client:
        limits = app.state.resources.rate_limits
        for number in range(FAILED_ATTEMPTS_OF_ADDRESS.amount):  # as failed sign-ins count, without hashing
            with pytest.raises(WrongPassword):
                await fails(limits, f"{number}@example.com", address_of("2001:db8:1:2::1"))
        assert (await sign_in(client, "fresh@example.com", "a guess")).status_code == 429
        async with from_address(app, "2001:db8:1:2:ffff::9") as user:
            assert (await sign_in(user, "fresh@example.com", "a guess")).status_code == 429
        async with from_address(app, "2001:db8:1:3::1") as other:
            assert (await sign_in(other, "fresh@example.com", "a guess")).status_code == 401


BODIES: list[tuple[dict[str, Any], int]] = [
    ({"json": {"email": "ada@example.com", "password": "x" * 257}}, 422),
    ({"json": {"email": 1}}, 422),
    ({"content": b"nonsense", "headers": {"Content-Type": "application/json"}}, 422),
    ({"content": b"", "headers": {"Content-Type": "application/json"}}, 422),
    ({"content": b"{}", "headers": {"Content-Type": "text/plain"}}, 415),
    ({"content": b" " * 65_537, "headers": {"Content-Type": "application/json"}}, 413),
]


@pytest.mark.parametrize("path", ["/api/auth/signin", "/api/auth/signup", "/api/auth/password"])
async def test_refused_requests_with_a_password_count_against_their_address(database_url: str, path: str) -> None:
    async with rate_limited(database_url) as app, from_address(app, "192.0.2.1") as client:
        ada = await sign_up(client, "ada")
        for number in range(FAILED_ATTEMPTS_OF_ADDRESS.amount):
            options, status = BODIES[number % len(BODIES)]
            assert (await ada.call("POST", path, **options)).status_code == status

        refused = await ada.call("POST", path, **BODIES[-1][0])
        assert refused.status_code == 429  # before its body is read
        assert 1 <= int(refused.headers["retry-after"]) <= 900
        for other in ("/api/auth/signin", "/api/auth/signup", "/api/auth/password"):
            assert (await ada.call("POST", other, **BODIES[0][0])).status_code == 429
        assert len(await ada.list()) == 0  # who is signed in goes on
        assert (await client.post("/api/auth/refresh")).status_code == 200
        async with from_address(app, "192.0.2.2") as other_client:
            assert (await sign_in(other_client, ada.email, PASSWORD)).status_code == 200


async def test_a_person_who_mistypes_a_few_times_is_not_refused(database_url: str) -> None:
    async with rate_limited(database_url) as app, from_address(app, "192.0.2.1") as client:
        ada = await sign_up(client, "ada")
        for options, status in BODIES * 3:
            assert (await client.post("/api/auth/signin", **options)).status_code == status
        assert (await sign_in(client, ada.email, PASSWORD)).status_code == 200


async def test_guesses_whose_bodies_come_late_are_limited_too(database_url: str) -> None:
    """The limit is looked at again when the password is tried, not only before the body is read."""
    async with rate_limited(database_url) as app, from_address(app, "192.0.2.1") as client:
        limits = app.state.resources.rate_limits
        asked, late = asyncio.Event(), asyncio.Event()

        async def body() -> AsyncIterator[bytes]:
            asked.set()
            await late.wait()
            yield b'{"email": "late@example.com", "password": "a guess"}'

        headers = {"Content-Type": "application/json"}
        waiting = asyncio.create_task(client.post("/api/auth/signin", content=body(), headers=headers))
        await asked.wait()
        for number in range(FAILED_ATTEMPTS_OF_ADDRESS.amount):
            with pytest.raises(WrongPassword):
                await fails(limits, f"{number}@example.com", "192.0.2.1")
        late.set()
        assert (await waiting).status_code == 429


async def test_sign_ups_are_limited_per_address(database_url: str) -> None:
    async with rate_limited(database_url) as app, from_address(app, "192.0.2.1") as client:
        for _ in range(SIGN_UPS_OF_ADDRESS.amount):
            await sign_up(client, "ada")
        who = {"email": f"{uuid.uuid4().hex}@example.com", "password": PASSWORD}
        assert (await client.post("/api/auth/signup", json=who)).status_code == 429
        async with from_address(app, "192.0.2.2") as other:
            assert (await other.post("/api/auth/signup", json=who)).status_code == 201


async def test_password_changes_are_limited_like_sign_ins(database_url: str) -> None:
    async with rate_limited(database_url) as app, from_address(app, "192.0.2.1") as client:
        ada = await sign_up(client, "ada")
        body = {"current": "a guess", "new": "a short and loud night"}
        for _ in range(FAILED_SIGN_INS.amount):
            assert (await ada.call("POST", "/api/auth/password", json=body)).status_code == 422
        assert (await ada.call("POST", "/api/auth/password", json=body)).status_code == 429


async def fails(limits: RateLimits, email: str, address: str) -> None:
    async with limits.attempt_of_address(address), limits.password_attempt(email, address):
        raise WrongPassword


class TestMemoryStorage:
    async def test_a_window_ends(self) -> None:
        store = MemoryStorage()
        assert [await store.incr("a", 1) for _ in range(3)] == [1, 2, 3]
        assert await store.get("a") == 3
        assert 0 < await store.get_expiry("a") - time.time() <= 1
        await asyncio.sleep(1.05)
        assert await store.get("a") == 0
        assert await store.incr("a", 1) == 1

    async def test_expired_counters_are_removed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(MemoryStorage, "GENERATION", 0.05)
        store = MemoryStorage()
        for number in range(1000):
            await store.incr(str(number), 60)
        await asyncio.sleep(0.06)
        assert await store.incr("999", 60) == 2  # still counted, and moved to the new generation
        await asyncio.sleep(0.06)
        await store.incr("new", 60)
        assert len(store._young) + len(store._old) == 2
        await store.clear("new")
        assert await store.get("new") == 0
        await store.reset()
        assert await store.get("999") == 0


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("testclient", "testclient"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_an_ipv6_address_counts_as_its_network(host: str | None, address: str) -> None:
    assert address_of(host) == address


@pytest.mark.skipif(
    REDIS is None and "REQUIRE_REDIS" not in os.environ, reason="needs Debian's redis-server, which .ci/run installs"
)
class TestRedis:
    @pytest.fixture
    def redis(self, tmp_path: Any) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
        assert REDIS
        port = free_port()
        process = subprocess.Popen(
            [REDIS, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 10
        while subprocess.run(["redis-cli", "-p", str(port), "ping"], capture_output=True, check=False).returncode:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0", process
        process.terminate()
        process.wait(10)

    async def test_workers_share_their_counts(self, database_url: str, redis: Any) -> None:
        settings = {"rate_limit": "6/minute", "rate_limit_store": redis[0]}
        async with (
            rate_limited(database_url, **settings) as one,
            rate_limited(database_url, **settings) as two,
            from_address(one, "192.0.2.1") as here,
            from_address(two, "192.0.2.1") as there,
        ):
            ada = await sign_up(here, "ada")
            statuses = []
            for client in (here, there) * 4:
                ada.client = client
                statuses.append((await ada.call("GET", ada.tasks)).status_code)
            assert statuses == [200] * 6 + [429] * 2

    async def test_a_store_that_does_not_answer_delays_requests_only_briefly(
        self, database_url: str, redis: Any
    ) -> None:
        url, process = redis
        async with (
            rate_limited(database_url, rate_limit="2/minute", rate_limit_store=url) as app,
            from_address(app, "192.0.2.1") as client,
        ):
            ada = await sign_up(client, "ada")
            process.send_signal(signal.SIGSTOP)
            try:
                began = time.monotonic()
                for _ in range(10):
                    assert (await ada.call("GET", ada.tasks)).status_code == 200
                assert time.monotonic() - began < 5  # one of them waited, a quarter of a second
            finally:
                process.send_signal(signal.SIGCONT)

    async def test_no_request_is_refused_while_the_store_is_down(
        self, database_url: str, redis: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        url, process = redis
        async with (
            rate_limited(database_url, rate_limit="2/minute", rate_limit_store=url) as app,
            from_address(app, "192.0.2.1") as client,
        ):
            ada = await sign_up(client, "ada")
            process.kill()
            process.wait(10)
            for _ in range(4):
                assert (await ada.call("GET", ada.tasks)).status_code == 200
            assert (await sign_in(client, ada.email, "a guess")).status_code == 401
        assert "RATE_LIMIT_STORE does not answer" in caplog.text
