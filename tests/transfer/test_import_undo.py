"""The undo of an import: it takes all back, and can itself be undone."""

import pytest

from tests.conftest import Person
from tests.transfer.conftest import ago, document, imported, task, titles

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("count", [3, 300], ids=["change by change", "in one statement"])
async def test_one_undo_takes_all_back_and_the_file_can_be_imported_again(ada: Person, count: int) -> None:
    own = await ada.create("own")
    file = document([task(f"{number}") for number in range(count)], [task("in its trash", deleted_at=ago(days=3))])
    first = await imported(ada, file)

    undone = await ada.undo(first["revision"])

    assert undone.status_code == 200, undone.text
    assert undone.json()["undoes"] == first["revision"]
    assert await ada.list() == [own]
    assert len(await ada.list(status="deleted")) == count + 1
    assert {each["kind"] for each in (await ada.since(first["revision"] + count))["changes"]} == {"delete", "update"}
    again = await imported(ada, file)
    assert (again["created"], again["existing"]) == (count, 1)
    assert titles(await ada.list(sort="position")) == [*(f"{number}" for number in range(count)), "own"]
    assert (await ada.undo(again["revision"])).status_code == 200
    assert await ada.list() == [own]
    third = await imported(ada, file)
    assert (third["created"], third["existing"]) == (count, 1)
    assert len(await ada.list()) == count + 1


async def test_an_undo_is_undone_and_conflicts_are_found_in_large_imports(ada: Person) -> None:
    file = [task(f"{number}") for number in range(200)]
    report = await imported(ada, document(file))
    await ada.put(file[0]["id"], title="edited")

    undone = (await ada.undo(report["revision"])).json()
    assert (await ada.undo(undone["batch"])).status_code == 200
    assert titles(await ada.list(sort="position")) == ["edited", *(each["title"] for each in file[1:])]

    await ada.delete(file[5]["id"])
    last = (await ada.since(0, limit=1000, compact=True))["revision"]
    refused = await ada.undo(report["revision"])
    assert (refused.status_code, refused.json()["hindrance"]) == (409, last)
    assert len(await ada.list()) == 199


async def test_an_undo_may_name_the_revision_of_a_task(ada: Person) -> None:
    file = [task(f"{number}") for number in range(150)]
    report = await imported(ada, document(file))

    stale = await ada.undo(report["revision"], headers={"If-Match": '"987654"'})
    assert stale.status_code == 412
    assert stale.json()["current"]["title"] == "0"
    assert (await ada.undo(report["revision"], headers={"If-Match": f'"{report["revision"]}"'})).status_code == 200
