"""The tags of all tasks: counted, renamed and removed everywhere."""

import asyncio
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Person
from todo.tasks import tags as tags_module
from todo.tasks.tags import retagged

pytestmark = pytest.mark.anyio


async def tags(person: Person) -> list[tuple[str, int]]:
    response = await person.call("GET", f"{person.home}/tags")
    assert response.status_code == 200, response.text
    return [(each["tag"], each["count"]) for each in response.json()]


async def rename(person: Person, renames: Any, **options: Any) -> httpx.Response:
    return await person.call("PATCH", f"{person.home}/tags", json={"rename": renames}, **options)


async def remove(person: Person, tag: str, **options: Any) -> httpx.Response:
    return await person.call("DELETE", f"{person.home}/tags/{quote(tag, safe='')}", **options)


class TestList:
    async def test_tags_are_counted_the_most_used_first_then_by_name(self, ada: Person, bob: Person) -> None:
        for each in (["home", "garden"], ["Home"], ["home", "zoo"], ["zoo"], ["ant"], []):
            await ada.create(tags=each)
        await bob.create(tags=["his"])
        trashed = await ada.create(tags=["zoo", "zoo 2"])
        await ada.delete(trashed["id"])

        assert await tags(ada) == [("home", 3), ("zoo", 2), ("ant", 1), ("garden", 1)]

    async def test_without_tasks_there_are_none(self, ada: Person) -> None:
        assert await tags(ada) == []

    async def test_an_unchanged_list_is_304(self, ada: Person) -> None:
        await ada.create(tags=["home"])
        first = await ada.call("GET", f"{ada.home}/tags")
        assert first.headers["etag"] == 'W/"1"'

        same = await ada.call("GET", f"{ada.home}/tags", headers={"If-None-Match": first.headers["etag"]})
        await ada.create()
        changed = await ada.call("GET", f"{ada.home}/tags", headers={"If-None-Match": first.headers["etag"]})
        head = await ada.call("HEAD", f"{ada.home}/tags")

        assert (same.status_code, same.content) == (304, b"")
        assert (changed.status_code, changed.headers["etag"]) == (200, 'W/"2"')
        assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", 'W/"2"')

    async def test_a_list_is_bounded(self, ada: Person) -> None:
        for first in range(0, 1020, 20):
            await ada.create(tags=[f"tag {number}" for number in range(first, first + 20)])

        assert len(await tags(ada)) == 1000


