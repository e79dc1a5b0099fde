"""A fast route calls its endpoint from its signature; unsupported signatures are refused when the route is defined."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import pytest
from fastapi import APIRouter, BackgroundTasks, Cookie, Depends, Form, Header, Query, Request, Response

from todo.api.route import Route
from todo.http.endpoint import Endpoint
from todo.http.json import encode
from todo.problems import Invalid

pytestmark = pytest.mark.anyio


async def with_yield() -> AsyncIterator[int]:
    yield 1


def blocking() -> int:
    return 1


async def a(x: Annotated[int, Depends(with_yield)]) -> Response:
    """A dependency with yield."""
    return Response(str(x))


async def b(x: Annotated[list[str] | None, Header()] = None) -> Response:
    """A list of headers."""
    return Response(str(x))


async def c(x: Annotated[int, Depends(blocking)]) -> Response:
    """A dependency that blocks."""
    return Response(str(x))


async def d(x: Annotated[str | None, Cookie()] = None) -> Response:
    """A cookie."""
    return Response(str(x))


async def e(x: Annotated[list[int], Query()] = []) -> Response:  # noqa: B006 # which is refused
    """A list in the query whose default is one too."""
    return Response(str(x))


async def f(x: Annotated[int, Query()]) -> Response:
    """A query parameter that is required."""
    return Response(str(x))


async def g(x: BackgroundTasks) -> Response:
    """Background tasks."""
    return Response(str(x))


async def h(x: Annotated[str, Form()]) -> Response:
    """A form."""
    return Response(x)


def i() -> Response:
    """An endpoint that blocks."""
    return Response()


async def j() -> dict[str, str]:
    """An endpoint that returns no response."""
    return {}


async def k(x: Annotated[str, Header()]) -> Response:
    """A header that is required."""
    return Response(x)


@pytest.mark.parametrize("endpoint", [a, b, c, d, e, f, g, h, i, j, k])
def test_a_signature_that_fast_endpoints_do_not_support_is_refused(endpoint: Any) -> None:
    router = APIRouter(route_class=Route)

    with pytest.raises(TypeError, match="fast endpoint"):
        router.get("/x")(endpoint)


async def test_a_list_in_the_query_is_all_that_was_given_in_its_order() -> None:
    async def repeated(x: Annotated[list[int] | None, Query()] = None) -> Response:
        return Response(str(x))

    endpoint = Endpoint(repeated)

    def request(query: bytes) -> Request:
        return Request({"type": "http", "query_string": query, "path_params": {}, "headers": []})

    assert (await endpoint(request(b"x=2&x=1&x=2&y=3"), b"")).body == b"[2, 1, 2]"
    assert (await endpoint(request(b"x=7"), b"")).body == b"[7]"
    assert (await endpoint(request(b"y=7"), b"")).body == b"None"
    with pytest.raises(Invalid) as refused:
        await endpoint(request(b"x=1&x=one"), b"")
    assert refused.value.members["errors"][0]["loc"] == ["query", "x", 1]


class Moment(msgspec.Struct):
    at: datetime
    title: str = ':00Z"'


def test_every_time_is_written_with_microseconds() -> None:
    whole, other = datetime(2026, 11, 24, 8, 30, tzinfo=UTC), datetime(2026, 11, 24, 8, 30, 0, 250_000, tzinfo=UTC)

    shown = b'[{"ends_at":"2026-11-24T08:30:00.000000Z"},{"at":"2026-11-24T08:30:00.250000Z"}]'
    assert encode([{"ends_at": whole}, {"at": other}]) == shown
    assert encode([Moment(whole)]) == b'[{"at":"2026-11-24T08:30:00.000000Z","title":":00Z\\""}]'
    assert encode({"due_date": "2026-11-24T08:30:00Z"}) == b'{"due_date":"2026-11-24T08:30:00Z"}'
    forged = encode({"title": '"at":"2026-11-24T08:30:00Z"'})
    assert forged == b'{"title":"\\"at\\":\\"2026-11-24T08:30:00Z\\""}'
    assert encode({"title": 'at 08:30:00Z"', "n": (1, None)}) == b'{"title":"at 08:30:00Z\\"","n":[1,null]}'
