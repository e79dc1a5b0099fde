"""JSON documents in pieces: the objects in their lists, one at a time, whatever else stands around them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import ijson  # type: ignore[import-untyped] # it has no types

from todo.formats.row import Unreadable
from todo.formats.text import MAX_LINE, pieces

MAX_DEPTH = 100
MAX_ITEM = 4 * MAX_LINE
"""Bytes of one item."""


@dataclass(slots=True)
class Item:
    """An object of a list, complete, or any other value in its place."""

    value: Any
    line: int
    number: int
    """Of those in the file, from 1, in the order in which they begin."""
    path: tuple[str, ...]
    """The names of the lists around it, from the outside in; of an object at the top, none."""
    parents: tuple["Item", ...] = ()
    """The objects around it, the nearest last, with the members read so far."""
    place: str = ""
    """`item 17: `, of its list, where the line says little since another item begins on it too."""
    is_parent: bool = False
    """Whether it has items of its own; it comes after them, and its value is without them."""


@dataclass(slots=True)
class _List:
    path: tuple[str, ...] = ()
    parents: tuple[Item, ...] = ()
    count: int = 0


class _Walk:
    """The open lists and items, the last of them innermost, and the value that is being built inside."""

    def __init__(self, lists: frozenset[str]) -> None:
        self.lists = lists
        self.open: list[_List | Item] = []
        self.keys: list[str] = []
        """For each open object, the name of the member that comes next."""
        self.built: list[Any] = []
        """The open arrays and objects of the value that is being built."""
        self.alone: Item | None = None
        """What is being built, if it is an element itself."""
        self.count = self.line = 0

    def event(self, line: int, event: str, value: Any) -> Item | None:
        """An item, if it is complete now."""
        if event == "map_key":
            self.keys[-1] = value
            return None
        if event in ("end_map", "end_array"):
            return self._end(event)
        if self.built:
            self._put(self.built[-1], event, value)
            return None
        inner = self.open[-1] if self.open else _List()
        if isinstance(inner, Item):
            self._member(inner, line, event, value)
            return None
        if event == "start_array" and not self.open:
            self.open.append(inner)
            return None
        inner.count += 1
        item = self._item(inner, line)
        if event == "start_map":
            self._open(item)
            return None
        item.value = value
        if event == "start_array":
            self.alone, item.value = item, []
            self.built.append(item.value)
            return None
        return item

    def _item(self, inner: _List, line: int) -> Item:
        self.count += 1
        place = f"item {inner.count}: " if line == self.line else ""
        self.line = line
        return Item({}, line, self.count, inner.path, inner.parents, place)

    def _open(self, item: Item) -> None:
        self.open.append(item)
        self.keys.append("")

    def _member(self, inner: Item, line: int, event: str, value: Any) -> None:
        name = self.keys[-1]
        if name not in self.lists or event not in ("start_array", "start_map"):
            self._put(inner.value, event, value)
            return
        inner.is_parent = True
        around = _List((*inner.path, name), (*inner.parents, inner))
        if event == "start_array":
            self.open.append(around)
        else:
            self._open(self._item(around, line))

    def _put(self, where: Any, event: str, value: Any) -> None:
        made: Any = {} if event == "start_map" else [] if event == "start_array" else value
        if isinstance(where, list):
            where.append(made)
        else:
            where[self.keys[-1]] = made
        if event in ("start_map", "start_array"):
            self.built.append(made)
        if event == "start_map":
            self.keys.append("")

    def _end(self, event: str) -> Item | None:
        if event == "end_map":
            self.keys.pop()
        if self.built:
            self.built.pop()
            done, self.alone = (self.alone, None) if not self.built else (None, self.alone)
            return done
        ended = self.open.pop()
        return ended if isinstance(ended, Item) else None


def items(file: BinaryIO, lists: frozenset[str]) -> Iterator[Item]:
    """Each element of the arrays that are members named in `lists`, also inside one another; and what is at the top.

    At the top there may be an object, an array, or several behind one another, such as one on each line. An item is
    yielded when it ends. Raises Unreadable for what is not JSON, is nested deeper than MAX_DEPTH, or is too large.
    """
    walk = _Walk(lists)
    depth = since = line = 0
    events = ijson.sendable_list()
    parser = ijson.basic_parse_coro(events, multiple_values=True)
    try:
        for line, piece in pieces(file):  # used below the loop
            since += len(piece)
            parser.send(piece)
            for event, value in events:
                depth += event in ("start_map", "start_array")
                depth -= event in ("end_map", "end_array")
                if depth > MAX_DEPTH:
                    raise Unreadable(line, f"the JSON is nested deeper than {MAX_DEPTH} levels")
                item = walk.event(line, event, value)
                if item is not None:
                    yield item
                if not walk.built and (item is not None or not isinstance(walk.open[-1] if walk.open else None, Item)):
                    since = 0
            events.clear()
            if since > MAX_ITEM:
                raise Unreadable(line, "one value of the JSON is longer than 4 MB")
    except (ijson.JSONError, SystemError, ValueError, ArithmeticError):  # SystemError: more digits than `int` reads
        raise Unreadable(line, "this is not JSON in UTF-8") from None
    try:
        parser.close()
    except ijson.JSONError:
        raise Unreadable(line, "the file ends in the middle of the JSON") from None
