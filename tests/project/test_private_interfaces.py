"""What the code uses of its dependencies beyond their public interfaces (docs/decisions/0018).

Each test says which interface an upgrade took away, and where it is used.
"""

import inspect
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

BOUNDED = ("fastapi", "httptools", "limits", "psycopg", "sqlalchemy", "sqlmodel", "starlette", "uvicorn")


def test_what_is_used_privately_has_an_upper_bound(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    requirements = {each.name: each for each in map(Requirement, project["dependencies"])}
    for name in BOUNDED:
        assert any(each.operator == "<" for each in requirements[name].specifier), name


def has(thing: Any, *names: str, used_in: str) -> None:
    missing = [name for name in names if not hasattr(thing, name)]
    assert not missing, f"{thing!r} has no {missing} any more: see {used_in}"


def test_uvicorn_makes_its_http_protocol_as_before() -> None:
    """`uvicorn.run(http=ClientConnection)`: how the class is called, and what it uses of the server's state."""
    from uvicorn.config import Config
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    from uvicorn.server import Server, ServerState

    used_in = "todo/http/connection.py"
    assert list(inspect.signature(HttpToolsProtocol.__init__).parameters)[1:] == [
        "config", "server_state", "app_state", "_loop",
    ], used_in  # fmt: skip
    has(ServerState(), "connections", "tasks", "default_headers", "total_requests", used_in=used_in)
    config = Config("todo.app:from_environment", factory=True)
    has(config, "loaded", "load", "root_path", "timeout_keep_alive", used_in=used_in)
    assert "loaded_app" in inspect.getsource(Config.load), used_in
    assert "connection.shutdown()" in inspect.getsource(Server.shutdown), used_in


def test_uvicorn_serves_sockets_that_are_given() -> None:
    from uvicorn.server import Server
    from uvicorn.supervisors import Multiprocess

    used_in = "todo/cli/server/serve.py"
    assert list(inspect.signature(Multiprocess.__init__).parameters)[1:] == ["config", "sockets"], used_in
    assert "sockets" in inspect.signature(Server.run).parameters, used_in
    has(Multiprocess, "run", used_in=used_in)


def test_uvicorns_parent_handles_the_signals_of_a_table() -> None:
    import signal

    from uvicorn.supervisors import multiprocess

    used_in = "todo/http/shutdown.py"
    assert signal.SIGHUP in multiprocess.SIGNALS, used_in
    assert "for sig in SIGNALS" in inspect.getsource(multiprocess.Multiprocess.__init__), used_in


def test_psycopg_adapts_values_and_names_errors_as_before() -> None:
    from psycopg import AsyncConnection
    from psycopg.adapt import Transformer
    from psycopg.errors import error_from_result

    used_in = "todo/db/pipeline.py"
    has(Transformer, "dump_sequence", "types", "formats", "set_pgresult", "load_rows", used_in=used_in)
    assert next(iter(inspect.signature(error_from_result).parameters)) == "result", used_in
    has(AsyncConnection, "wait", "prepare_threshold", used_in=used_in)
    has(
        __import__("psycopg.pq", fromlist=["PGconn"]).PGconn,
        *("enter_pipeline_mode", "exit_pipeline_mode", "pipeline_sync", "send_prepare", "send_query_prepared"),
        *("send_query_params", "flush", "consume_input", "is_busy", "get_result", "socket", "finish"),
        used_in=used_in,
    )


def test_fastapi_has_the_parameter_classes_and_the_extension_point() -> None:
    from fastapi import FastAPI, params, sse
    from fastapi.routing import APIRoute

    has(params, "Path", "Query", "Header", "Body", "Form", "Depends", "Security", used_in="todo/http/endpoint.py")
    has(APIRoute, "get_route_handler", used_in="todo/api/route.py")
    has(sse, "format_sse_event", used_in="todo/changes/stream.py")
    has(FastAPI(), "exception_handlers", used_in="todo/http/errors.py")
    assert "telemetry" in inspect.signature(FastAPI.__init__).parameters, "todo/app.py"


def test_starlettes_responses_have_raw_headers() -> None:
    from starlette.responses import Response

    assert isinstance(Response().raw_headers, list), "todo/http/middleware/edge.py, todo/http/responses.py"


def test_sqlalchemy_compiles_statements_as_before() -> None:
    from sqlalchemy import bindparam, select

    from todo.db.statement import PSYCOPG

    compiled = select(bindparam("x")).compile(dialect=PSYCOPG)
    has(
        compiled,
        *("bind_names", "positiontup", "prefetch", "literal_execute_params", "post_compile_params"),
        used_in="todo/db/statement.py",
    )


def test_limits_storages_are_extended_and_closed_as_before() -> None:
    from limits.aio.storage import RedisStorage, Storage

    used_in = "todo/http/rate_limit.py"
    assert Storage.__abstractmethods__ <= {
        "base_exceptions", "incr", "get", "get_expiry", "check", "reset", "clear",
    }, used_in  # fmt: skip
    redis = pytest.importorskip("redis", reason="the extra redis is not installed")
    assert redis
    storage = RedisStorage("async+redis://localhost:1", implementation="redispy")
    has(storage, "bridge", used_in=used_in)
    bridge: Any = storage.bridge
    has(bridge, "storage", used_in=used_in)
    has(bridge.storage, "aclose", used_in=used_in)


def test_httptools_says_where_another_protocol_begins() -> None:
    from httptools import HttpParserUpgrade, HttpRequestParser

    parser = HttpRequestParser(object())
    has(parser, "set_dangerous_leniencies", used_in="todo/http/request_parser.py")
    request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    with pytest.raises(HttpParserUpgrade) as upgrade:
        parser.feed_data(request + b"rest")
    assert upgrade.value.args[0] == len(request), "todo/http/request_parser.py: HttpParserUpgrade's offset"
