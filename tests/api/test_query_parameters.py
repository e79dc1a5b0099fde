"""A query parameter that names a filter, an order or a page is served or refused, never left out silently."""

import re
from pathlib import Path
from typing import Any

import pytest
from anyio import fail_after

from tests.conftest import Person
from tests.support.operations import OPENAPI, OPERATIONS, Operation

pytestmark = pytest.mark.anyio

OF_THE_CONTRACT = [
    "completed",
    "search",
    "q",
    "priority",
    "tag",
    "tags",
    "category",
    "due",
    "due_before",
    "due_after",
    "overdue",
    "sort",
    "sort_by",
    "sort_order",
    "order",
    "offset",
    "skip",
    "page",
    "status_filter",
    "is_completed",
]
SERVED = {*OF_THE_CONTRACT} - {"category", "overdue"}
OTHERS = ["per_page", "page_size", "pageSize", "filter", "query", "done", "size", "from", "isCompleted", "sortBy"]
OTHERS += ["filter[completed]", "page[size]", "tags[]", "title__icontains", "$top", "$orderby", "sort-by", "Limit"]
OTHERS += ["since", "before", "id", "created_after", "filter.status", "STATUS"]


def errors(response: Any) -> dict[str, str]:
    """The messages of a 422, by the name of the query parameter."""
    assert response.status_code == 422, response.text
    assert {error["loc"][0] for error in response.json()["errors"]} == {"query"}
    return {error["loc"][1]: error["msg"] for error in response.json()["errors"]}


@pytest.mark.parametrize("name", ["category", "overdue", *OTHERS])
async def test_the_list_refuses_a_filter_an_order_or_a_page_that_it_does_not_serve(ada: Person, name: str) -> None:
    await ada.create()

    response = await ada.call("GET", ada.tasks, params={name: "a-secret", "limit": "20"})

    assert len(errors(response)) == 1
    assert "a-secret" not in response.text


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("done", "status=pending or status=completed"),
        ("per_page", "use limit, and follow the Link header"),
        ("page_number", "use page"),
        ("start", "use offset"),
        ("Limit", "is given in another spelling: write limit"),
        ("sortBy", "is given in another spelling: write sort_by"),
        ("tags[]", "is given in another spelling: write tags"),
        ("updated_since", "/changes?since="),
        ("direction", "use sort, such as sort=due_date, or sort=-due_date"),
        ("query", "use search"),
        ("title", "use search"),
        ("category", "use tag"),
        ("labels", "use tag"),
        ("overdue", "use due=overdue"),
        ("due_from", "use due_after"),
        ("due_to", "use due_before"),
        ("remind_at", "use reminders_from and reminders_to"),
        ("include_deleted", "status=deleted"),
        ("filter", "leave it out"),
    ],
)
async def test_the_refusal_names_what_to_use_instead(ada: Person, name: str, advice: str) -> None:
    response = await ada.call("GET", ada.tasks, params={name: "1"})

    [message] = errors(response).values()
    assert advice in message
    assert advice in response.json()["detail"]


@pytest.mark.parametrize("name", sorted(SERVED))
async def test_the_list_reads_each_parameter_of_the_contract(ada: Person, name: str) -> None:
    """What is wrong with a value of a parameter is said of the parameter itself, so it is read."""
    response = await ada.call("GET", ada.tasks, params={name: "\x00"})

    assert name in errors(response)
    assert "not served" not in response.text


@pytest.mark.parametrize("name", ["_", "v", "utm_source", "lang", "token", "x", "", "__", "[]", "format", "user_id"])
async def test_a_name_that_nobody_would_take_for_a_filter_is_ignored(ada: Person, name: str) -> None:
    await ada.create()

    assert len(await ada.list(**{name: "1"})) == 1


async def test_the_other_routes_say_what_they_serve(ada: Person) -> None:
    task = await ada.create()
    path = f"{ada.tasks}/{task['id']}"

    for method, target, name, advice in [
        ("GET", f"{ada.home}/changes", "offset", "limit, and since"),
        ("GET", f"{ada.home}/changes", "cursor", "limit, and since"),
        ("GET", f"{ada.home}/changes", "status", "leave it out"),
        ("GET", f"{ada.home}/changes/stream", "limit", "leave it out"),
        ("GET", f"{path}/history", "page", "follow the Link header"),
        ("GET", f"{path}/history", "since", "/changes?since="),
        ("GET", path, "completed", "leave it out"),
        ("PATCH", f"{path}/complete", "completed", "send it in the JSON body"),
        ("POST", ada.tasks, "description", "send it in the JSON body"),
        ("POST", ada.tasks, "priority", "send it in the JSON body"),
        ("DELETE", path, "Permanent", "is given in another spelling: write permanent"),
        ("PUT", path, "title", "send it in the JSON body"),
        ("DELETE", path, "status", "leave it out"),
        ("GET", "/api/auth/tokens", "limit", "leave it out"),
    ]:
        body = {"json": {"title": "x"}} if method in {"POST", "PUT"} else {}
        with fail_after(20):  # a stream that is not refused does not end
            response = await ada.call(method, target, params={name: "true"}, **body)
        assert advice in errors(response)[name.lower()], (method, target, name)

    assert await ada.list() == [task], "a refused write changed something"


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.secured], ids=str)
async def test_every_operation_with_a_token_refuses_a_lost_filter_and_says_so(
    ada: Person, operation: Operation
) -> None:
    path = operation.path.format(user_id=ada.id, id="01930d2c-6f6a-7d2e-9c1b-3f1f5b7a9d10", revision="1", tag="x")
    body = next((each.body for each in operation.calls() if each.body is not None), None)

    with fail_after(20):  # a stream that is not refused does not end
        response = await ada.call(operation.method.upper(), path, params={"order_by": "title"}, json=body)

    assert "order_by" in errors(response)
    assert "422" in operation.says["responses"]


async def test_two_values_for_one_parameter_are_refused_and_the_same_twice_is_not(ada: Person) -> None:
    await ada.create()

    for query in ("limit=1&limit=2", "status=all&limit=1&status=completed", "limit=1&limit="):
        [message] = errors(await ada.call("GET", f"{ada.tasks}?{query}")).values()
        assert "more than once" in message
    assert (await ada.call("GET", f"{ada.tasks}?limit=1&limit=1&_=1&_=2")).status_code == 200


async def test_a_query_has_a_bounded_number_of_parameters_and_its_refusal_too(ada: Person) -> None:
    many = await ada.call("GET", f"{ada.tasks}?{'&'.join('a' * 101)}")
    assert (many.status_code, many.json()["errors"][0]["loc"]) == (422, ["query"])

    same = await ada.call("GET", f"{ada.tasks}?{'&'.join(f'tags[{number}]=x' for number in range(100))}")
    assert list(errors(same)) == ["tags"]


def test_the_docs_name_every_parameter_of_the_contract(root: Path) -> None:
    page = (root / "docs" / "reference" / "api.md").read_text()

    assert [name for name in OF_THE_CONTRACT if f"`{name}`" not in page] == []
    assert re.search(r"filter, an order or a page", OPENAPI["info"]["description"])
