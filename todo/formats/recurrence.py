"""RRULEs of other apps, put into the subset by which the API repeats (docs/reference/api.md)."""

import re
from datetime import date, datetime

FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
PARTS = ("FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "COUNT", "UNTIL")
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
MAX_LENGTH = 200  # characters

_INTERVAL = re.compile(r"0*(?:[1-9][0-9]{0,2}|1000)")
_COUNT = re.compile(r"0*(?:[1-9][0-9]{0,3}|10000)")
_DAYS = re.compile(r"(?:MO|TU|WE|TH|FR|SA|SU)(?:,(?:MO|TU|WE|TH|FR|SA|SU))*")
_NUMBERED = re.compile(r"(?:[+-]?[1-5])?(?:MO|TU|WE|TH|FR|SA|SU)(?:,(?:[+-]?[1-5])?(?:MO|TU|WE|TH|FR|SA|SU))*")
_MONTH_DAYS = re.compile(r"-?(?:[1-9]|[12][0-9]|3[01])(?:,-?(?:[1-9]|[12][0-9]|3[01]))*")
_UNTIL = re.compile(r"[0-9]{8}(?:T[0-9]{6}Z?)?")


def adapted(rule: str, due: date | None = None) -> tuple[str | None, str]:
    """The rule as the API takes it, or None; and what is lost of it, empty if nothing is.

    `due` is the day of the first occurrence, from which a rule of years has its month and its day. Neither text
    repeats what the rule says.
    """
    text = rule.strip().upper()
    if text in FREQUENCIES:
        return text.lower(), ""
    lines = [line.strip().removeprefix("RRULE:") for line in text.splitlines() if line.strip()]
    rules = [line for line in lines if "FREQ=" in line and not line.startswith(("EXRULE", "ERULE", "LUNAR"))]
    if len(rules) != 1 or not text.isascii():
        return None, "it is no RRULE that is understood"
    parts = dict(part.strip().partition("=")[::2] for part in rules[0].split(";") if part.strip())
    lost = ["exceptions (EXDATE, RDATE)"] if len(lines) > 1 else []
    lost += _drop_unneeded(parts)
    _by_position(parts)
    _yearly(parts, due)
    other = sorted(parts.keys() - set(PARTS))
    if other:
        known = [
            name for name in other if name in ("BYMONTH", "BYSETPOS", "BYWEEKNO", "BYYEARDAY", "BYHOUR", "BYMINUTE")
        ]
        return None, f"{', '.join(known) or 'a part of the RRULE'} is not supported"
    if not _is_valid(parts):
        return None, "the RRULE is outside of what the API repeats by"
    if parts.get("INTERVAL", "").lstrip("0") == "1":
        del parts["INTERVAL"]
    made = ";".join(f"{name}={parts[name]}" for name in PARTS if name in parts)
    return (made, " and ".join(lost)) if len(made) <= MAX_LENGTH else (None, "the RRULE is too long")


def _drop_unneeded(parts: dict[str, str]) -> list[str]:
    """Without the parts that change nothing, or nothing that the API knows; the latter are named."""
    lost = []
    week_start = parts.pop("WKST", "MO")
    if week_start != "MO" and parts.get("FREQ") == "WEEKLY" and "," in parts.get("BYDAY", "") and "INTERVAL" in parts:
        lost.append("weeks that begin on another day than Monday (WKST)")
    if parts.pop("TT_SKIP", ""):
        lost.append("skipped weekends and holidays (TT_SKIP)")
    if parts.get("BYSECOND") == "0":
        del parts["BYSECOND"]
    return lost


def _by_position(parts: dict[str, str]) -> None:
    """BYDAY=MO;BYSETPOS=1 of a month is BYDAY=1MO."""
    position = parts.get("BYSETPOS", "")
    if parts.get("FREQ") == "MONTHLY" and parts.get("BYDAY") in WEEKDAYS and re.fullmatch(r"[+-]?[1-5]", position):
        parts["BYDAY"] = f"{int(position)}{parts['BYDAY']}"
        del parts["BYSETPOS"]


def _yearly(parts: dict[str, str], due: date | None) -> None:
    """A rule for a day of the year is one that takes its day from the first occurrence, if that is the same day."""
    if parts.get("FREQ") != "YEARLY" or due is None or parts.get("BYMONTH", "").lstrip("0") != str(due.month):
        return
    if parts.get("BYMONTHDAY", str(due.day)).lstrip("0+") == str(due.day) and "BYDAY" not in parts:
        del parts["BYMONTH"]
        parts.pop("BYMONTHDAY", None)
    elif "BYDAY" in parts and "BYMONTHDAY" not in parts:
        interval = parts.get("INTERVAL", "1")
        if _INTERVAL.fullmatch(interval) and int(interval) <= 83:  # 1000 months
            del parts["BYMONTH"]
            parts |= {"FREQ": "MONTHLY", "INTERVAL": str(12 * int(interval))}
            _by_position(parts)


def _is_valid(parts: dict[str, str]) -> bool:
    frequency, days = parts.get("FREQ"), parts.get("BYDAY")
    if frequency not in FREQUENCIES or ("COUNT" in parts and "UNTIL" in parts):
        return False
    if not _INTERVAL.fullmatch(parts.get("INTERVAL", "1")) or not _COUNT.fullmatch(parts.get("COUNT", "1")):
        return False
    if days is not None:
        if "BYMONTHDAY" in parts or not (_NUMBERED if frequency == "MONTHLY" else _DAYS).fullmatch(days):
            return False
        if frequency == "DAILY" and int(parts.get("INTERVAL", "1")) % 7 == 0:
            return False
    month_days = parts.get("BYMONTHDAY")
    if month_days is not None and not (frequency == "MONTHLY" and _MONTH_DAYS.fullmatch(month_days)):
        return False
    return "UNTIL" not in parts or _is_moment(parts["UNTIL"])


def _is_moment(until: str) -> bool:
    if not _UNTIL.fullmatch(until):
        return False
    try:
        return 1900 <= datetime.fromisoformat(until[:15]).year <= 2200
    except ValueError:
        return False
