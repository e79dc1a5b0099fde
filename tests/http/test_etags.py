"""Conditional requests as RFC 9110 has them: If-None-Match saves work, If-Match saves edits."""

import asyncio
import uuid
from typing import Any

import psycopg
import pytest

from tests.conftest import Person, http, running, settings_for, sign_up
from tests.support.db_proxy import DatabaseProxy
from tests.support.sql_conditions import as_table_owner
from todo.app import create_app
from todo.http import etags
from todo.problems import BadRequest
from todo.tasks.lists import FLAGS, PAGE, START

pytestmark = pytest.mark.anyio


class TestReadingOne:
    @pytest.mark.parametrize("sent", ['"{}"', 'W/"{}"', '"x", "{}"', '"x",W/"{}" , "y"', ', "{}",', "*"])
    async def test_what_the_caller_has_is_not_sent_again(self, ada: Person, sent: str) -> None:
        task = await ada.create()

        answer = await ada.call(
            "GET", f"{ada.tasks}/{task['id']}", headers={"If-None-Match": sent.format(task["revision"])}
        )

        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == f'"{task["revision"]}"'
        assert answer.headers["cache-control"] == "private, no-cache"
        assert answer.headers["vary"] == "Authorization"
        assert "content-type" not in answer.headers

    @pytest.mark.parametrize("sent", ['"7"', 'W/"7"', "1", '"1', "nonsense", '"01"', '""', '"1" "1"', '"1"x', "*,*"])
    async def test_anything_else_gets_the_whole_answer(self, ada: Person, sent: str) -> None:
        task = await ada.create()

        answer = await ada.call("GET", f"{ada.tasks}/{task['id']}", headers={"If-None-Match": sent})

        assert (answer.status_code, answer.json()) == (200, task)
        assert answer.headers["etag"] == '"1"'

    async def test_a_change_makes_a_new_tag(self, ada: Person) -> None:
        task = await ada.create()
        seen = {"If-None-Match": '"1"'}
        await ada.toggle(task["id"])

        answer = await ada.call("GET", f"{ada.tasks}/{task['id']}", headers=seen)

        assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')

    async def test_it_comes_after_authorisation_and_existence(self, ada: Person, bob: Person) -> None:
        task = await ada.create()
        path = f"{ada.tasks}/{task['id']}"
        seen = {"If-None-Match": "*"}

        assert (await ada.client.get(path, headers=seen)).status_code == 401
        assert (await bob.call("GET", path, headers=seen)).status_code == 403
        assert (await ada.call("GET", f"{ada.tasks}/{uuid.uuid4()}", headers=seen)).status_code == 404
        await ada.delete(task["id"])
        assert (await ada.call("GET", path, headers={"If-None-Match": '"1"'})).status_code == 404


class TestReadingTheList:
    @pytest.mark.parametrize("params", [{}, {"limit": 1}, {"status": "completed"}, {"status": "deleted"}])
    async def test_it_is_not_sent_again_while_nothing_happened(self, ada: Person, params: dict[str, Any]) -> None:
        task = await ada.create()
        await ada.create(completed=True)
        first = await ada.call("GET", ada.tasks, params=params)
        assert first.headers["etag"] == 'W/"2"'
        seen = {"If-None-Match": first.headers["etag"]}

        again = await ada.call("GET", ada.tasks, params=params, headers=seen)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", 'W/"2"')
        strong = await ada.call("GET", ada.tasks, params=params, headers={"If-None-Match": '"x", "2"'})
        assert strong.status_code == 304

        await ada.toggle(task["id"])
        after = await ada.call("GET", ada.tasks, params=params, headers=seen)
        assert (after.status_code, after.headers["etag"]) == (200, 'W/"3"')

    async def test_any_list_is_what_a_star_means(self, ada: Person) -> None:
        answer = await ada.call("GET", ada.tasks, headers={"If-None-Match": "*"})

        assert (answer.status_code, answer.headers["etag"]) == (304, 'W/"0"')

    async def test_an_empty_list_has_a_tag_too(self, ada: Person) -> None:
        first = await ada.call("GET", ada.tasks)
        assert (first.json(), first.headers["etag"]) == ([], 'W/"0"')

        seen = {"If-None-Match": 'W/"0"'}
        assert (await ada.call("GET", ada.tasks, headers=seen)).status_code == 304
        await ada.create()
        assert (await ada.call("GET", ada.tasks, headers=seen)).status_code == 200

    async def test_it_is_one_look_up_and_no_list(self, ada: Person, database_url: str) -> None:
        with as_table_owner(database_url) as owner:
            owner.execute(
                "insert into tasks (user_id, id, title)"
                " select %s, gen_random_uuid(), 'x' from generate_series(1, 2000)",
                [ada.id],
            )
            owner.execute("analyze tasks")
            [[revision]] = owner.execute("select revision from users where id = %s", [ada.id]).fetchall()
            params = {
                "user_id": ada.id,
                "flags": FLAGS["all"],
                "limit": 500,
                "after_at": START.created_at,
                "after_id": START.id,
            }
            plans = [
                psycopg.RawCursor(owner)
                .execute(
                    b"explain (analyze, buffers) " + PAGE.sql, PAGE.query({**params, "cached": f"{{{known}}}"}).values
                )
                .fetchall()
                for known in (revision, revision - 1)
            ]
        unchanged, changed = ("\n".join(line for (line,) in plan) for plan in plans)
        assert "One-Time Filter" in unchanged
        assert "never executed" in unchanged
        assert "never executed" not in changed
        assert "Sort" not in changed


