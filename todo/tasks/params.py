"""Path parameters and headers of the routes about tasks."""

import re
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Path, Query
from pydantic import WithJsonSchema

from todo.tasks.responses import EXAMPLE
from todo.values import TimeZone

CANONICAL_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

IfNoneMatch = Annotated[
    str | None,
    WithJsonSchema({"type": "string"}),
    Header(
        alias="If-None-Match",
        description="ETags that the caller has; 304 when one of them is still good (RFC 9110 §13.1.2).",
    ),
]
IfMatch = Annotated[
    str | None,
    WithJsonSchema({"type": "string", "pattern": r"""^(\*|(W/)?"[!#-~]*"(, *(W/)?"[!#-~]*")*)$"""}),
    Header(
        alias="If-Match",
        description="ETags of which the task must have one, else 412 (RFC 9110 §13.1.1); `*` for any.",
    ),
]
ZoneOfPerson = Annotated[
    TimeZone | None,
    Query(
        description="The person's time zone (IANA), for which day it is where the task names no zone; UTC by default.",
        examples=["Europe/Berlin"],
    ),
]
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {
        "description": "What the caller has is still good.",
        "headers": {"ETag": {"description": "Its ETag.", "schema": {"type": "string"}}},
    }
}


async def _task_id(
    id: Annotated[
        str,
        Path(
            description="The task's id, a UUID.",
            examples=[EXAMPLE["id"]],
            json_schema_extra={"format": "uuid"},
        ),
    ],
) -> UUID | None:
    """The id, or None where it is not a canonical UUID: then no task is found."""
    return UUID(id) if CANONICAL_UUID.fullmatch(id) else None


TaskId = Annotated[UUID | None, Depends(_task_id)]
