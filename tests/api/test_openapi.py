"""The OpenAPI document: complete, equal to its export, and shown without any other host."""

import re
from pathlib import Path

import httpx
import pytest
import yaml
from fastapi import FastAPI
from pydantic import TypeAdapter

from tests.conftest import Person
from tests.support.operations import OPENAPI, OPERATIONS, Operation
from todo.api.openapi.document import as_yaml
from todo.app import create_app
from todo.settings import Settings

pytestmark = pytest.mark.anyio

SIX = {
    ("get", "/api/{user_id}/tasks"),
    ("post", "/api/{user_id}/tasks"),
    ("get", "/api/{user_id}/tasks/{id}"),
    ("put", "/api/{user_id}/tasks/{id}"),
    ("delete", "/api/{user_id}/tasks/{id}"),
    ("patch", "/api/{user_id}/tasks/{id}/complete"),
}


def test_the_exported_contract_is_up_to_date(root: Path) -> None:
    exported = (root / "contracts" / "task-api.yaml").read_text()

    assert exported == as_yaml(create_app(Settings())), "run `make contract`"


async def test_the_served_document_is_the_exported_one(client: httpx.AsyncClient, root: Path) -> None:
    served = (await client.get("/openapi.json")).json()

    assert served == yaml.safe_load((root / "contracts" / "task-api.yaml").read_text())


def test_the_paths_of_the_six_endpoints_have_no_other_methods_but_patch() -> None:
    paths = {path for _, path in SIX}
    assert {(each.method, each.path) for each in OPERATIONS if each.path in paths} == {
        *SIX,
        ("patch", "/api/{user_id}/tasks/{id}"),  # does what PUT does
    }


def test_the_other_endpoints_under_a_user_are_these() -> None:
    assert {(each.method, each.path) for each in OPERATIONS if each.path.startswith("/api/{user_id}")} - SIX == {
        ("patch", "/api/{user_id}/tasks/{id}"),
        ("post", "/api/{user_id}/tasks/quick"),
        ("post", "/api/{user_id}/tasks/{id}/move"),
        ("post", "/api/{user_id}/tasks/batch"),
        ("get", "/api/{user_id}/tags"),
        ("patch", "/api/{user_id}/tags"),
        ("delete", "/api/{user_id}/tags/{tag}"),
        ("post", "/api/{user_id}/tasks/{id}/restore"),
        ("get", "/api/{user_id}/tasks/{id}/history"),
        ("get", "/api/{user_id}/summary"),
        ("get", "/api/{user_id}/changes"),
        ("get", "/api/{user_id}/changes/stream"),
        ("post", "/api/{user_id}/changes/{revision}/undo"),
        ("post", "/api/{user_id}/import"),
        ("get", "/api/{user_id}/export"),
        ("get", "/api/{user_id}/feeds"),
        ("post", "/api/{user_id}/feeds"),
        ("delete", "/api/{user_id}/feeds/{id}"),
        ("get", "/api/{user_id}/agents"),
        ("get", "/api/{user_id}/agents/{id}/changes"),
        ("post", "/api/{user_id}/agents/{id}/undo"),
    }


