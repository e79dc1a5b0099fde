"""The typed results, compared with the API's shapes."""

from typing import Any

import msgspec
import pytest

from tests.conftest import settings_for
from todo.app import create_app
from todo.client import agents, models

SHAPES: dict[str, Any] = create_app(settings_for("postgresql://localhost/none")).openapi()["components"]["schemas"]


@pytest.mark.parametrize(
    ("struct", "shape"),
    [
        (models.Task, "TrashedTaskOut"),
        (models.Change, "ChangeOut"),
        (models.PastChange, "PastChange"),
        (models.QuickTask, "QuickTask"),
        (models.Result, "ResultOut"),
        (models.BatchResult, "BatchOut"),
        (models.TagCount, "TagCountOut"),
        (models.Summary, "Summary"),
        (models.StatusCounts, "StatusCounts"),
        (models.DueCounts, "DueCounts"),
        (models.DayCount, "DayCount"),
        (models.User, "UserOut"),
        (models.Device, "SessionOut"),
        (models.ApiToken, "ApiTokenOut"),
        (models.NewApiToken, "ApiTokenMade"),
        (agents.Agent, "AgentOut"),
        (agents.UndoConflict, "ConflictOut"),
        (agents.UndonePart, "TakenBackOut"),
        (models.Problem, "Problem"),
        (models.ImportReport, "ImportReport"),
        (models.ImportProblem, "RowProblem"),
    ],
)
def test_a_struct_has_the_fields_of_its_shape(struct: type[msgspec.Struct], shape: str) -> None:
    assert set(struct.__struct_fields__) == set(SHAPES[shape]["properties"])


def test_a_session_has_the_fields_of_its_shape_but_the_type_of_its_token() -> None:
    assert {*models.Session.__struct_fields__, "token_type"} == set(SHAPES["SignedIn"]["properties"])


def test_a_feed_has_the_fields_of_both_its_shapes() -> None:
    assert set(models.Feed.__struct_fields__) == {*SHAPES["FeedOut"]["properties"], *SHAPES["FeedMade"]["properties"]}


def test_fields_of_later_versions_are_ignored() -> None:
    text = b'{"tag": "home", "count": 1, "colour": "green"}'
    assert msgspec.json.decode(text, type=models.TagCount) == models.TagCount(tag="home", count=1)