class TestRename:
    async def test_a_tag_gets_its_new_name_in_every_task_and_one_undo_takes_it_back(self, ada: Person) -> None:
        one = await ada.create(tags=["a", "Old", "b"])
        two = await ada.create(tags=["old", "new", "c"])
        three = await ada.create(tags=["c"])
        trashed = await ada.create(tags=["OLD"])
        await ada.delete(trashed["id"])

        response = await rename(ada, {"old": "New"})

        assert response.status_code == 200
        assert response.headers["etag"] == 'W/"8"'
        assert [(each["tag"], each["count"]) for each in response.json()] == await tags(ada)
        assert await tags(ada) == [("c", 2), ("New", 2), ("a", 1), ("b", 1)]
        listed = {task["id"]: task for task in await ada.list()}
        assert listed[one["id"]]["tags"] == ["a", "New", "b"]
        assert listed[two["id"]]["tags"] == ["New", "c"]
        assert listed[three["id"]] == three
        assert (await ada.list(status="deleted"))[0]["tags"] == ["New"]
        assert {change["batch"] for change in (await ada.since(5))["changes"]} == {6}

        assert (await ada.undo(7)).status_code == 200
        assert [task["tags"] for task in await ada.list()] == [["c"], ["old", "new", "c"], ["a", "Old", "b"]]

    async def test_several_are_renamed_at_once_also_into_one_another(self, ada: Person) -> None:
        task = await ada.create(tags=["a", "b", "c"])

        await rename(ada, {"a": "b", "b": "a", "c": None})

        assert (await ada.get(task["id"])).json()["tags"] == ["b", "a"]

    async def test_a_change_of_case_is_a_rename(self, ada: Person) -> None:
        await ada.create(tags=["home"])

        assert (await rename(ada, {"home": " Home "})).json() == [{"tag": "Home", "count": 1}]

    async def test_a_rename_of_a_tag_that_no_task_has_does_nothing(self, ada: Person, bob: Person) -> None:
        await ada.create(tags=["home"])
        await bob.create(tags=["his"])

        assert (await rename(ada, {"home": "x", "his": "mine"})).status_code == 404
        assert await tags(ada) == [("home", 1)]
        assert await tags(bob) == [("his", 1)]

    @pytest.mark.parametrize(
        "renames",
        [
            *({}, [], None, "x", {"a": 1}, {"a": ""}, {"": "a"}, {"a": "x" * 51}, {"a" * 51: "x"}),
            *({"a": "x\x00"}, {"a": "b", "A": "c"}, {f"t{number}": "x" for number in range(21)}),
        ],
    )
    async def test_malformed_names_are_422(self, ada: Person, renames: Any) -> None:
        await ada.create(tags=["a", *(f"t{number}" for number in range(19))])

        response = await rename(ada, renames)

        assert response.status_code == 422
        assert "errors" in response.json()
        assert (await ada.since(0))["revision"] == 1

    async def test_no_error_repeats_a_name(self, ada: Person) -> None:
        assert "secret" not in (await rename(ada, {"secret" * 20: "x"})).text
        assert "secret" not in (await rename(ada, {"x": {"secret": "secret"}})).text

    async def test_a_tag_of_very_many_tasks_is_refused(self, ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        await asyncio.gather(*(ada.create(tags=["x"]) for _ in range(3)))
        monkeypatch.setattr(tags_module, "MAX_TASKS", 2)

        response = await rename(ada, {"x": "y"})

        assert response.status_code == 409
        assert "2 tasks" in response.json()["detail"]
        assert await tags(ada) == [("x", 3)]

    async def test_a_rename_with_a_key_is_done_once_and_forgotten_with_a_purge(self, ada: Person) -> None:
        task, key = await ada.create(tags=["x"]), {"Idempotency-Key": "k"}

        first, second = await rename(ada, {"x": "y"}, headers=key), await rename(ada, {"x": "y"}, headers=key)

        assert (second.status_code, second.content) == (200, first.content)
        assert second.headers["idempotent-replayed"] == "true"
        await ada.delete(task["id"], permanent=True)
        assert (await rename(ada, {"x": "y"}, headers=key)).status_code == 410

    async def test_renames_beside_other_writers_do_not_deadlock(self, ada: Person) -> None:
        tasks = [await ada.create(tags=["a"]) for _ in range(6)]

        responses = await asyncio.gather(
            *(rename(ada, {"a": "b"} if number % 2 else {"b": "a"}) for number in range(6)),
            *(ada.put(task["id"], tags=["a", "c"]) for task in tasks),
            *(ada.toggle(task["id"]) for task in tasks),
        )

        assert {response.status_code for response in responses} <= {200, 404}
        assert all(task["completed"] for task in await ada.list())


class TestRemove:
    @pytest.mark.parametrize("tag", ["home", "HOME", "50 %", "grün", "a?b#c", "é"])
    async def test_a_tag_is_removed_from_every_task(self, ada: Person, tag: str) -> None:
        await ada.create(tags=["keep", tag])
        await ada.create(tags=[tag])

        response = await remove(ada, tag)

        assert (response.status_code, response.json()) == (200, [{"tag": "keep", "count": 1}])
        assert (await ada.undo(3)).status_code == 200
        assert dict(await tags(ada))[tag] == 2

    async def test_case_makes_no_difference(self, ada: Person) -> None:
        await ada.create(tags=["Home"])

        assert (await remove(ada, "hOME")).json() == []

    @pytest.mark.parametrize("tag", ["none", "x" * 51, " ", "x y"])
    async def test_a_tag_that_no_task_has_is_404(self, ada: Person, tag: str) -> None:
        await ada.create(tags=["home"])

        assert (await remove(ada, tag)).status_code == 404

    async def test_a_tag_with_a_slash_is_removed_by_a_rename_to_null(self, ada: Person) -> None:
        await ada.create(tags=["a/b", "c"])

        assert (await remove(ada, "a/b")).status_code == 404
        assert (await rename(ada, {"a/b": None})).json() == [{"tag": "c", "count": 1}]

    async def test_a_deleted_account_is_401(self, ada: Person) -> None:
        await ada.create(tags=["home"])
        await ada.call("DELETE", "/api/auth/me")

        assert (await remove(ada, "home")).status_code == 401
        assert (await rename(ada, {"home": "x"})).status_code == 401


names = st.sampled_from(["a", "A", "b", "B", "c", "d"])


@given(st.lists(names, unique_by=str.lower), st.dictionaries(names, st.one_of(st.none(), names), max_size=4))
def test_renamed_tags_stay_distinct_and_in_their_order(given_tags: list[str], renames: dict[str, str | None]) -> None:
    found = retagged(given_tags, renames)

    folded = [tag.lower() for tag in found]
    assert len(set(folded)) == len(folded)
    untouched = [tag for tag in given_tags if tag.lower() not in {old.lower() for old in renames}]
    targets = {new.lower() for new in renames.values() if new}
    kept = [tag for tag in untouched if tag.lower() not in targets]
    assert [tag for tag in found if tag in kept] == kept
    assert retagged(given_tags, {}) == given_tags


async def test_tags_are_folded_as_the_database_folds_them(ada: Person) -> None:
    task = await ada.create(tags=["ΑΣ", "İ", "x"])

    renamed = await ada.call("PATCH", f"{ada.home}/tags", json={"rename": {"ασ": "b", "x": "i"}})

    assert renamed.status_code == 200, renamed.text
    assert (await ada.get(task["id"])).json()["tags"] == ["b", "İ"]