EXPORTED = {"application/json", "text/csv", "text/calendar", "text/plain", "text/markdown"}


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
class TestEveryOperation:
    def test_it_has_a_tag_a_summary_and_an_id(self, operation: Operation) -> None:
        assert operation.says["tags"]
        assert re.match(r"[A-Z].{5,}[^.]$", operation.says["summary"])
        assert re.fullmatch(r"[a-z_]+", operation.says["operationId"])

    def test_it_describes_every_parameter(self, operation: Operation) -> None:
        assert operation.parameters("path") == re.findall(r"{(\w+)}", operation.path)
        for parameter in operation.says.get("parameters", []):
            assert len(parameter["description"]) > 10, parameter["name"]

    def test_it_shows_an_example_of_each_body(self, operation: Operation) -> None:
        if "requestBody" in operation.says:
            assert operation.says["requestBody"]["content"]["application/json"]["examples"]
        for status, response in operation.says["responses"].items():
            if status in {"204", "304"}:
                assert "content" not in response
                continue
            others = {"stream_changes": {"text/event-stream"}, "read_feed": {"text/calendar"}, "export_tasks": EXPORTED}
            success = others.get(operation.says["operationId"], {"application/json"})
            assert {*response["content"]} == (success if status < "300" else {"application/problem+json"})
            assert all("example" in content for content in response["content"].values()), status

    def test_it_names_every_error(self, operation: Operation) -> None:
        expected = {"500"} if operation.path in {"/health", "/health/live"} else {"500", "503"}
        if operation.says.get("security"):
            expected |= {"401", "403", "422", "429"}  # 422: a filter that is not served
        if operation.path.startswith("/api/{user_id}"):
            expected |= {"403", "404"}  # 404: a user id that cannot stand in a path
        if "{id}" in operation.path:
            expected |= {"404"}
        takes_a_file = operation.says["operationId"] == "import_tasks"  # of any type, and twice is once
        if operation.path.startswith("/api/{user_id}") and operation.method != "get" and not takes_a_file:
            assert "Idempotency-Key" in operation.parameters("header")
            expected |= {"400", "410", "413", "422"}
        if "If-Match" in operation.parameters("header"):
            expected |= {"400", "412"}
        if "requestBody" in operation.says:
            expected |= {"413", "422"} if takes_a_file else {"413", "415", "422"}
        if operation.parameters("query"):
            expected |= {"422"}
        expected |= {
            "create_task": {"409"},
            "quick_add_task": {"409"},
            "update_task": {"409"},  # no room for the next task
            "patch_task": {"409"},
            "complete_task": {"409"},
            **{name: {"400"} for name in ("health", "live", "ready", "public_keys")},  # as any: without one valid Host
            "list_changes": {"410"},
            "stream_changes": {"410"},
            "undo_change": {"409"},
            "rename_tags": {"409"},
            "remove_tag": {"409"},
            "sign_up": {"409", "429"},
            "sign_in": {"401", "429"},
            "refresh": {"401", "403"},
            "sign_out": {"403"},
            "make_api_token": {"409"},
            "import_tasks": {"409"},
            "make_feed": {"409"},
            "read_feed": {"404", "429"},
            "forgot_password": {"404", "429"},
            "reset_password": {"410", "429"},
            "confirm_email": {"409", "410"},
            "send_confirmation": {"404", "409"},
            "change_email": {"404"},
        }.get(operation.says["operationId"], set())

        assert {status for status in operation.says["responses"] if status >= "400"} == expected


class TestGenerators:
    """What generators of clients and Redocly's linter trip over. Seen with openapi-python-client 0.29 (a call
    without a body failed on a body that may be null), openapi-typescript 7 (a field with a default is required) and
    Redocly 2 (`security` and `servers` are missing)."""

    def test_a_body_is_one_named_shape_and_says_whether_it_is_required(self) -> None:
        bodies = {each.says["operationId"]: each.says["requestBody"] for each in OPERATIONS if each.body is not None}
        for name, body in bodies.items():
            assert [*body["content"]["application/json"]["schema"]] == ["$ref"], name
        assert {name for name, body in bodies.items() if not body["required"]} == {
            *("complete_task", "refresh", "sign_out", "undo_agent")
        }

    def test_a_shape_that_is_sent_has_no_defaults(self) -> None:
        sent = {each.body["$ref"].rpartition("/")[2] for each in OPERATIONS if each.body is not None}
        assert {"NewTask", "TaskEdit", "Completion", "SignUp", "RefreshRequest", "NewApiToken"} <= sent
        for name in sent:
            for field, described in OPENAPI["components"]["schemas"][name]["properties"].items():
                assert "default" not in described, f"{name}.{field}"

    def test_a_field_with_a_default_in_an_answer_is_always_there(self) -> None:
        for name, schema in OPENAPI["components"]["schemas"].items():
            for field, described in schema["properties"].items():
                assert "default" not in described or "const" in described, f"{name}.{field}"

    def test_no_shape_has_a_field_of_its_own_name(self) -> None:
        """openapi-python-client 0.29 gives the class and the field one variable, and mypy refuses the result."""
        for name, schema in OPENAPI["components"]["schemas"].items():
            assert re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() not in schema["properties"], name

    def test_every_operation_says_whether_it_needs_a_token(self) -> None:
        assert all("security" in each.says for each in OPERATIONS)
        public = {each.says["operationId"] for each in OPERATIONS if each.says["security"] == []}
        assert public == {
            *("sign_up", "sign_in", "refresh", "sign_out", "public_keys", "health", "live", "ready"),
            *("forgot_password", "reset_password", "confirm_email"),
            "read_feed",
        }

    def test_there_is_a_server(self) -> None:
        assert OPENAPI["servers"][0]["url"]

    @pytest.mark.parametrize("content", [b"", b"{}", b"null", b" "])
    async def test_a_body_that_may_be_missing_may_be_null_too(self, ada: Person, content: bytes) -> None:
        """As some clients send none."""
        task = await ada.create()
        headers = {"Content-Type": "application/json"}

        toggled = await ada.toggle(task["id"], content=content, headers=headers)
        signed_out = await ada.client.post("/api/auth/signout", content=content, headers=headers)

        assert (toggled.status_code, toggled.json()["completed"]) == (200, True)
        assert signed_out.status_code == 204


