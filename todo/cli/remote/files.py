"""`todo import`, `todo export`, and backups of one user."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from todo.cli.errors import CommandError, UsageError, say
from todo.cli.new_file import new_file
from todo.cli.remote.connection import connected, explained
from todo.cli.remote.output import Json, print_json
from todo.cli.text import one_line

if TYPE_CHECKING:
    from todo.client import Client, ImportReport, Invalid

READABLE = ("auto", "json", "todoist", "ticktick", "microsoft", "google", "todotxt", "ics")
WRITABLE = {".json": "json", ".csv": "csv", ".ics": "ics", ".txt": "todotxt", ".md": "markdown"}
"""Formats by the end of the file's name."""
SHOWN = 20
"""Lines of a report that are printed."""


def import_(
    file: Annotated[str, typer.Argument(help="The file, or `-` for standard input.")],
    format: Annotated[str, typer.Option("--format", help=f"One of {', '.join(READABLE)}.")] = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be imported.")] = False,
    partial: Annotated[bool, typer.Option("--partial", help="Import the others where some lines cannot be.")] = False,
    time_zone: Annotated[
        str | None, typer.Option("--time-zone", help="That of local times, such as Europe/Berlin [this machine's].")
    ] = None,
    json: Json = False,
) -> None:
    """Import tasks from a file of this or another program.

    All of them are imported, or none. A file that is imported twice is imported once. The whole import can be taken
    back by `todo undo`.
    """
    if format not in READABLE:
        raise UsageError(f"--format: one of {', '.join(READABLE)}")
    with connected() as client, _opened(file) as opened:
        report = send(client, opened, file, format=format, dry_run=dry_run, partial=partial, time_zone=time_zone)
    if json:
        print_json(report)
    else:
        _print(report)


def send(
    client: "Client",
    opened: BinaryIO,
    name: str,
    *,
    format: str = "auto",
    dry_run: bool = False,
    partial: bool = False,
    time_zone: str | None = None,
) -> "ImportReport":
    """Import an open file, with a bar of progress on a terminal. Raises CommandError with the lines that are wrong."""
    from todo.client import Invalid

    try:
        with progress("sending") as on_progress:
            return client.import_file(
                opened,
                format=format,
                dry_run=dry_run,
                partial=partial,
                time_zone=time_zone,
                name=None if name == "-" else Path(name).name,
                on_progress=on_progress,
            )
    except Invalid as error:
        raise _refused(error, partial=partial) from None


def _refused(error: "Invalid", *, partial: bool) -> CommandError:
    """What the report says of a refused file: each line that is wrong, and what to do."""
    lines = [next((each for each in one.loc if isinstance(each, int)), None) for one in error.errors]
    if lines in ([], [None]):
        return CommandError(f"nothing was imported: {explained(error)}")
    for line, each in list(zip(lines, error.errors, strict=True))[:SHOWN]:
        say(f"line {line}: {each.msg}" if line is not None else each.msg)
    if len(lines) > SHOWN:
        say(f"and {len(lines) - SHOWN} more")
    others = "" if partial else ", or add --partial to import the others"
    return CommandError(f"nothing was imported: correct {'this' if len(lines) == 1 else 'these'}{others}")


def _print(report: "ImportReport") -> None:
    lines: dict[str, list[int]] = {}
    for problem in report.problems:
        lines.setdefault(problem.message, []).extend([] if problem.line is None else [problem.line])
    rarest_first = sorted(lines.items(), key=lambda each: len(each[1]))
    for message, places in rarest_first[:SHOWN]:
        say(_places(places) + message)
    if len(lines) > SHOWN:
        say(f"and {len(lines) - SHOWN} more messages: --json has all of them")
    if report.problem_count > len(report.problems):
        say(f"of {report.problem_count:,} problems the server lists the first {len(report.problems):,}")
    would = "would be " if report.dry_run else ""
    existing = f", {report.existing} were there already" if report.existing else ""
    undo = f"; to take it back: todo undo {report.revision}" if report.revision and not report.dry_run else ""
    typer.echo(f"{report.created} of {report.read} tasks {would}imported ({one_line(report.format)}){existing}{undo}")


def _places(lines: list[int]) -> str:
    """Such as `line 7: ` or `1,204 lines, from 7, 8, 9: `."""
    if len(lines) < 2:
        return "".join(f"line {line}: " for line in lines)
    shown = ", ".join(map(str, lines[:3]))
    return f"lines {shown}: " if len(lines) <= 3 else f"{len(lines):,} lines, from {shown}: "


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(name).open("rb") as opened:
            yield opened
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}") from error


def export(
    file: Annotated[str, typer.Argument(help="The file to write; without it, and for `-`, standard output.")] = "-",
    format: Annotated[
        str | None,
        typer.Option("--format", help="json, csv, ics, todotxt or markdown [by the file's name, else json]."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file where it exists.")] = False,
) -> None:
    """Write all tasks and the trash to a file."""
    formats = sorted(set(WRITABLE.values()))
    chosen = format or WRITABLE.get(Path(file).suffix.lower(), "json")
    if chosen not in formats:
        raise UsageError(f"--format: one of {', '.join(formats)}")
    if file == "-":
        with connected() as client:
            for piece in client.export(chosen):
                sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    say(f"{file}: {_written(Path(file), chosen, force=force)} bytes")


def _written(file: Path, format: str, *, force: bool) -> int:
    """Write the whole export, or nothing; returns the bytes."""
    with (
        new_file(file, force=force) as part,
        connected() as client,
        part.open("wb") as opened,
        progress("receiving") as on_progress,
    ):
        for piece in client.export(format):
            opened.write(piece)
            on_progress(opened.tell(), 0)
    return file.stat().st_size


def backup_user(file: Path, *, force: bool) -> None:
    """Write the export of the user of TODO_URL as JSON."""
    size = _written(file, "json", force=force)
    say(f"{file}: all tasks of one user, {size} bytes; `todo restore-backup {file}` imports them")


def restore_user(file: Path) -> None:
    """Import a backup of one user. What is there already stays as it is."""
    with connected() as client, _opened(str(file)) as opened:
        _print(send(client, opened, str(file), format="json"))


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error where that is a terminal; a total of 0 is an unknown one."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    from todo.cli.remote.output import console

    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn()
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)