class TestWriting:
    WRITES: tuple[tuple[str, str, Any], ...] = (
        ("PUT", "", {"title": "new"}),
        ("PATCH", "/complete", None),
        ("DELETE", "", None),
        ("DELETE", "?permanent=true", None),
    )

    @pytest.mark.parametrize(("method", "path", "body"), WRITES)
    @pytest.mark.parametrize("sent", ['"1"', '"7", "1"', 'W/"1", "1"', "*", " * "])
    async def test_the_state_that_was_read_may_be_changed(
        self, ada: Person, method: str, path: str, body: Any, sent: str
    ) -> None:
        task = await ada.create()

        answer = await ada.call(method, f"{ada.tasks}/{task['id']}{path}", json=body, headers={"If-Match": sent})

        assert answer.status_code in {200, 204}
        if answer.status_code == 200:
            assert answer.headers["etag"] == '"2"'

    @pytest.mark.parametrize(("method", "path", "body"), WRITES)
    @pytest.mark.parametrize("sent", ['"1"', 'W/"2"', '"x"', '""', '"02"', '"7", "8"'])
    async def test_another_state_may_not(self, ada: Person, method: str, path: str, body: Any, sent: str) -> None:
        task = await ada.create()
        now = (await ada.put(task["id"], title="changed by somebody")).json()

        answer = await ada.call(method, f"{ada.tasks}/{task['id']}{path}", json=body, headers={"If-Match": sent})

        assert answer.status_code == 412
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["current"] == now
        assert (await ada.get(task["id"])).json() == now

    @pytest.mark.parametrize(("method", "path", "body"), WRITES)
    async def test_a_task_that_is_not_there_is_404_before_it_is_412(
        self, ada: Person, method: str, path: str, body: Any
    ) -> None:
        for sent in ('"1"', "*"):
            url = f"{ada.tasks}/{uuid.uuid4()}{path}"
            assert (await ada.call(method, url, json=body, headers={"If-Match": sent})).status_code == 404
        task = await ada.create()
        await ada.delete(task["id"])
        if "permanent" not in path:
            url = f"{ada.tasks}/{task['id']}{path}"
            assert (await ada.call(method, url, json=body, headers={"If-Match": '"1"'})).status_code == 404

    async def test_a_purge_from_the_trash_may_be_conditional(self, ada: Person) -> None:
        task = await ada.create()
        await ada.delete(task["id"])
        path = f"{ada.tasks}/{task['id']}?permanent=true"

        refused = await ada.call("DELETE", path, headers={"If-Match": '"1"'})

        assert refused.status_code == 412
        assert refused.json()["current"]["deleted_at"]
        assert (await ada.call("DELETE", path, headers={"If-Match": '"2"'})).status_code == 204

    @pytest.mark.parametrize("sent", ["1", "", '"1', "nonsense", '"1" "2"', "*, *", '*, "1"', "W/1"])
    async def test_what_is_no_tag_is_400(self, ada: Person, sent: str) -> None:
        task = await ada.create()

        answer = await ada.call("PATCH", f"{ada.tasks}/{task['id']}/complete", headers={"If-Match": sent})

        assert answer.status_code == 400
        assert "If-Match" in answer.json()["detail"]
        assert (await ada.get(task["id"])).json() == task

    async def test_of_many_with_the_same_state_one_wins_and_the_others_see_what_it_did(self, ada: Person) -> None:
        for round_ in range(10):
            task = await ada.create(title="as read")
            seen = {"If-Match": f'"{task["revision"]}"'}

            answers = await asyncio.gather(
                *(
                    ada.call("PUT", f"{ada.tasks}/{task['id']}", json={"title": f"{round_} {number}"}, headers=seen)
                    for number in range(8)
                )
            )

            [winner] = [answer.json() for answer in answers if answer.status_code == 200]
            losers = [answer for answer in answers if answer.status_code == 412]
            assert len(losers) == 7
            assert all(answer.json()["current"] == winner for answer in losers)

    async def test_no_edit_is_lost_by_those_who_retry(self, ada: Person) -> None:
        """Eight add a letter each to what they read, again and again until it was what they had read."""
        task = await ada.create(title="-")

        async def add(letter: str) -> None:
            while True:
                read = await ada.get(task["id"])
                answer = await ada.call(
                    "PUT",
                    f"{ada.tasks}/{task['id']}",
                    json={"title": read.json()["title"] + letter},
                    headers={"If-Match": read.headers["etag"]},
                )
                if answer.status_code == 200:
                    return
                assert answer.status_code == 412

        await asyncio.gather(*(add(letter) for letter in "abcdefgh"))

        assert sorted((await ada.get(task["id"])).json()["title"]) == sorted("-abcdefgh")

    async def test_a_conditional_write_is_one_round_trip(self, database_url: str) -> None:
        proxy = DatabaseProxy(database_url)
        async with proxy() as url, running(create_app(settings_for(url, pool_size=1))) as app, http(app) as client:
            ada = await sign_up(client, "ada")
            task = await ada.create()
            for revision in range(1, 6):
                proxy.round_trips = 0
                answer = await ada.toggle(task["id"], headers={"If-Match": f'"{revision}"'})
                assert (answer.status_code, proxy.round_trips) == (200, 1)


@pytest.mark.parametrize(
    ("header", "matches"),
    [(None, None), ("*", None), ('"1"', [1]), ('"1", "2"', [1, 2]), ('W/"1", "2"', [2]), ('"a,b", "3"', [3])],
)
def test_what_if_match_says(header: str | None, matches: list[int] | None) -> None:
    assert etags.if_match(header) == matches


def test_a_header_of_any_length_is_read_at_once() -> None:
    with pytest.raises(BadRequest):
        etags.if_match('"1", ' * 5000 + "x")
    with pytest.raises(BadRequest):
        etags.if_match(" ," * 20_000 + "x")