def test_every_field_of_every_schema_is_described() -> None:
    for name, schema in OPENAPI["components"]["schemas"].items():
        assert schema.get("description"), name
        for field, described in schema["properties"].items():
            assert described.get("description"), f"{name}.{field}"


@pytest.mark.parametrize("field", ["NewTask.title", "TaskEdit.title", "NewApiToken.name"])
async def test_the_pattern_of_a_trimmed_field_refuses_blanks_as_the_server_does(ada: Person, field: str) -> None:
    shape, _, name = field.partition(".")
    pattern = OPENAPI["components"]["schemas"][shape]["properties"][name]["pattern"]
    path = {"NewApiToken": "/api/auth/tokens", "NewTask": ada.tasks}.get(
        shape
    ) or f"{ada.tasks}/{(await ada.create())['id']}"
    for value, fits in (("\r", False), (" \u2003\u00a0\t", False), (" x ", True)):
        response = await ada.call("PUT" if shape == "TaskEdit" else "POST", path, json={name: value})

        assert bool(re.search(pattern, value)) is fits
        assert response.status_code == (422 if not fits else 200 if shape == "TaskEdit" else 201)


async def test_a_returned_task_matches_its_schema(ada: Person) -> None:
    from todo.tasks.shapes import TaskOut

    task = await ada.create(description="x", completed=True)

    schema = OPENAPI["components"]["schemas"]["TaskOut"]
    assert set(schema["required"]) == set(schema["properties"]) == set(task)
    TypeAdapter(TaskOut).validate_json((await ada.get(task["id"])).text)


def test_conditional_headers_are_described() -> None:
    takes = {each.says["operationId"]: set(each.parameters("header")) for each in OPERATIONS}
    assert {name for name, headers in takes.items() if "If-Match" in headers} == {
        *("update_task", "patch_task", "delete_task", "complete_task", "restore_task", "move_task", "undo_change")
    }
    assert {name for name, headers in takes.items() if "If-None-Match" in headers} == {
        "list_tasks",
        "read_task",
        "list_tags",
        "read_feed",
    }
    assert takes["stream_changes"] == {"Last-Event-ID"}


class TestDocs:
    async def test_the_docs_page_loads_nothing_from_other_hosts(self, client: httpx.AsyncClient) -> None:
        page = await client.get("/docs")

        assert page.status_code == 200
        sources = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert sources
        for source in [*sources, *re.findall(r"url: '([^']+)'", page.text)]:
            assert source.startswith("/"), source
            assert (await client.get(source)).status_code == 200, source


async def test_health_needs_no_token(client: httpx.AsyncClient, app: FastAPI) -> None:
    assert (await client.get("/health/live")).json() == {"status": "ok"}
    ready = await client.get("/health/ready")
    assert ready.status_code == 200
    assert ready.json()["status"] == "ready"
    assert ready.json()["last_contact"].endswith("Z")
    assert not app.state.resources.database.failing


def test_the_names_of_times_end_in_at() -> None:
    """As `todo.http.json.encode` wants it, but for due dates, which are text, and what is only sent to it."""
    named = [
        name
        for schema in OPENAPI["components"]["schemas"].values()
        for name, field in schema.get("properties", {}).items()
        if "date-time" in {each.get("format") for each in field.get("anyOf", [field])}
    ]
    assert named
    assert {name for name in named if not name.endswith("at")} == {"due_date", "since"}
