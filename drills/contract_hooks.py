"""Hooks of schemathesis for this API, loaded by SCHEMATHESIS_HOOKS: two users, what exists for them, expected failures.

Generated ids, tokens and cursors name nothing: they would all be answered 403, 404 or 422, and what is behind those
checks would not be tested. So most requests get ones that exist, when they are sent. Values that are meant to be
invalid stay.
"""

import json
import os
import random
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import schemathesis
from schemathesis import AuthContext, Case, CheckContext, Response
from schemathesis.core.parameters import ParameterLocation

from drills.contract_data import Existing, new_email
from tests.conftest import PASSWORD
from tests.support.operations import OPENAPI

USERS: dict[str, dict[str, Any]] = json.loads(os.environ["DRILL_USERS"])
"""By name (ada, bob): the `id`, `email`, `token`, `marker` and ids of `tasks`."""
ADA = Existing(os.environ["DRILL_BASE"], USERS["ada"], int(os.environ["DRILL_MAIL_PORT"]))
ANSWERS = Path(os.environ["DRILL_ANSWERS"])

IF_MATCH: str = next(
    parameter["schema"]["pattern"]
    for parameter in OPENAPI["paths"]["/api/{user_id}/tasks/{id}"]["put"]["parameters"]
    if parameter["name"] == "If-Match"
)
"""The pattern of its values."""
WORK_ON_TRASH = {"task_history", "restore_task"}
END_TOKENS = {"delete_me", "change_password", "sign_out_everywhere"}
CHANCE = random.Random(1)
SHARE = 0.85
"""Of the requests that get values that exist, where there is a choice."""


def _name(case: Case[Any]) -> str:
    return str(case.operation.definition.raw.get("operationId"))


@schemathesis.auth()
class Token:
    """Ada's token, except for operations that end it: those get the token of a new user."""

    def get(self, case: Case[Any], ctx: AuthContext) -> str:  # noqa: ARG002 # the signature is schemathesis'
        return str(USERS["ada"]["token"])

    def set(self, case: Case[Any], data: str, ctx: AuthContext) -> None:  # noqa: ARG002 # the signature is schemathesis'
        case.headers["Authorization"] = f"Bearer {ADA.token_of_new_user() if _name(case) in END_TOKENS else data}"


@schemathesis.hook
def before_call(context: Any, case: Case[Any], kwargs: dict[str, Any]) -> None:  # noqa: ARG001 # the signature is schemathesis'
    """Put values that exist into the request, where it is not meant to be invalid there."""

    def valid(place: ParameterLocation) -> bool:
        return not (case.meta and case.meta.is_negative_at(place))

    if case.path_parameters and valid(ParameterLocation.PATH):
        case.path_parameters = _path(case, {**case.path_parameters})
    if case.query and valid(ParameterLocation.QUERY):
        case.query = _query({**case.query})
    if case.headers and valid(ParameterLocation.HEADER):
        _set_headers(case)
    if _name(case) == "make_feed":
        ADA.make_room_for_feeds()
    if valid(ParameterLocation.BODY) and CHANCE.random() < SHARE:
        _set_body(case)


def _path(case: Case[Any], parameters: dict[str, Any]) -> dict[str, Any]:
    """Mostly ada's path and what exists there, sometimes bob's, sometimes the generated ones; ids of links stay."""
    if "user_id" in parameters:
        user = CHANCE.choices(["ada", "bob", None], [18, 1, 1])[0]
        parameters["user_id"] = USERS[user]["id"] if user else parameters["user_id"]
    if "id" in parameters and not ADA.knows(parameters["id"]):
        kind = next(
            (kind for kind in ("tokens", "sessions", "feeds", "agents") if f"/{kind}/" in case.operation.path), "tasks"
        )
        user = CHANCE.choices(["ada", "bob", None], [18, 1, 1])[0]
        if user:
            parameters["id"] = CHANCE.choice(ADA.ids(kind) if user == "ada" else USERS["bob"]["tasks"])
    if "secret" in parameters and CHANCE.random() < SHARE:
        parameters["secret"] = ADA.feed_secret()
    if "revision" in parameters and CHANCE.random() < SHARE:
        parameters["revision"] = str(ADA.revision())
    return parameters


