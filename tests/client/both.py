"""One way to call both clients: the synchronous one in threads."""

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from inspect import isgeneratorfunction
from typing import Any

from anyio.to_thread import run_sync

from todo.client import AsyncClient, AsyncLocalCopy, Client, LocalCopy

END = object()


class Threaded:
    """The synchronous object, with the methods of its asynchronous counterpart."""

    def __init__(self, thing: Any) -> None:
        self.thing = thing

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.thing, {"aclose": "close"}.get(name, name))
        if not callable(found):
            return found
        return partial(self._iterate if isgeneratorfunction(found) else self._call, found)

    def __repr__(self) -> str:
        return repr(self.thing)

    async def _call(self, method: Callable[..., Any], *args: Any, **options: Any) -> Any:
        return await run_sync(partial(method, *args, **options), abandon_on_cancel=True)

    async def _iterate(self, method: Callable[..., Iterator[Any]], *args: Any, **options: Any) -> AsyncIterator[Any]:
        iterator: Any = method(*args, **options)
        try:
            while (item := await run_sync(next, iterator, END)) is not END:
                yield item
        finally:
            iterator.close()


def client(kind: str, url: str, token: str | None = None, **options: Any) -> Any:
    """A client of this kind; its methods are coroutines."""
    return AsyncClient(url, token, **options) if kind == "async" else Threaded(Client(url, token, **options))


def local_copy(of: Any, path: Any) -> Any:
    """A local copy of a client's user."""
    return Threaded(LocalCopy(of.thing, path)) if isinstance(of, Threaded) else AsyncLocalCopy(of, path)
