"""The straight way to an endpoint takes what ours need, and refuses the rest at the start."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import pytest
from fastapi import APIRouter, BackgroundTasks, Cookie, Depends, Header, Query, Response

from todo.encoding import encode
from todo.routing import JsonRoute

pytestmark = pytest.mark.anyio


async def with_yield() -> AsyncIterator[int]:
    yield 1


async def with_header(x: Annotated[str, Header()] = "") -> str:
    return x


def blocking() -> int:
    return 1


async def a(x: Annotated[int, Depends(with_yield)]) -> None:
    """A dependency with yield."""


async def b(x: Annotated[str, Depends(with_header)]) -> None:
    """A header, of a dependency."""


async def c(x: Annotated[int, Depends(blocking)]) -> None:
    """A dependency that blocks."""


async def d(x: Annotated[str | None, Cookie()] = None) -> None:
    """A cookie."""


async def e(x: Annotated[list[int], Query()] = []) -> None:  # noqa: B006 # which is refused
    """A list in the query."""


async def f(x: Annotated[int, Query()]) -> None:
    """A query that must be there."""


async def g(x: BackgroundTasks) -> None:
    """Background tasks."""


async def h(x: Response) -> None:
    """A response to change."""


def i() -> None:
    """An endpoint that blocks."""


@pytest.mark.parametrize("endpoint", [a, b, c, d, e, f, g, h, i])
def test_what_the_straight_way_leaves_out_is_refused(endpoint: Any) -> None:
    router = APIRouter(route_class=JsonRoute)

    with pytest.raises(TypeError, match="straight way"):
        router.get("/x")(endpoint)


class Moment(msgspec.Struct):
    at: datetime
    title: str = ':00Z"'


def test_every_time_is_written_with_microseconds() -> None:
    whole, other = datetime(2026, 11, 24, 8, 30, tzinfo=UTC), datetime(2026, 11, 24, 8, 30, 0, 250_000, tzinfo=UTC)

    assert encode([whole, {"at": other}]) == b'["2026-11-24T08:30:00.000000Z",{"at":"2026-11-24T08:30:00.250000Z"}]'
    assert encode([Moment(whole)]) == b'[{"at":"2026-11-24T08:30:00.000000Z","title":":00Z\\""}]'
    assert encode({"title": 'at 08:30:00Z"', "n": (1, None)}) == b'{"title":"at 08:30:00Z\\"","n":[1,null]}'
