"""iCalendar files in pieces: one component at a time, with its properties unfolded (RFC 5545 §3.1)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from icalendar.parser import Contentline, Parameters

from todo.formats.row import Unreadable
from todo.formats.text import MAX_LINE, decoded, lines

MAX_COMPONENT = 4 * MAX_LINE
"""Bytes of one component."""
MAX_DEPTH = 10
MAX_INNER = 100
"""Components, such as alarms, inside one."""

_PLAIN = re.compile(r"([A-Za-z0-9-]+):(.*)", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ITEM = re.compile(r"(?:\\.|[^,\\])+", re.DOTALL)


@dataclass(slots=True)
class Property:
    name: str
    value: str
    """As it is written, unfolded and escaped."""
    params: Parameters | None = None

    def param(self, name: str) -> str:
        found = self.params.get(name, "") if self.params else ""
        return found if isinstance(found, str) else ""

    def text(self) -> str:
        return _unescaped(self.value)

    def texts(self) -> list[str]:
        """A list with commas, of which some are escaped."""
        return [_unescaped(part).strip() for part in _ITEM.findall(self.value)]


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], text)


@dataclass(slots=True)
class Component:
    name: str
    line: int
    properties: list[Property] = field(default_factory=list)
    inner: list["Component"] = field(default_factory=list)
    broken: int = 0
    """The line of a property that cannot be read."""

    def first(self, name: str) -> Property | None:
        return next((each for each in self.properties if each.name == name), None)

    def all(self, name: str) -> list[Property]:
        return [each for each in self.properties if each.name == name]

    def text(self, name: str) -> str:
        found = self.first(name)
        return found.text() if found else ""


def components(file: BinaryIO, names: frozenset[str], others: dict[str, int] | None = None) -> Iterator[Component]:
    """The components of these names, each when it ends, and the calendars, each at its end with its own properties.

    `others` counts the remaining ones by name. Raises Unreadable where a component does not end, or is too large.
    """
    stack: list[tuple[str, int, Component | None]] = []  # its name, where it begins, and itself unless it is skipped
    size = 0
    line = 1
    for line, text in _unfolded(file):
        head = text[:200].strip().upper()
        if head.startswith("BEGIN:"):
            component = _begun(head[6:].strip(), line, stack, names)
            if component is None and len(stack) == 1 and others is not None:
                others[head[6:].strip()] = others.get(head[6:].strip(), 0) + 1
            size = 0 if len(stack) < 2 else size
            stack.append((head[6:].strip(), line, component))
            if len(stack) > MAX_DEPTH:
                raise Unreadable(line, f"the components are nested deeper than {MAX_DEPTH} levels")
        elif head.startswith("END:"):
            name, begin, ended = stack.pop() if stack else ("", line, None)
            if name != head[4:].strip():
                raise Unreadable(line, f"this END is not that of the component that begins in line {begin}")
            around = stack[-1][2] if len(stack) > 1 else None
            if ended and around and len(around.inner) < MAX_INNER:
                around.inner.append(ended)
            elif ended and not around:
                yield ended
        elif text.strip():
            if not stack:
                raise Unreadable(line, "this is no iCalendar file: it does not begin with BEGIN:VCALENDAR")
            size += len(text)
            if size > MAX_COMPONENT and len(stack) > 1:
                raise Unreadable(line, "the component is longer than 4 MB")
            component = stack[-1][2]
            if component and (len(stack) > 1 or len(component.properties) < MAX_INNER):
                _read(component, line, text)
    if stack:
        raise Unreadable(line, "the file ends in the middle of the calendar")


def _begun(
    name: str, line: int, stack: list[tuple[str, int, Component | None]], names: frozenset[str]
) -> Component | None:
    """None for one that is skipped: of a calendar, those of other names, and all that is in them."""
    wanted = name == "VCALENDAR" if not stack else stack[-1][2] is not None and (len(stack) > 1 or name in names)
    return Component(name, line) if wanted else None


def _read(component: Component, line: int, text: str) -> None:
    plain = _PLAIN.fullmatch(text)
    if plain:
        component.properties.append(Property(plain[1].upper(), plain[2]))
        return
    try:
        name, params, value = Contentline(text).raw_parts()  # type: ignore[no-untyped-call] # the library's
    except ValueError:
        component.broken = component.broken or line
    else:
        component.properties.append(Property(name.upper(), value, params))


def _unfolded(file: BinaryIO) -> Iterator[tuple[int, str]]:
    """Lines without their ends, put together before they are decoded, since a fold may cut a character."""
    begun: list[bytes] = []
    first = size = 0
    for number, line in lines(file):
        if line[:1] in (b" ", b"\t") and begun:
            begun.append(line[1:].rstrip(b"\r\n"))
            size += len(line)
            if size > MAX_LINE:
                raise Unreadable(first, "the line is longer than 1 MB")
            continue
        if begun:
            yield first, decoded(b"".join(begun))
        begun, first, size = [line.rstrip(b"\r\n")], number, len(line)
    if begun:
        yield first, decoded(b"".join(begun))
