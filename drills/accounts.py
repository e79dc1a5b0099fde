"""Timing of accounts: whether response times distinguish an unknown e-mail from a wrong password; authentication.

The sign-in figure is a ratio within one run: the two kinds of attempts alternate, so noise affects both alike.
"""

import asyncio
import statistics
import time
from pathlib import Path
from uuid import uuid4

from drills.figures import Figures
from todo.accounts import actions
from todo.accounts.issuer import BuiltInIssuer
from todo.accounts.passwords import Passwords
from todo.auth.authenticator import Authenticator
from todo.db import migrate
from todo.db.database import Database
from todo.db.embedded import server as embedded
from todo.problems import WrongPassword
from todo.settings import Settings

ATTEMPTS = 200
TOKENS = 2000


async def attempt(database: Database, passwords: Passwords, email: str) -> float:
    """Seconds of a sign-in with a wrong password."""
    began = time.perf_counter()
    try:
        await actions.sign_in(database, passwords, email, "a guess")
    except WrongPassword:
        return time.perf_counter() - began
    raise AssertionError("a guessed password was accepted")


async def sign_in_times(database: Database) -> float:
    """The median time for an unknown e-mail as a ratio to that for a wrong password."""
    passwords = Passwords()
    await actions.sign_up(database, passwords, "ada@example.com", "a long and quiet afternoon")
    times: dict[str, list[float]] = {"ada@example.com": [], "unknown@example.com": []}
    for number in range(ATTEMPTS):
        for email in sorted(times, reverse=bool(number % 2)):
            times[email].append(await attempt(database, passwords, email))
    known, unknown = (statistics.median(seconds) for seconds in times.values())
    return unknown / known


async def authentication_times(database: Database, settings: Settings) -> tuple[float, float]:
    """Microseconds to authenticate a token the first time, and from the cache."""
    issuer = BuiltInIssuer(database, settings.access_token_lifetime, settings.jwt_leeway)
    authenticator = Authenticator(issuer)
    key = await issuer.signing_key()
    tokens = [key.issue("ada", uuid4().hex, 900) for _ in range(TOKENS)]
    times = []
    for _ in range(2):
        began = time.perf_counter()
        for token in tokens:
            header = b"Bearer " + token.encode()
            if authenticator.cached(header) is None:
                await authenticator.authenticate(header)
        times.append((time.perf_counter() - began) / TOKENS * 1e6)
    return times[0], times[1]


async def drill(url: str) -> Figures:
    """Both, on one database."""
    settings = Settings.from_environment(database_url=url)
    figures = Figures("accounts: timing")
    async with Database(url, settings) as database:
        ratio = await sign_in_times(database)
        what = f"time of a sign-in, unknown e-mail : wrong password, {ATTEMPTS} of each"
        figures.check(what, round(ratio, 3), least=0.9, most=1.1)
        first, again = await authentication_times(database, settings)
        figures.report("µs to authenticate a token the first time; from the cache", f"{first:.1f}; {again:.2f}")
    return figures


def run(folder: Path, *, long: bool) -> Figures:  # noqa: ARG001 # it has one form
    """Run it on an embedded PostgreSQL."""
    with embedded.running(folder / "data") as url:
        migrate.upgrade(url)
        return asyncio.run(drill(url))
