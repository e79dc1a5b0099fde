"""The fenced blocks of code in README, CONTRIBUTING, docs/ and the READMEs of examples/, and how each is tested.

A comment right above a block, which readers do not see, says how. `json`, `yaml`, `toml` and `ini` without one must be
well-formed; `text` and `diff` are no code.

    <!-- run: server -->    `sh`, `python` or `js` against a real server, in a scratch folder: see test_snippets.py
    <!-- run: shell -->     the same without a server
    <!-- body: POST /api/{user_id}/tasks -->    `json`: a body that the OpenAPI document accepts for this call
    <!-- tested: tests/….py::test_name -->      that test, whose file names the page, runs or reads the block
    <!-- not run: reason -->                    nothing runs it, and why; `sh` must still be a program
"""

import configparser
import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^(?P<indent> *)(?P<marks>`{3,}|~{3,})(?P<language>[\w+-]*)")
MARK = re.compile(r"\s*<!-- (run|body|tested|not run): (.+?) -->\s*")


class Snippet(NamedTuple):
    page: str
    line: int
    """Of its opening fence."""
    language: str
    text: str
    how: str
    """`run`, `body`, `tested`, `not run`, or nothing."""
    given: str
    """What the comment says after that."""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    examples = (ROOT / "examples").glob("*/README.md")
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted(examples)]


def snippets() -> list[Snippet]:
    return [each for path in pages() for each in of(path.relative_to(ROOT).as_posix(), path.read_text())]


def of(page: str, text: str) -> Iterator[Snippet]:
    """The blocks of a page. Raises ValueError for one that does not end."""
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        opened = FENCE.match(lines[number])
        number += 1
        if opened is None:
            continue
        start, indent = number, len(opened["indent"])
        while number < len(lines) and not re.fullmatch(
            rf" *{opened['marks'][0]}{{{len(opened['marks'])},}} *", lines[number]
        ):
            number += 1
        if number == len(lines):
            raise ValueError(f"{page}:{start}: this block of code does not end")
        body = "".join(f"{line[indent:]}\n" for line in lines[start:number])
        above = [line for line in lines[: start - 1] if line.strip()][-1:]
        mark = MARK.fullmatch(above[0]) if above else None
        yield Snippet(page, start, opened["language"], body, *((mark[1], mark[2]) if mark else ("", "")))
        number += 1


def _read_ini(text: str) -> None:
    configparser.ConfigParser(strict=False, interpolation=None, allow_no_value=True, delimiters=("=",)).read_string(
        text
    )


def _read_yaml(text: str) -> Any:
    return list(yaml.safe_load_all(text))


READERS: Mapping[str, Callable[[str], Any]] = {
    "ini": _read_ini,
    "json": json.loads,
    "toml": tomllib.loads,
    "yaml": _read_yaml,
}
"""Languages whose blocks are read where no comment says more."""

NO_CODE = {"text", "diff"}
RUN = {"sh", "python", "js"}
