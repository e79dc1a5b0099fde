"""The names and numbers that dates and recurrences are written with, as parts of regular expressions."""

WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            ("monday", "mon"),
            ("tuesday", "tues", "tue"),
            ("wednesday", "wed"),
            ("thursday", "thurs", "thur", "thu"),
            ("friday", "fri"),
            ("saturday", "sat"),
            ("sunday", "sun"),
        )
    )
    for name in names
}
"""Numbers as in `date.weekday()`: Monday is 0."""

ALSO_WORDS = {"wed", "sat", "sun"}
"""Short weekdays that are English words too: never a date by themselves."""

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("january", "jan"),
            ("february", "feb"),
            ("march", "mar"),
            ("april", "apr"),
            ("may",),
            ("june", "jun"),
            ("july", "jul"),
            ("august", "aug"),
            ("september", "sept", "sep"),
            ("october", "oct"),
            ("november", "nov"),
            ("december", "dec"),
        ),
        start=1,
    )
    for name in names
}

_COUNTS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")

WEEKDAY = "|".join(WEEKDAYS)
MONTH = "|".join(MONTHS)
ORDINAL = "[0-9]{1,2}(?:st|nd|rd|th)"
COUNT = "[0-9]{1,3}|" + "|".join(_COUNTS)


class ImpossibleError(ValueError):
    """A phrase with the form of a date or time that is none, or none that can be due: 30 February, 13pm, last year."""


def count(text: str) -> int:
    """The number that COUNT matched. ImpossibleError if it is 0."""
    number = int(text) if text.isdigit() else _COUNTS.index(text) + 1
    if number == 0:
        raise ImpossibleError
    return number


def ordinal(text: str) -> int:
    """The number of "1st" or "1". ImpossibleError if it is no day of any month."""
    number = int(text.rstrip("stndrh"))
    if not 1 <= number <= 31:
        raise ImpossibleError
    return number
