"""The page's libraries and generated types: what the locked packages and the contract say, and nothing besides."""

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.web.conftest import PAGE, TOOLS

VENDOR = PAGE / "vendor"
IMPORTS = {
    "preact": "preact.js",
    "preact/hooks": "hooks.js",
    "htm": "htm.js",
    "@preact/signals-core": "signals-core.js",
    "@preact/signals": "signals.js",
}
"""The import map of the page."""


@pytest.fixture
def packages(root: Path) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads((root / VENDOR / "vendor.json").read_text())
    return listed


@pytest.mark.slow
def test_the_libraries_and_the_types_are_what_make_vendor_writes(root: Path, checkout: Path) -> None:
    before = contents(root / VENDOR, root / PAGE / "api.d.ts")
    shutil.rmtree(checkout / VENDOR)
    (checkout / PAGE / "api.d.ts").unlink()

    done = subprocess.run(
        ["node", "vendor.mjs"], cwd=checkout / TOOLS, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
    assert before == contents(checkout / VENDOR, checkout / PAGE / "api.d.ts"), "run `make vendor`"


def contents(folder: Path, file: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in [*folder.iterdir(), file]}


@pytest.mark.slow
def test_a_library_is_its_package_s_file_without_the_source_map(
    root: Path, node_modules: Path, packages: list[dict[str, Any]]
) -> None:
    for package in packages:
        for file in package["files"]:
            original = (node_modules / package["name"] / file["from"]).read_text()
            vendored = (root / VENDOR / file["file"]).read_text()
            assert re.fullmatch(r"\n?(//# sourceMappingURL=\S+\n?)?", original.removeprefix(vendored)), file["file"]


def test_the_libraries_have_the_recorded_checksums(root: Path, packages: list[dict[str, Any]]) -> None:
    recorded = {file["file"]: file["sha256"] for package in packages for file in package["files"]}
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (root / VENDOR).glob("*.js")}
    assert found == recorded


def test_the_recorded_versions_are_the_locked_ones(root: Path, packages: list[dict[str, Any]]) -> None:
    locked = json.loads((root / TOOLS / "package-lock.json").read_text())["packages"]
    for package in packages:
        entry = locked[f"node_modules/{package['name']}"]
        assert (package["version"], package["integrity"]) == (entry["version"], entry["integrity"])
    wanted = json.loads((root / TOOLS / "package.json").read_text())["dependencies"]
    assert {package["name"]: package["version"] for package in packages} == wanted


def test_every_library_has_its_licence_beside_it(root: Path, packages: list[dict[str, Any]]) -> None:
    texts = (root / VENDOR / "LICENSES.txt").read_text().split("=" * 80)
    for package, text in zip(packages, texts, strict=True):
        assert text.strip().startswith(f"{package['name']} {package['version']} ({package['licence']})")
        assert re.search(r"Copyright (\(c\) )?\d{4}", text)


@pytest.mark.parametrize("name", sorted(IMPORTS.values()))
def test_a_library_loads_nothing_but_the_others(root: Path, name: str) -> None:
    code = (root / VENDOR / name).read_text()
    assert {*re.findall(r'\bfrom ?"([^"]+)"', code)} <= {*IMPORTS}
    namespaces = {"http://www.w3.org/1999/xhtml", "http://www.w3.org/2000/svg", "http://www.w3.org/1998/Math/MathML"}
    assert {*re.findall(r"https?://[^\"'`\s]+", code)} <= namespaces  # names, which no browser loads
    loading = r"\bimport ?[(\"]|\bfetch\(|XMLHttpRequest|sendBeacon|Worker\(|sourceMappingURL|\beval\(|\bFunction\("
    assert re.findall(loading, code) == []
