"""Times of iCalendar: days, local times with a zone or without, and instants (RFC 5545 §3.3.4 and §3.3.5)."""

import re
from datetime import UTC, date, datetime, tzinfo

from icalendar import Component as Parsed
from icalendar import Timezone

from todo.formats.dates import zone_named
from todo.formats.ics_components import Component, Property
from todo.values import FIRST_YEAR, LAST_YEAR

MAX_ZONES = 100
"""Definitions that are kept of a file."""

_WHEN = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?", re.ASCII)


class Zones:
    """The time zones that a file defines (VTIMEZONE), for names that the IANA database does not have."""

    def __init__(self) -> None:
        self._defined: dict[str, Component] = {}
        self._known: dict[str, tzinfo | str | None] = {}

    def add(self, component: Component) -> None:
        if len(self._defined) < MAX_ZONES:
            self._defined.setdefault(component.text("TZID").strip(), component)

    def get(self, name: str) -> tzinfo | str | None:
        """The IANA name, or else the zone as the file defines it."""
        name = name.strip()
        if name not in self._known:
            if len(self._known) > MAX_ZONES:
                return zone_named(name)
            defined = self._defined.get(name)
            known = zone_named(name) or (defined and zone_named(defined.text("X-LIC-LOCATION")))
            self._known[name] = known or (_parsed(defined) if defined else None)
        return self._known[name]


MAX_RULES = 50
"""Rules, dates and changes of the clock of one definition: the library expands all of them."""

_YEARLY = re.compile(
    r"(RRULE:)?FREQ=YEARLY(;(BYDAY=[^;,]*|(BYMONTH|BYMONTHDAY|BYSETPOS|INTERVAL|COUNT|UNTIL|WKST)=[^;]*))*",
    re.IGNORECASE,
)


def _is_cheap(component: Component) -> bool:
    """Whether it repeats yearly, as the clocks of the world do, and has few dates."""
    each = [inner_property for inner in component.inner for inner_property in inner.properties]
    rules = [found.value.strip() for found in each if found.name in ("RRULE", "EXRULE")]
    dates = sum(found.value.count(",") + 1 for found in each if found.name in ("RDATE", "EXDATE"))
    deeper = any(inner.inner for inner in component.inner)
    return (
        not deeper
        and len(component.inner) + len(rules) + dates <= MAX_RULES
        and all(_YEARLY.fullmatch(rule) for rule in rules)
    )


def _parsed(component: Component) -> tzinfo | None:
    if not _is_cheap(component):
        return None
    try:
        zone = Parsed.from_ical(_written(component))
        return zone.to_tz(lookup_tzid=False) if isinstance(zone, Timezone) else None
    except Exception:  # noqa: BLE001 # the library raises many kinds for definitions that are wrong
        return None


def _written(component: Component) -> str:
    lines = [f"BEGIN:{component.name}"]
    lines += [f"{each.name}:{each.value}" for each in component.properties if not each.params]
    lines += [_written(inner) for inner in component.inner]
    return "\r\n".join([*lines, f"END:{component.name}"])


def moment_of(found: Property | None, zones: Zones) -> tuple[date | datetime | None, str | None, str]:
    """A day, a local time with the IANA name of its zone, or an instant; and what is wrong with its zone."""
    match = _WHEN.fullmatch(found.value.strip()) if found else None
    if found is None or match is None:
        return None, None, ""
    try:
        numbers = [int(part) for part in match.groups()[:6] if part is not None]
        if len(numbers) == 3:
            return date(*numbers), None, ""
        numbers[5] = min(numbers[5], 59)  # leap seconds
        when = datetime(*numbers)  # type: ignore[arg-type] # noqa: DTZ001 # six numbers; its zone follows
    except ValueError:
        return None, None, ""
    if match[7]:
        return when.replace(tzinfo=UTC), None, ""
    name = found.param("TZID")
    zone = zones.get(name) if name else None
    if isinstance(zone, str):
        return when, zone, ""
    if zone is None or not FIRST_YEAR < when.year < LAST_YEAR:  # the library expands the rules until then
        return when, None, "its time zone is neither known nor defined in the file" if name else ""
    try:
        return when.replace(tzinfo=zone).astimezone(UTC), None, ""
    except Exception:  # noqa: BLE001 # see _parsed
        return when, None, "its time zone is defined in the file in a way that is not understood"


def instant_of(found: Property | None) -> date | datetime | None:
    """For information only: a local time is taken as it is."""
    return moment_of(found, Zones())[0]
