"""The page's own code: its types, its form, its size, and what it may not contain."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.npm import try_npm
from tests.web.conftest import CONSENT, PAGE, TOOLS

MISTAKES = {
    "field": ('/** @param {import("./types").Task} task */\nexport const title = (task) => task.titel\n', "TS2551"),
    "shape": ('/** @type {import("./types").Priority} */\nexport const priority = "higher"\n', "TS2820"),
    "signal": ('import { signal } from "@preact/signals"\nsignal("a").value = 1\n', "TS2322"),
    "hook": ('import { useState } from "preact/hooks"\nexport const use = () => useState(0)[0].length\n', "TS2339"),
    "template": ('import { html } from "./html.js"\nhtml(1)\n', "TS2345"),
    "untyped": ("export const same = (value) => value\n", "TS7006"),
    "unused": ("const forgotten = 1\n", "TS6133"),
}
"""Modules with a mistake, and the error of the type checker."""

FORBIDDEN = [
    (r"https?://|[\"'`(]//\w", 'fetch("https://example.com")', "the page asks no server but its own"),
    (r"(inner|outer|Adjacent)HTML|createContextualFragment|DOMParser|document\.write", "p.innerHTML = task.title",
     "text of a task would become markup"),
    (r"\beval\(|\bFunction\(|set(Timeout|Interval)\([\"'`]", "eval(text)", "text would become code"),
    (r"javascript:", '<a href="javascript:void 0">', "text would become code"),
    (r"localStorage\.setItem\([^)]*(token|password)|localStorage\.\w*token\w* *=",
     'localStorage.setItem("accessToken", token)',
     "a token is for this tab alone, and the refresh token for its HttpOnly cookie"),
    (r"document\.cookie", "document.cookie = name", "the refresh token's cookie is HttpOnly, and there is no other"),
    (r"@ts-(ignore|nocheck|expect-error)", "// @ts-ignore", "the type checker sees all of it"),
    (r"@(param|type|returns|typedef|property|template|callback)\b.*[{<|,:( ](any|\*)[}>|,)\]]",
     "/** @param {any} task */", "`any` switches the type checker off"),
    (r"\bdebugger\b|\bconsole\.(log|debug)\(", "console.log(task)", "it was for the author"),
]  # fmt: skip
"""What no module, style or document of the page contains: a pattern, an example, and why."""


def own_files(folder: Path, *suffixes: str) -> list[Path]:
    """The files of a page apart from the vendored libraries and the generated types."""
    return sorted(each for each in folder.glob("*") if each.suffix in suffixes and each.name != "api.d.ts")


def run_script(checkout: Path, name: str) -> subprocess.CompletedProcess[str]:
    return try_npm(checkout / TOOLS, "run", "--silent", name)


@pytest.mark.slow
def test_types(checkout: Path) -> None:
    done = run_script(checkout, "types")
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_type_checker_finds_mistakes(checkout: Path) -> None:
    for name, (code, _) in MISTAKES.items():
        (checkout / PAGE / f"wrong-{name}.js").write_text(code)

    done = run_script(checkout, "types")

    found = dict(re.findall(r"wrong-(\w+)\.js\(\d+,\d+\): error (TS\d+)", done.stdout))
    assert found == {name: error for name, (_, error) in MISTAKES.items()}, done.stdout


@pytest.mark.slow
def test_format(checkout: Path) -> None:
    done = run_script(checkout, "format-check")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "text"), [("wrong.js", "const one = 1;\n"), ("wrong.css", "p{margin:0}\n")], ids=["js", "css"]
)
def test_another_format_is_found(checkout: Path, name: str, text: str) -> None:
    (checkout / PAGE / name).write_text(text)
    done = run_script(checkout, "format-check")
    assert done.returncode == 1
    assert f"{name}\n" in done.stderr


@pytest.mark.parametrize(("pattern", "example", "reason"), FORBIDDEN, ids=[reason for *_, reason in FORBIDDEN])
def test_no_file_contains_what_is_forbidden(root: Path, pattern: str, example: str, reason: str) -> None:
    assert re.search(pattern, example, re.IGNORECASE)
    found = {
        f"{path.name}:{number}": line.strip()
        for folder in (root / PAGE, root / CONSENT)
        for path in own_files(folder, ".js", ".ts", ".css", ".html", ".webmanifest")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(pattern, line, re.IGNORECASE)
    }
    assert found == {}, reason


def test_the_page_is_short(root: Path) -> None:
    lines = {path.name: len(path.read_text().splitlines()) for path in own_files(root / PAGE, ".js")}
    assert {name: count for name, count in lines.items() if count > 280} == {}
    assert 0 < sum(lines.values()) <= 4140, lines


def test_the_page_of_consent_is_short(root: Path) -> None:
    lines = {
        path.name: len(path.read_text().splitlines()) for path in own_files(root / CONSENT, ".js", ".css", ".html")
    }
    assert 0 < lines["consent.js"] <= 160, lines
    assert sum(lines.values()) <= 340, lines
