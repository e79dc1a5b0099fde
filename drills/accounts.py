"""Drills on accounts: whether a clock tells an unknown e-mail from a wrong password, and what knowing a caller costs.

Both are ratios within one run: the two kinds of attempt are made in turns, so that a noisy machine is noisy for both.
"""

import asyncio
import statistics
import time
from pathlib import Path
from uuid import uuid4

from drills.figures import Figures
from todo.db import migrate
from todo.db.embedded import server as embedded
from todo.accounts import actions
from todo.auth.authenticator import Door
from todo.auth.issuers import issuer_for
from todo.accounts.passwords import Passwords
from todo.db.database import Database
from todo.problems import WrongPassword
from todo.settings import Settings

ATTEMPTS = 200
VERIFICATIONS = 2000


async def attempt(database: Database, passwords: Passwords, email: str) -> float:
    began = time.perf_counter()
    try:
        await actions.sign_in(database, passwords, email, "a guess")
    except WrongPassword:
        return time.perf_counter() - began
    raise AssertionError("a guess let somebody in")


async def sign_in_times(database: Database) -> float:
    """Median time of an unknown e-mail over that of a wrong password."""
    passwords = Passwords()
    await actions.sign_up(database, passwords, "ada@example.com", "a long and quiet afternoon")
    times: dict[str, list[float]] = {"ada@example.com": [], "nobody@example.com": []}
    for number in range(ATTEMPTS):
        for email in sorted(times, reverse=bool(number % 2)):
            times[email].append(await attempt(database, passwords, email))
    known, unknown = (statistics.median(taken) for taken in times.values())
    return unknown / known


async def verification(database: Database, settings: Settings) -> tuple[float, float]:
    """Microseconds to know a caller the first time, and again."""
    issuer = await issuer_for(settings, database)
    door = Door(issuer, database)
    keys = issuer._keys  # type: ignore[attr-defined] # our own issuer's
    tokens = [keys.issue("ada", uuid4().hex, 900) for _ in range(VERIFICATIONS)]
    taken = []
    for _ in range(2):
        began = time.perf_counter()
        for token in tokens:
            said = b"Bearer " + token.encode()
            if door.known(said) is None:
                await door.caller(said)
        taken.append((time.perf_counter() - began) / VERIFICATIONS * 1e6)
    return taken[0], taken[1]


async def drill(url: str) -> Figures:
    """Both, on one database."""
    settings = Settings.from_environment(database_url=url)
    figures = Figures("accounts: what a clock tells")
    async with Database(url, settings) as database:
        ratio = await sign_in_times(database)
        figures.judge(f"unknown e-mail : wrong password, {ATTEMPTS} of each", round(ratio, 3), least=0.9, most=1.1)
        first, again = await verification(database, settings)
        figures.tell("µs to know a caller the first time; again", f"{first:.1f}; {again:.2f}")
    return figures


def run(folder: Path, *, long: bool) -> Figures:  # noqa: ARG001 # it is short enough
    """On a PostgreSQL of its own."""
    with embedded.running(folder / "data") as url:
        migrate.upgrade(url)
        return asyncio.run(drill(url))
