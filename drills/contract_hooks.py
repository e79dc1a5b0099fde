"""What schemathesis is told of this API, loaded by SCHEMATHESIS_HOOKS: two people, whose things they are, what ends."""

import json
import os
import random
from typing import Any
from uuid import uuid4

import httpx
import schemathesis
from schemathesis import AuthContext, Case, CheckContext, Response

from tests.conftest import PASSWORD

BASE = os.environ["DRILL_BASE"]
PEOPLE: dict[str, dict[str, Any]] = json.loads(os.environ["DRILL_PEOPLE"])
"""Names of ada and bob; for each the `id`, `token`, `marker` and ids of `tasks`."""

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
def map_path_parameters(context: Any, path_parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 # as schemathesis calls it
    """Mostly ada's own path and tasks, now and then bob's, now and then what was made up."""
    if not path_parameters:
        return path_parameters
    chance = random.Random(repr(path_parameters))  # the same for the same, so that a failure can be shrunk
    if "user_id" in path_parameters:
        whose = chance.choices(["ada", "bob", None], [8, 1, 1])[0]
        path_parameters["user_id"] = PEOPLE[whose]["id"] if whose else path_parameters["user_id"]
    if "id" in path_parameters:
        whose = chance.choices(["ada", "bob", None], [5, 2, 3])[0]
        path_parameters["id"] = chance.choice(PEOPLE[whose]["tasks"]) if whose else path_parameters["id"]
    return path_parameters


@schemathesis.check
def each_sees_only_their_own(ctx: CheckContext, response: Response, case: Case[Any]) -> None:  # noqa: ARG001 # as schemathesis calls it
    """Ada, who calls, is refused on every other path, and never reads what is bob's."""
    assert PEOPLE["bob"]["marker"] not in response.text, "what bob wrote was shown to ada"
    user_id = (case.path_parameters or {}).get("user_id")
    if user_id is not None and user_id != PEOPLE["ada"]["id"]:
        assert response.status_code >= 400, f"ada was let in as {user_id!r}"


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Case[Any], response: Response) -> bool:  # noqa: ARG001 # as schemathesis calls it
    """Leave out that valid input was refused for the state of things (410, 412), or by what no JSON Schema can say.

    Such as which domains no e-mail can have, that a password is a common one, or which characters nobody can see:
    their errors have the type `value_error`, where all that a schema can say has a type of its own.
    """
    if type(failure).__name__ != "RejectedPositiveData" or response.status_code not in {410, 412, 422}:
        return True
    errors = response.json().get("errors", [])
    return response.status_code == 422 and any(error["type"] != "value_error" for error in errors)
