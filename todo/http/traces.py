"""Traces by OpenTelemetry, where OTEL_EXPORTER_OTLP_ENDPOINT (or …_TRACES_ENDPOINT) is set.

The variables are OpenTelemetry's own, which its SDK reads: endpoint, headers, sampler, resource attributes. Spans are
made when a request is over, with the times that its record has: FastAPI's own telemetry would begin them in a
middleware that the fast routes do not pass (docs/decisions/0037). A span has no path, no query and no address of a
client, since these hold ids and secrets (HTTP semantic conventions of OpenTelemetry, "HTTP server span").
"""

import importlib.util
import logging
import os
import time
from collections.abc import Mapping

from todo.metrics.counts import OTHER
from todo.observation import RequestRecord

log = logging.getLogger("todo")

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
NAMES = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


def wanted(environ: Mapping[str, str]) -> bool:
    """Whether traces are to be made."""
    off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none"
    return any(environ.get(name) for name in ENDPOINTS) and not off


def warning_of(environ: Mapping[str, str]) -> str | None:
    """Why traces are wanted and cannot be made, in a line, or None."""
    if not wanted(environ):
        return None
    protocol = next((environ[name] for name in PROTOCOLS if environ.get(name)), "http/protobuf")
    if protocol != "http/protobuf":
        return "OTEL_EXPORTER_OTLP_PROTOCOL: no traces are sent: only http/protobuf is spoken here"
    if not _installed():
        return "OTEL_EXPORTER_OTLP_ENDPOINT: no traces are sent: install todo-task-api with the extra otel"
    return None


def _installed() -> bool:
    try:
        return all(importlib.util.find_spec(name) for name in NAMES)
    except ModuleNotFoundError:
        return False


class Traces:
    """Makes spans and sends them, in a thread of its own; a full queue (OTEL_BSP_MAX_QUEUE_SIZE) drops them."""

    def __init__(self, version: str) -> None:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        named = "OTEL_SERVICE_NAME" in os.environ or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
        resource = Resource.create({"service.version": version} | ({} if named else {"service.name": "todo"}))
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("todo", version)
        self._extract = TraceContextTextMapPropagator().extract
        self._trace = trace

    @classmethod
    def of(cls, environ: Mapping[str, str], version: str) -> "Traces | None":
        """Traces where they are wanted and can be made. `warning_of` says why not."""
        return cls(version) if wanted(environ) and warning_of(environ) is None else None

    def request(self, record: RequestRecord) -> str:
        """A span of the server, and one below it for each round trip to the database; the id of the trace."""
        trace, status, ended, method = self._trace, record.status, record.ended, record.method
        context = self._extract(record.trace_context) if record.trace_context else None
        now = time.time_ns() - int((time.perf_counter() - ended) * 1e9)
        attributes: dict[str, str | int | list[str]] = {"http.request.method": method, "url.scheme": record.scheme}
        if record.route:
            attributes["http.route"] = record.route
        if status:
            attributes["http.response.status_code"] = status
        if record.request_id:
            attributes["http.request.header.x-request-id"] = [record.request_id]
        if status >= 500 or not status:
            attributes["error.type"] = str(status) if status else OTHER
        span = self._tracer.start_span(
            f"{method} {record.route}" if record.route else method,
            context=context,
            kind=trace.SpanKind.SERVER,
            attributes=attributes,
            start_time=now - int((ended - record.began) * 1e9),
        )
        if span.is_recording():
            if status >= 500:
                span.set_status(trace.StatusCode.ERROR)
            inside = trace.set_span_in_context(span)
            for first, last in record.times or ():
                child = self._tracer.start_span(
                    "database",
                    context=inside,
                    kind=trace.SpanKind.CLIENT,
                    attributes={"db.system.name": "postgresql"},
                    start_time=now - int((ended - first) * 1e9),
                )
                child.end(now - int((ended - last) * 1e9))
        span.end(now)
        return f"{span.get_span_context().trace_id:032x}"

    def close(self) -> None:
        """Send what waits; it blocks, for OTEL_EXPORTER_OTLP_TIMEOUT (10 seconds) at most."""
        self._provider.shutdown()
