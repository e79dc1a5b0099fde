"""All checks, in the order in which they are reported."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from todo.doctor import machine, public, stream
from todo.doctor.finding import Finding, problem, skipped
from todo.settings import CannotStart, Settings


@dataclass(frozen=True)
class Questions:
    """What the command was asked."""

    url: str | None = None
    token: str | None = None
    """For the check of the event stream."""
    grace: float | None = None
    backups: Path | None = None
    max_age: float = 26.0


def findings(questions: Questions) -> Iterator[Finding]:
    """Check everything; each finding as soon as it is known."""
    try:
        settings = Settings.from_environment()
    except CannotStart as error:
        yield problem("settings", str(error), "correct it: docs/reference/configuration.md")
        settings = None
    if settings is not None:
        yield from machine.check(settings, grace=questions.grace, backups=questions.backups, max_age=questions.max_age)
        yield from _database(settings)
    if questions.url is None:
        yield skipped("public url", "not checked", "todo doctor --url https://…")
        return
    yield from public.check(questions.url)
    if questions.token is None:
        yield skipped("event stream", "not checked", "TODO_TOKEN=… with an API token of the scope read")
    else:
        yield from stream.check(questions.url, questions.token)


def _database(settings: Settings) -> Iterator[Finding]:
    from todo.db.url import database_url, is_absent
    from todo.doctor import database

    try:
        if is_absent(settings):
            yield skipped("database", "there is none yet: `todo serve` makes it")
            return
        with database_url(settings) as url:
            yield from database.check(url, settings)
    except CannotStart as error:
        yield problem("database", str(error), "see docs/how-to/deployment.md")
