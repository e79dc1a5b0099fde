"""Traces: sent to a real OTLP receiver and decoded; nothing is imported where they are off."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from gzip import decompress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.support.logs import access_lines, log_lines
from tests.support.processes import Server, created, environment, serving, signed_up
from todo.http.traces import warning_of

pytestmark = pytest.mark.slow

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Receiver:
    """What a receiver of OTLP over HTTP was sent."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@contextmanager
def receiver() -> Iterator[Receiver]:
    received = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # http.server calls it so
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = decompress(body)
            assert self.path == "/v1/traces"
            received.headers.append({name.lower(): each for name, each in self.headers.items()})
            received.requests.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.end_headers()
            self.wfile.write(ExportTraceServiceResponse().SerializeToString())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        received.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield received
        http.shutdown()
        thread.join(10)


def attributes(span: Span) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value") for each in span.attributes}


def test_each_request_is_a_span_with_its_database_time(tmp_path: Path, database_url: str) -> None:
    with receiver() as received:
        otel = {
            "otel_exporter_otlp_endpoint": received.url,
            "otel_exporter_otlp_headers": "x-tenant=secret-K7",
            "otel_exporter_otlp_compression": "gzip",
            "otel_resource_attributes": "deployment.environment=test",
        }
        with serving(tmp_path, database_url=database_url, access_log="on", **otel) as server:
            tasks, token = signed_up(server, f"traced-{server.port}@example.com")
            [task] = created(server, tasks, token, 1)
            headers = token | {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-Id": "a-1"}
            before = time.time_ns()
            server.http.get(f"{tasks}/{task}?x=secret-K7", headers=headers)
            after = time.time_ns()
            server.http.get(f"{tasks}/secret-K7", headers=token | {"traceparent": "00-nonsense-K7"})
            unsampled = {"traceparent": f"00-{'1' * 32}-{PARENT}-00"}
            server.http.get("/health", headers=unsampled)
        assert received.requests  # what waited was sent at the end

    spans = received.spans
    [got] = [span for span in spans if span.trace_id.hex() == TRACE and span.kind == Span.SPAN_KIND_SERVER]
    assert got.name == "GET /api/{user_id}/tasks/{id}"
    assert got.parent_span_id.hex() == PARENT
    assert before <= got.start_time_unix_nano < got.end_time_unix_nano <= after
    found = attributes(got)
    assert found["http.request.method"] == "GET"
    assert found["http.route"] == "/api/{user_id}/tasks/{id}"
    assert found["http.response.status_code"] == 200
    [child] = [span for span in spans if span.parent_span_id == got.span_id]
    assert child.kind == Span.SPAN_KIND_CLIENT
    assert child.trace_id == got.trace_id
    assert got.start_time_unix_nano <= child.start_time_unix_nano < child.end_time_unix_nano <= got.end_time_unix_nano
    missing = [span for span in spans if attributes(span).get("http.response.status_code") == 404]
    assert len(missing) == 1
    assert not missing[0].parent_span_id  # a malformed traceparent begins a trace of its own
    assert not [span for span in spans if span.trace_id.hex() == "1" * 32]
    [line] = [each for each in access_lines(server.log) if each["request_id"] == "a-1"]
    assert line["trace_id"] == TRACE
    resource = {
        each.key: each.value.string_value for each in received.requests[0].resource_spans[0].resource.attributes
    }
    assert resource["service.name"] == "todo"
    assert resource["deployment.environment"] == "test"
    assert received.headers[0]["x-tenant"] == "secret-K7"
    sent = b"".join(request.SerializeToString() for request in received.requests)
    log = server.log.read_text()
    for secret in (tasks.split("/")[2], task, token["Authorization"].split()[1], "K7", "example.com"):
        assert secret.encode() not in sent
        assert secret not in log


def test_a_receiver_that_is_away_disturbs_nothing(tmp_path: Path, database_url: str) -> None:
    otel = {"otel_exporter_otlp_endpoint": "http://127.0.0.1:1", "otel_exporter_otlp_timeout": "1"}
    with serving(tmp_path, database_url=database_url, **otel) as server:
        tasks, token = signed_up(server, f"away-{server.port}@example.com")
        created(server, tasks, token, 3)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 20
    assert all(line["level"] for line in log_lines(server.log))


PROGRAM = """
import sys
import todo.app
app = todo.app.from_environment()
from todo.http.traces import Traces
assert Traces.of({}, "1") is None
print([name for name in sys.modules if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))])
"""


def test_nothing_is_imported_where_they_are_off(database_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment(database_url=database_url), capture_output=True, text=True,
        timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter")):  # FastAPI itself needs the API
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
sys.argv = ["todo", "serve"]
from todo.cli import app
app()
"""


def test_without_the_extra_one_line_says_so_and_the_server_serves(tmp_path: Path, database_url: str) -> None:
    class Without(Server):
        COMMAND = (sys.executable, "-c", WITHOUT)

    server = Without(tmp_path, database_url=database_url, otel_exporter_otlp_endpoint="http://127.0.0.1:1")
    try:
        server.ready()
    finally:
        server.stop()
    warnings = [line["event"] for line in log_lines(server.log) if line["level"] == "warning"]
    assert warnings == ["OTEL_EXPORTER_OTLP_ENDPOINT: no traces are sent: install todo-task-api with the extra otel"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x:4318"}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "http/protobuf"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, None),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "x",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
            },
            None,
        ),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "x",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                "OTEL_SDK_DISABLED": "true",
            },
            None,
        ),
    ],
)
def test_a_protocol_that_is_not_spoken_is_told(given: dict[str, str], told: str | None) -> None:
    warning = warning_of(given)
    assert (warning is None) if told is None else (warning is not None and told in warning)