def _query(query: dict[str, Any]) -> dict[str, Any]:
    if CHANCE.random() < SHARE:
        if "cursor" in query:
            query["cursor"] = ADA.cursor()
        if "since" in query:
            query["since"] = CHANCE.randint(0, 20)
        query |= {name: value for name, value in VALID_QUERY.items() if name in query}
        for one, *others in EXCLUDING:
            if one in query:
                query = {name: value for name, value in query.items() if name not in others}
        if query.get("sort") in {"relevance", "-relevance"}:
            query["search"] = "task"
    return query


VALID_QUERY = {
    "time_zone": "Europe/Berlin",
    "due_before": "2027-03-02",
    "due_after": "2027-03-01T09:00",
    "reminders_from": "2027-03-01T00:00:00Z",
    "reminders_to": "2027-03-02T00:00:00Z",
    "search": "task",
    "tag": "home",
    "page": 1,
}
"""As VALID, for the query."""
EXCLUDING = [
    ("limit", "page", "offset", "skip", "cursor"),
    ("page", "offset", "skip", "cursor"),
    ("offset", "skip", "cursor"),
    ("skip", "cursor"),
    ("search", "q"),
    ("tag", "tags"),
    ("status", "status_filter", "completed", "is_completed"),
    ("status_filter", "completed", "is_completed"),
    ("completed", "is_completed"),
    ("sort", "sort_by", "sort_order", "order"),
    ("sort_by", "order"),
]
"""Parameters that mean the same, or exclude each other: with the first of each the others are left out."""


def _set_headers(case: Case[Any]) -> None:
    """Tags that match, and a key of its own for each request, since the same key is another request's."""
    for name, value in (("If-Match", "*"), ("Idempotency-Key", uuid4().hex)):
        if name in case.headers and CHANCE.random() < SHARE:
            case.headers[name] = value


def _set_body(case: Case[Any]) -> None:
    """Accounts, passwords and refresh tokens that exist, and addresses that are free."""
    name = _name(case)
    if name == "make_api_token":
        ADA.make_room_for_api_tokens()
    if name == "refresh":
        case.body = {"refresh": "body", "refresh_token": ADA.refresh_token()}
        case.media_type = "application/json"
    if not isinstance(case.body, dict):
        return
    match name:
        case "sign_up":
            case.body = {**case.body, "email": new_email()}
        case "sign_in":
            case.body = {**case.body, "email": ADA.email, "password": PASSWORD}
        case "reset_password" | "confirm_email":
            case.body = {**case.body, "token": ADA.link_token(name)}
        case "change_email":
            case.body = {"email": new_email(), "password": PASSWORD}
        case "change_password":
            case.body = {**case.body, "current": PASSWORD}
        case "create_task" if "id" in case.body:
            case.body = {**case.body, "id": str(uuid4())}
        case "make_api_token" if case.body.get("expires_at"):
            case.body = {**case.body, "expires_at": "2199-01-01T00:00:00Z"}
        case "run_batch":
            operations = case.body.get("operations")
            if isinstance(operations, list):
                case.body = {**case.body, "operations": [_operation(each) for each in operations]}
        case "rename_tags" if case.body.get("rename"):
            case.body = {"rename": {ADA.tag(): "home"}}
        case "move_task" if case.body.get("after"):
            case.body = {**case.body, "after": CHANCE.choice(ADA.ids("tasks"))}
    if name in WRITE_TASKS:
        case.body = _with_valid_times(case.body)


WRITE_TASKS = {"create_task", "update_task", "patch_task", "quick_add_task"}
VALID = {
    "due_date": "2027-03-01T09:00",
    "time_zone": "Europe/Berlin",
    "recurrence": "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO",
    "remind_at": "2027-03-01T07:30:00Z",
}
"""For fields whose values follow rules that a schema cannot express: years, names of zones, rules that can match."""


