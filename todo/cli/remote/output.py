"""What commands print: JSON, plain text for other programs, tables for people."""

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from todo.cli.errors import say
from todo.cli.text import one_line, printable_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
JsonLines = Annotated[bool, typer.Option("--json", help="Print JSON, a document in each line.")]


def on_terminal() -> bool:
    return sys.stdout.isatty()


def print_json(value: Any) -> None:
    """One document, indented for people."""
    import msgspec

    document = msgspec.json.encode(value)
    write(printable_json((msgspec.json.format(document) if on_terminal() else document).decode()))


def print_json_line(value: Any) -> None:
    import msgspec

    write(printable_json(msgspec.json.encode(value).decode()))


def print_json_array(values: Iterable[Any]) -> None:
    """One array, written as its values come, so that a long list takes no memory."""
    import msgspec

    separator = "["
    for value in values:
        sys.stdout.write(separator + printable_json(msgspec.json.encode(value).decode()))
        separator = ",\n"
    write("]" if separator != "[" else "[]")


def print_row(*values: str) -> None:
    """Values separated by tabs, for other programs."""
    sys.stdout.write("\t".join(map(one_line, values)) + "\n")


def write(text: str) -> None:
    """Print at once, so that a closed pipe is noticed here."""
    typer.echo(text)


def print_secret(secret: str) -> None:
    """Print what is shown this once, alone, so that it can be piped; a terminal is told so."""
    if on_terminal():
        say("keep it now, since it is not shown again:")
    write(secret)


def console(*, stderr: bool = False) -> "Console":
    from rich.console import Console

    colours: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False, color_system=colours)


def print_table(table: "Table") -> None:
    console().print(table)


def plain_table(*columns: str, rows: Iterable[Sequence[str]]) -> "Table":
    """A table of texts; the last column takes what is left of the width."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=any(columns), header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(one_line(value)) for value in row))
    return table


def print_rows(*columns: str, rows: Iterable[Sequence[str]]) -> None:
    """A table on a terminal, else lines with tabs, without the names of the columns."""
    if on_terminal():
        print_table(plain_table(*columns, rows=rows))
    else:
        for row in rows:
            print_row(*row)
