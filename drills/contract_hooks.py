"""Hooks of schemathesis for this API, loaded by SCHEMATHESIS_HOOKS: two users, their tasks, and expected failures."""

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
from tests.support.operations import OPENAPI

BASE = os.environ["DRILL_BASE"]
USERS: dict[str, dict[str, Any]] = json.loads(os.environ["DRILL_USERS"])
"""By name (ada, bob): the `id`, `token`, `marker` and ids of `tasks`."""

IF_MATCH: str = next(
    parameter["schema"]["pattern"]
    for parameter in OPENAPI["paths"]["/api/{user_id}/tasks/{id}"]["put"]["parameters"]
    if parameter["name"] == "If-Match"
)
"""The pattern of its values."""
WORK_ON_TRASH = {"task_history", "restore_task"}
END_TOKENS = {"delete_me", "change_password", "sign_out_everywhere"}


def _token_of_new_user() -> str:
    body = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
    token: str = httpx.post(f"{BASE}/api/auth/signup", json=body).json()["access_token"]
    return token


@schemathesis.auth()
class Token:
    """Ada's token, except for operations that end it: those get the token of a new user."""

    def get(self, case: Case[Any], ctx: AuthContext) -> str:  # noqa: ARG002 # the signature is schemathesis'
        return str(USERS["ada"]["token"])

    def set(self, case: Case[Any], data: str, ctx: AuthContext) -> None:  # noqa: ARG002 # the signature is schemathesis'
        ends = case.operation.definition.raw.get("operationId") in END_TOKENS
        case.headers["Authorization"] = f"Bearer {_token_of_new_user() if ends else data}"


@schemathesis.hook
def map_case(context: Any, case: Case[Any]) -> Case[Any]:  # noqa: ARG001 # the signature is schemathesis'
    """Mostly use ada's path, tasks and changes, sometimes bob's, sometimes the generated ones.

    A path that is meant to be invalid stays as it is.
    """
    if not case.path_parameters or (case.meta and case.meta.is_negative_at(ParameterLocation.PATH)):
        return case
    parameters = {**case.path_parameters}
    chance = random.Random(repr((parameters, case.query, case.body)))  # deterministic, for the shrinking of failures
    if "user_id" in parameters:
        user = chance.choices(["ada", "bob", None], [8, 1, 1])[0]
        parameters["user_id"] = USERS[user]["id"] if user else parameters["user_id"]
    if "id" in parameters:
        user = chance.choices(["ada", "bob", None], [5, 2, 3])[0]
        parameters["id"] = chance.choice(USERS[user]["tasks"]) if user else parameters["id"]
    if "revision" in parameters and chance.random() < 0.8:
        parameters["revision"] = str(chance.randint(1, 100))
    case.path_parameters = parameters
    return case


@schemathesis.check
def each_sees_only_their_own(ctx: CheckContext, response: Response, case: Case[Any]) -> None:  # noqa: ARG001 # the signature is schemathesis'
    """Ada is refused on the paths of other users, and never reads bob's data."""
    assert USERS["bob"]["marker"] not in response.text, "ada received bob's data"
    user_id = (case.path_parameters or {}).get("user_id")
    if user_id is not None and user_id != USERS["ada"]["id"]:
        assert response.status_code >= 400, f"ada was not refused as {user_id!r}"


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Case[Any], response: Response) -> bool:  # noqa: ARG001 # the signature is schemathesis'
    """Leave out failures that are correct behaviour here. It returns False for those.

    - Invalid input is refused with 413 when it is too large. A body of white space counts as no body.
    - A task in the trash still has a history and can be restored.
    - Input that counts as valid, but has an If-Match that its own pattern refuses (schemathesis 4.32, "coverage").
    - Valid input is refused because of the current state (410, 412), or by a rule that JSON Schema cannot express:
      the domain of an e-mail, a common password, an invisible character. These errors have the type `value_error`;
      errors that a schema can express have other types.
    """
    kind, status = type(failure).__name__, response.status_code
    headers: Any = case.headers or {}
    if kind == "AcceptedNegativeData":
        return status != 413 and not (isinstance(case.body, bytes) and not case.body.strip())
    if kind == "UseAfterFree":
        return case.operation.definition.raw.get("operationId") not in WORK_ON_TRASH
    if kind == "RejectedPositiveData" and not re.search(IF_MATCH, headers.get("If-Match", "*")):
        return False
    if kind == "RejectedPositiveData" and status == 422:
        return any(error["type"] != "value_error" for error in response.json()["errors"])
    return kind != "RejectedPositiveData" or status not in {410, 412}