def _with_valid_times(body: dict[str, Any]) -> dict[str, Any]:
    return body | {name: value for name, value in VALID.items() if body.get(name) is not None}


def _operation(operation: Any) -> Any:
    """An operation of a batch on tasks that exist, without a revision; a creation with an id of its own."""
    if not isinstance(operation, dict):
        return operation
    changed = {name: value for name, value in operation.items() if name != "revision"}
    if isinstance(changed.get("task"), dict):
        changed["task"] = _with_valid_times({name: each for name, each in changed["task"].items() if name != "id"})
    for name in ("id", "after"):
        if changed.get(name) is not None:
            changed[name] = CHANCE.choice(ADA.ids("tasks"))
    return changed


def _kind(case: Case[Any]) -> tuple[str, str]:
    """The phase, and whether the request is meant to be valid: positive or negative."""
    return (case.meta.phase.name.value, case.meta.generation.mode.value) if case.meta else ("stateful", "positive")


@schemathesis.hook
def after_call(context: Any, case: Case[Any], response: Response) -> None:  # noqa: ARG001 # the signature is schemathesis'
    """Count the answer, and follow what the request did. Checks send requests without the token: they do not count."""
    sent = response.request.headers.get("Authorization")
    if case.operation.definition.raw.get("security") and sent != case.headers.get("Authorization"):
        return
    name, status = _name(case), response.status_code
    with ANSWERS.open("a") as answers:
        print(name, status, *_kind(case), file=answers)
    is_json = any(each.startswith("application/json") for each in response.headers.get("content-type", []))
    body = response.json() if status < 300 and is_json and response.content else None
    ADA.observe(name, (case.path_parameters or {}).get("id"), status, body)


@schemathesis.check
def each_sees_only_their_own(ctx: CheckContext, response: Response, case: Case[Any]) -> None:  # noqa: ARG001 # the signature is schemathesis'
    """Ada is refused on the paths of other users, and never reads bob's data."""
    assert USERS["bob"]["marker"] not in response.text, "ada received bob's data"
    user_id = (case.path_parameters or {}).get("user_id")
    if user_id is not None and user_id != USERS["ada"]["id"]:
        assert response.status_code >= 400, f"ada was not refused as {user_id!r}"


LITERALS = ("/tasks/batch", "/tasks/quick")
OF_STATE = {"value_error", "not_found", "id_taken", "id_in_trash", "outdated", "too_many_tasks"}


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Case[Any], response: Response) -> bool:  # noqa: ARG001 # the signature is schemathesis'
    """Leave out failures that are correct behaviour here. It returns False for those.

    - Invalid input is refused with 413 when it is too large. A body of white space, or null, counts as no body.
    - A partial import leaves out what is invalid, and reports it.
    - A task in the trash still has a history and can be restored.
    - Input that counts as valid, but has an If-Match that its own pattern refuses (schemathesis 4.32, "coverage").
    - `batch` and `quick` are also read as the id of a task, which names none, by other methods.
    - Valid input is refused because of the current state (410, 412, or a task in the body that there is not), or by a
      rule that JSON Schema cannot express:
      the domain of an e-mail, a common password, an invisible character. These errors have the type `value_error`;
      errors that a schema can express have other types.
    """
    kind, status = type(failure).__name__, response.status_code
    headers: Any = case.headers or {}
    if kind == "AcceptedNegativeData":
        if _name(case) == "import_tasks" and "partial=true" in str(response.request.url):
            return False
        return status != 413 and case.body is not None and not (isinstance(case.body, bytes) and not case.body.strip())
    if kind == "UseAfterFree":
        return _name(case) not in WORK_ON_TRASH
    if kind == "RejectedPositiveData" and not re.search(IF_MATCH, headers.get("If-Match", "*")):
        return False
    if kind in {"UnsupportedMethodResponse", "AllowHeaderMismatch"} and case.operation.path.endswith(LITERALS):
        return False
    if kind == "RejectedPositiveData" and status == 422:
        return any(error["type"] not in OF_STATE for error in response.json()["errors"])
    return kind != "RejectedPositiveData" or status not in {410, 412}
