"""Conditional requests (RFC 9110): If-None-Match avoids sending data again, If-Match avoids lost edits."""

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
from todo.tasks.lists import PAGE, START

pytestmark = pytest.mark.anyio


class TestReadingOne:
    @pytest.mark.parametrize("sent", ['"{}"', 'W/"{}"', '"{}-gzip"', '"x", "{}"', '"x",W/"{}" , "y"', ', "{}",', "*"])
    async def test_a_task_with_a_matching_tag_is_not_sent_again(self, ada: Person, sent: str) -> None:
        task = await ada.create()

        response = await ada.call(
            "GET", f"{ada.tasks}/{task['id']}", headers={"If-None-Match": sent.format(task["revision"])}
        )

        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["etag"] == f'"{task["revision"]}"'
        assert response.headers["cache-control"] == "private, no-cache, no-transform"
        assert response.headers["vary"] == "Authorization"
        assert "content-type" not in response.headers

    @pytest.mark.parametrize(
        "sent", ['"7"', 'W/"7"', "1", '"1', "nonsense", '"01"', '""', '"1" "1"', '"1"x', '"1-x"', '"gzip"', "*,*"]
    )
    async def test_any_other_tag_gets_the_whole_task(self, ada: Person, sent: str) -> None:
        task = await ada.create()

        response = await ada.call("GET", f"{ada.tasks}/{task['id']}", headers={"If-None-Match": sent})

        assert (response.status_code, response.json()) == (200, task)
        assert response.headers["etag"] == '"1"'

    async def test_a_change_makes_a_new_tag(self, ada: Person) -> None:
        task = await ada.create()
        seen = {"If-None-Match": '"1"'}
        await ada.toggle(task["id"])

        response = await ada.call("GET", f"{ada.tasks}/{task['id']}", headers=seen)

        assert (response.status_code, response.headers["etag"]) == (200, '"2"')

    async def test_tags_are_compared_after_authorization_and_existence(self, ada: Person, bob: Person) -> None:
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
    async def test_an_unchanged_list_is_not_sent_again(self, ada: Person, params: dict[str, Any]) -> None:
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

    async def test_a_star_matches_any_list(self, ada: Person) -> None:
        response = await ada.call("GET", ada.tasks, headers={"If-None-Match": "*"})

        assert (response.status_code, response.headers["etag"]) == (304, 'W/"0"')

    async def test_an_empty_list_has_a_tag_too(self, ada: Person) -> None:
        first = await ada.call("GET", ada.tasks)
        assert (first.json(), first.headers["etag"]) == ([], 'W/"0"')

        seen = {"If-None-Match": 'W/"0"'}
        assert (await ada.call("GET", ada.tasks, headers=seen)).status_code == 304
        await ada.create()
        assert (await ada.call("GET", ada.tasks, headers=seen)).status_code == 200

    async def test_an_unchanged_list_is_one_lookup_and_reads_no_task(self, ada: Person, database_url: str) -> None:
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
                "limit": 500,
                "after_at": START.created_at,
                "after_id": START.id,
            }
            plans = [
                psycopg.RawCursor(owner)
                .execute(
                    b"explain (analyze, buffers) " + PAGE.sql, PAGE.query({**params, "cached": f"{{{cached}}}"}).values
                )
                .fetchall()
                for cached in (revision, revision - 1)
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
    REWRITTEN = ('W/"{}"', '"{}-gzip"', '"{}--gzip"', '"{}-br"', '"{};br"', '"{}-zstd"', 'W/"{}-deflate"', '"{}-GZIP"')
    """What compressing proxies make of a tag."""

    @pytest.mark.parametrize(("method", "path", "body"), WRITES)
    @pytest.mark.parametrize("sent", ['"1"', '"7", "1"', 'W/"1", "7"', "*", " * "])
    async def test_a_write_with_the_current_tag_succeeds(
        self, ada: Person, method: str, path: str, body: Any, sent: str
    ) -> None:
        task = await ada.create()

        response = await ada.call(method, f"{ada.tasks}/{task['id']}{path}", json=body, headers={"If-Match": sent})

        assert response.status_code in {200, 204}
        if response.status_code == 200:
            assert response.headers["etag"] == '"2"'

    @pytest.mark.parametrize(("method", "path", "body"), WRITES)
    @pytest.mark.parametrize("sent", ['"1"', 'W/"1"', '"1-gzip"', '"2-x"', '"x"', '""', '"02"', '"7", "8"'])
    async def test_a_write_with_another_tag_is_412(
        self, ada: Person, method: str, path: str, body: Any, sent: str
    ) -> None:
        task = await ada.create()
        now = (await ada.put(task["id"], title="changed meanwhile")).json()

        response = await ada.call(method, f"{ada.tasks}/{task['id']}{path}", json=body, headers={"If-Match": sent})

        assert response.status_code == 412
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["current"] == now
        assert (await ada.get(task["id"])).json() == now

    @pytest.mark.parametrize(("method", "path", "body"), WRITES)
    async def test_an_unknown_task_is_404_rather_than_412(self, ada: Person, method: str, path: str, body: Any) -> None:
        for sent in ('"1"', "*"):
            url = f"{ada.tasks}/{uuid.uuid4()}{path}"
            assert (await ada.call(method, url, json=body, headers={"If-Match": sent})).status_code == 404
        task = await ada.create()
        await ada.delete(task["id"])
        if "permanent" not in path:
            url = f"{ada.tasks}/{task['id']}{path}"
            assert (await ada.call(method, url, json=body, headers={"If-Match": '"1"'})).status_code == 404

    @pytest.mark.parametrize("sent", REWRITTEN)
    async def test_a_tag_that_a_compressing_proxy_rewrote_is_the_same_revision(self, ada: Person, sent: str) -> None:
        task = await ada.create()
        path = f"{ada.tasks}/{task['id']}"

        cached = await ada.call("GET", path, headers={"If-None-Match": sent.format(1)})
        changed = await ada.call("PUT", path, json={"title": "new"}, headers={"If-Match": sent.format(1)})
        stale = await ada.call("PUT", path, json={"title": "newer"}, headers={"If-Match": sent.format(1)})

        assert (cached.status_code, changed.status_code, stale.status_code) == (304, 200, 412)

    async def test_a_restore_may_be_conditional(self, ada: Person) -> None:
        task = await ada.create()
        await ada.delete(task["id"])

        stale = await ada.restore(task["id"], headers={"If-Match": '"1"'})
        [trashed] = await ada.list(status="deleted")
        malformed = await ada.restore(task["id"], headers={"If-Match": "1"})
        restored = await ada.restore(task["id"], headers={"If-Match": '"2"'})

        assert (stale.status_code, stale.json()["current"], stale.headers["etag"]) == (412, trashed, '"2"')
        assert malformed.status_code == 400
        assert (restored.status_code, restored.headers["etag"]) == (200, '"3"')

    async def test_a_purge_from_the_trash_may_be_conditional(self, ada: Person) -> None:
        task = await ada.create()
        await ada.delete(task["id"])
        path = f"{ada.tasks}/{task['id']}?permanent=true"

        refused = await ada.call("DELETE", path, headers={"If-Match": '"1"'})

        assert refused.status_code == 412
        assert refused.json()["current"]["deleted_at"]
        assert (await ada.call("DELETE", path, headers={"If-Match": '"2"'})).status_code == 204

    @pytest.mark.parametrize("sent", ["1", "", '"1', "nonsense", '"1" "2"', "*, *", '*, "1"', "W/1"])
    async def test_a_malformed_tag_is_400(self, ada: Person, sent: str) -> None:
        task = await ada.create()

        response = await ada.call("PATCH", f"{ada.tasks}/{task['id']}/complete", headers={"If-Match": sent})

        assert response.status_code == 400
        assert "If-Match" in response.json()["detail"]
        assert (await ada.get(task["id"])).json() == task

    async def test_one_of_many_concurrent_writes_succeeds_and_the_others_see_its_task(self, ada: Person) -> None:
        for round_ in range(10):
            task = await ada.create(title="as read")
            seen = {"If-Match": f'"{task["revision"]}"'}

            responses = await asyncio.gather(
                *(
                    ada.call("PUT", f"{ada.tasks}/{task['id']}", json={"title": f"{round_} {number}"}, headers=seen)
                    for number in range(8)
                )
            )

            [winner] = [response.json() for response in responses if response.status_code == 200]
            losers = [response for response in responses if response.status_code == 412]
            assert len(losers) == 7
            assert all(response.json()["current"] == winner for response in losers)

    async def test_clients_that_retry_lose_no_edit(self, ada: Person) -> None:
        """Eight clients each append a letter to the title that they read, and retry until their tag matches."""
        task = await ada.create(title="-")

        async def add(letter: str) -> None:
            while True:
                read = await ada.get(task["id"])
                response = await ada.call(
                    "PUT",
                    f"{ada.tasks}/{task['id']}",
                    json={"title": read.json()["title"] + letter},
                    headers={"If-Match": read.headers["etag"]},
                )
                if response.status_code == 200:
                    return
                assert response.status_code == 412

        await asyncio.gather(*(add(letter) for letter in "abcdefgh"))

        assert sorted((await ada.get(task["id"])).json()["title"]) == sorted("-abcdefgh")

    async def test_a_conditional_write_is_one_round_trip(self, database_url: str) -> None:
        proxy = DatabaseProxy(database_url)
        async with proxy() as url, running(create_app(settings_for(url, pool_size=1))) as app, http(app) as client:
            ada = await sign_up(client, "ada")
            task = await ada.create()
            for revision in range(1, 6):
                proxy.round_trips = 0
                response = await ada.toggle(task["id"], headers={"If-Match": f'"{revision}"'})
                assert (response.status_code, proxy.round_trips) == (200, 1)


async def test_several_header_lines_are_one_list(ada: Person) -> None:
    """RFC 9110 §5.3."""
    task = await ada.create()
    url, token = f"{ada.tasks}/{task['id']}", ("Authorization", f"Bearer {ada.token}")

    read = await ada.client.get(url, headers=[token, ("If-None-Match", '"7"'), ("If-None-Match", '"1"')])
    changed = await ada.client.patch(f"{url}/complete", headers=[token, ("If-Match", '"7"'), ("If-Match", '"1"')])

    assert (read.status_code, changed.status_code) == (304, 200)


@pytest.mark.parametrize(
    ("header", "matches"),
    [(None, None), ("*", None), ('"1"', [1]), ('"1", "2"', [1, 2]), ('W/"1", "2-br"', [1, 2]), ('"a,b", "3"', [3])],
)
def test_if_match_is_parsed(header: str | None, matches: list[int] | None) -> None:
    assert etags.if_match(header) == matches


def test_a_header_of_any_length_is_parsed_quickly() -> None:
    with pytest.raises(BadRequest):
        etags.if_match('"1", ' * 5000 + "x")
    with pytest.raises(BadRequest):
        etags.if_match(" ," * 20_000 + "x")
    assert etags.if_match('"1' + "-gzip" * 10_000 + 'x"') == []
