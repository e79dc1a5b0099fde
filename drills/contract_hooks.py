"""What schemathesis is told of this API, loaded by SCHEMATHESIS_HOOKS: two people, whose things they are, what ends."""

import json
import os
import random
import re
from typing import Any
from uuid import uuid4

import httpx
import schemathesis
from schemathesis import AuthContext, Case, CheckContext, Response
from schemathesis.core.parameters import ParameterLocation

from tests.conftest import PASSWORD
from todo.tasks.params import IF_MATCH

BASE = os.environ["DRILL_BASE"]
PEOPLE: dict[str, dict[str, Any]] = json.loads(os.environ["DRILL_PEOPLE"])
"""Names of ada and bob; for each the `id`, `token`, `marker` and ids of `tasks`."""

ETAGS: str = IF_MATCH["parameters"][0]["schema"]["pattern"]
OF_THE_TRASH = {"task_history", "restore_task"}
ENDS_THE_ACCOUNT = {"delete_me", "change_password", "sign_out_everywhere"}


def _somebody_else() -> str:
    body = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
    token: str = httpx.post(f"{BASE}/api/auth/signup", json=body).json()["access_token"]
    return token


@schemathesis.auth()
class Token:
    """Ada's, save where it would not be good for anything afterwards."""

    def get(self, case: Case[Any], ctx: AuthContext) -> str:  # noqa: ARG002 # as schemathesis calls it
        return str(PEOPLE["ada"]["token"])

    def set(self, case: Case[Any], data: str, ctx: AuthContext) -> None:  # noqa: ARG002 # as schemathesis calls it
        ends = case.operation.definition.raw.get("operationId") in ENDS_THE_ACCOUNT
        case.headers["Authorization"] = f"Bearer {_somebody_else() if ends else data}"


@schemathesis.hook
def map_case(context: Any, case: Case[Any]) -> Case[Any]:  # noqa: ARG001 # as schemathesis calls it
    """Mostly ada's own path, tasks and changes, now and then bob's, now and then what was made up.

    A path that is meant to be invalid stays so.
    """
    if not case.path_parameters or (case.meta and case.meta.is_negative_at(ParameterLocation.PATH)):
        return case
    named = {**case.path_parameters}
    chance = random.Random(repr((named, case.query, case.body)))  # the same for the same, so that it can be shrunk
    if "user_id" in named:
        whose = chance.choices(["ada", "bob", None], [8, 1, 1])[0]
        named["user_id"] = PEOPLE[whose]["id"] if whose else named["user_id"]
    if "id" in named:
        whose = chance.choices(["ada", "bob", None], [5, 2, 3])[0]
        named["id"] = chance.choice(PEOPLE[whose]["tasks"]) if whose else named["id"]
    if "revision" in named and chance.random() < 0.8:
        named["revision"] = str(chance.randint(1, 100))
    case.path_parameters = named
    return case


@schemathesis.check
def each_sees_only_their_own(ctx: CheckContext, response: Response, case: Case[Any]) -> None:  # noqa: ARG001 # as schemathesis calls it
    """Ada, who calls, is refused on every other path, and never reads what is bob's."""
    assert PEOPLE["bob"]["marker"] not in response.text, "what bob wrote was shown to ada"
    user_id = (case.path_parameters or {}).get("user_id")
    if user_id is not None and user_id != PEOPLE["ada"]["id"]:
        assert response.status_code >= 400, f"ada was let in as {user_id!r}"


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Case[Any], response: Response) -> bool:  # noqa: ARG001 # as schemathesis calls it
    """Leave out what is right here, though schemathesis cannot know it.

    - Invalid input is refused with 413 when it is too large to be looked at; a body of white space is none.
    - The history of a task remains while the task is in the trash, and the way back from there.
    - What is called valid, and has an If-Match that its own pattern refuses (schemathesis 4.32, phase "coverage").
    - Valid input is refused for the state of things (410, 412), or by what no JSON Schema can say: which domains
      no e-mail can have, that a password is a common one, which characters nobody can see. These errors have the
      type `value_error`, where all that a schema can say has a type of its own.
    """
    kind, status = type(failure).__name__, response.status_code
    headers: Any = case.headers or {}
    if kind == "AcceptedNegativeData":
        return status != 413 and not (isinstance(case.body, bytes) and not case.body.strip())
    if kind == "UseAfterFree":
        return case.operation.definition.raw.get("operationId") not in OF_THE_TRASH
    if kind == "RejectedPositiveData" and not re.search(ETAGS, headers.get("If-Match", "*")):
        return False
    if kind == "RejectedPositiveData" and status == 422:
        return any(error["type"] != "value_error" for error in response.json()["errors"])
    return kind != "RejectedPositiveData" or status not in {410, 412}
