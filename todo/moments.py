"""Points in time that may be sent: with an offset, in years that every part can hold, kept in UTC."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime


def _in_utc(moment: datetime) -> datetime:
    if not 1970 <= moment.year <= 9998:  # at the very ends an offset leads out of what a date can be
        raise ValueError("must be in the years 1970 to 9998")
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""RFC 3339, with an offset."""
