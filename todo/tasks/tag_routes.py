"""The tags of a user's tasks over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path
from pydantic import AfterValidator, BeforeValidator, TypeAdapter, ValidationError, WithJsonSchema
from sqlmodel import Field, SQLModel
from starlette.responses import Response

from todo.api.dependencies import CurrentCaller, UserDatabase
from todo.api.openapi.vocabulary import ANY, BODY, NULL, answers, shows
from todo.api.route import OwnerRoute
from todo.http import etags
from todo.http.json import encode
from todo.http.responses import private_json
from todo.problems import Conflict, NotFound
from todo.tasks import tags
from todo.tasks.fields import TAG_LENGTH, Tag
from todo.tasks.params import NOT_MODIFIED, IfNoneMatch
from todo.tasks.responses import not_modified
from todo.values import folded

router = APIRouter(prefix="/api/{user_id}/tags", tags=["tasks"], route_class=OwnerRoute, responses={**ANY})

MAX_RENAMES = 20

EXAMPLE = [{"tag": "home", "count": 12}, {"tag": "garden", "count": 3}]
ETAG = "The user's revision, weak: the list shows at least what had happened then."


class TagCountOut(SQLModel):
    """A tag, and how many tasks have it."""

    tag: str = Field(description="In the spelling that is used most, where tasks differ in case.")
    count: int = Field(description="How many tasks have it, without those in the trash.")


def _pairs(renames: Any) -> Any:
    """The pairs of an object, so that what is wrong with a name is not said with the name."""
    return [*renames.items()] if isinstance(renames, dict) else renames


def _each_once(pairs: list[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
    if len({folded(old) for old, _ in pairs}) < len(pairs):
        raise ValueError("names a tag twice: case makes no difference")
    return pairs


Renames = Annotated[
    list[tuple[Tag, Tag | None]],
    Field(min_length=1, max_length=MAX_RENAMES),
    AfterValidator(_each_once),
    BeforeValidator(_pairs),
    WithJsonSchema(
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": MAX_RENAMES,
            "propertyNames": {"minLength": 1, "maxLength": TAG_LENGTH, "pattern": r"\S"},
            "additionalProperties": {
                "anyOf": [
                    {"type": "string", "minLength": 1, "maxLength": TAG_LENGTH, "pattern": r"\S"},
                    {"type": "null"},
                ]
            },
        }
    ),
]


class TagRenames(SQLModel):
    """New names of tags."""

    rename: Renames = Field(description="By the old name the new one; null removes the tag.")


_TAG: TypeAdapter[str] = TypeAdapter(Tag)


async def _tag(
    tag: Annotated[str, Path(description="The tag, percent-encoded; its case makes no difference.", examples=["home"])],
) -> str | None:
    """The tag as it would be kept, or None for what no task can have."""
    try:
        return _TAG.validate_python(tag)
    except ValidationError:
        return None


TagInPath = Annotated[str | None, Depends(_tag)]

CHANGED: dict[str, Any] = {
    "response_model": list[TagCountOut],
    "responses": {200: shows(EXAMPLE, "The tags as they are now.", ETag=ETAG), **answers(NotFound, Conflict)},
}


@router.get(
    "",
    response_model=list[TagCountOut],
    responses={200: shows(EXAMPLE, "The tags, the most used first.", ETag=ETAG), **NOT_MODIFIED},
)
async def list_tags(db: UserDatabase, if_none_match: IfNoneMatch = None) -> Response:
    """List the tags of the user's tasks, with how many have each.

    The most used first, then by name, at most 1,000. Tasks in the trash do not count.
    """
    cached = etags.if_none_match(if_none_match)
    found = await tags.counted(db, cached or ())
    if cached is None or found.revision in cached:
        return not_modified(etags.weak(found.revision))
    return _response(found)


@router.patch("", **{**CHANGED, "responses": {**CHANGED["responses"], **BODY}})
async def rename_tags(
    db: UserDatabase,
    caller: CurrentCaller,
    renames: Annotated[
        TagRenames,
        Body(
            openapi_examples={
                "rename": {"summary": "Rename a tag", "value": {"rename": {"errands": "shopping"}}},
                "remove": {
                    "summary": "Rename one, and remove another",
                    "value": {"rename": {"errands": "home", "a/b": NULL}},
                },
            }
        ),
    ],
) -> Response:
    """Rename tags in all tasks, those in the trash too.

    One undo takes it back as a whole. The order of a task's tags is kept; where it has the new tag already, it has it
    once, in the place of the first. null removes a tag (also one with a slash, which no path can name). 404 where no
    task has one of the tags; 409 where more than 5,000 tasks have them: change some of these first.
    """
    return _response(await tags.rename(db, caller, dict(renames.rename)))


@router.delete("/{tag}", **CHANGED)
async def remove_tag(
    db: UserDatabase,
    caller: CurrentCaller,
    tag: TagInPath,
) -> Response:
    """Remove a tag from all tasks, those in the trash too.

    One undo takes it back as a whole. 404 where no task has it; 409 where more than 5,000 tasks do. A tag with a
    slash is removed by `PATCH …/tags` with `{"rename": {"a/b": null}}`.
    """
    return _response(await tags.rename(db, caller, {tag or "": None}))


def _response(found: tags.Tags) -> Response:
    return private_json(encode(found.tags), ETag=etags.weak(found.revision))
