"""Drills on accounts: whether a clock tells an unknown e-mail from a wrong password, and what knowing a caller costs.

Both are ratios within one run: the two kinds of attempt are made in turns, so that a noisy machine is noisy for both.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

from todo import embedded, migrate
from todo.accounts import actions
from todo.accounts.door import Door
from todo.accounts.issuers import issuer_for
from todo.accounts.passwords import Passwords
from todo.database import Database
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
    """Median time of an unknown e-mail over that of a wrong password; prints both distributions in ms."""
    passwords = Passwords()
    await actions.sign_up(database, passwords, "ada@example.com", "a long and quiet afternoon")
    times: dict[str, list[float]] = {"ada@example.com": [], "nobody@example.com": []}
    for number in range(ATTEMPTS):
        for email in sorted(times, reverse=bool(number % 2)):
            times[email].append(await attempt(database, passwords, email))
    for email, taken in times.items():
        tenths = statistics.quantiles(taken, n=10)
        print(f"  {email:20} p10 {tenths[0] * 1e3:6.1f}  p50 {tenths[4] * 1e3:6.1f}  p90 {tenths[8] * 1e3:6.1f} ms")
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


async def main(url: str) -> int:
    settings = Settings.from_environment(database_url=url)
    async with Database(url, settings) as database:
        print(f"failed sign-ins, {ATTEMPTS} of each kind in turns:")
        ratio = await sign_in_times(database)
        print(f"  unknown e-mail / wrong password: {ratio:.3f} (within 0.9 to 1.1: {0.9 <= ratio <= 1.1})")
        first, again = await verification(database, settings)
        print(f"knowing a caller, {VERIFICATIONS} tokens: {first:.1f} µs the first time, {again:.2f} µs again")
    return 0 if 0.9 <= ratio <= 1.1 else 1


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, embedded.running(Path(folder) / "data") as embedded_url:
        migrate.upgrade(embedded_url)
        sys.exit(asyncio.run(main(embedded_url)))
