"""What paths and headers say of tasks."""

import re
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path

from todo.openapi import takes
from todo.tasks.answers import EXAMPLE

CANONICAL_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

IF_NONE_MATCH = takes(
    "If-None-Match", "ETags that the caller has; 304 when one of them is still good (RFC 9110 §13.1.2)."
)
IF_MATCH = takes(
    "If-Match",
    "ETags of which the task must have one, else 412 (RFC 9110 §13.1.1); `*` for any.",
    pattern=r"""^(\*|(W/)?"[!#-~]*"(, *(W/)?"[!#-~]*")*)$""",
)
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
    """The id in the path; what is no UUID in its one canonical form is None, which no task has for its id."""
    return UUID(id) if CANONICAL_UUID.fullmatch(id) else None


TaskId = Annotated[UUID | None, Depends(_task_id)]
