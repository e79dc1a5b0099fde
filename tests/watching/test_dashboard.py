"""The dashboard and the alerts ask for what a running server shows: each name and label, and in a real Prometheus."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.support.processes import Server, created, free_port, serving, signed_up
from tests.support.scrape import Samples, scraped, wait_for

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "todo.json").read_text())

OF_PROMETHEUS = {"up", "job", "instance"}
"""A metric and labels that Prometheus adds to what it scrapes."""

WORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "vector"}
SELECTOR = re.compile(r"([a-z_]\w*)\s*(\{[^}]*\})?(?!\w)(?!\s*\()")
GROUPING = re.compile(r"\b(?:by|without)\s*\(([^)]*)\)")


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def queries() -> list[tuple[str, str]]:
    """Every expression of both files, by where it stands."""
    shown = [(panel["title"], target["expr"]) for panel in panels() for target in panel["targets"]]
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    return shown + [(rule["alert"], rule["expr"]) for rule in rules]


def asked_for(expression: str) -> tuple[dict[str, set[str]], set[str]]:
    """The metrics of an expression with the labels that select them, and the labels that it groups by."""
    grouped = {label.strip() for found in GROUPING.findall(expression) for label in found.split(",")}
    rest = re.sub(r"\[[^\]]*\]", "", GROUPING.sub("", expression))
    metrics: dict[str, set[str]] = {}
    for name, selector in SELECTOR.findall(rest):
        if name not in WORDS:
            labels = re.findall(r'([a-z_]\w*)\s*(?:=~|!~|!=|=)\s*"', selector)
            metrics.setdefault(name, set()).update(labels)
    return metrics, grouped


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[tuple[Server, int]]:
    """A server that has had some traffic, and the port of its metrics."""
    port = free_port()
    with serving(tmp_path_factory.mktemp("watched"), database_url=database_url, metrics_port=port) as server:
        traffic(server)
        wait_for(port, lambda now: any(name == "todo_request_duration_seconds_bucket" for name, _ in now))
        yield server, port


def traffic(server: Server) -> None:
    tasks, token = signed_up(server, f"watched-{time.monotonic_ns()}@example.com")
    created(server, tasks, token, 3)
    server.http.get(f"{tasks}/x", headers=token)


def labels_of(samples: Samples, name: str) -> set[str]:
    return {label for found, labels in samples if found == name for label, _ in labels}


def test_expressions_are_understood() -> None:
    asked = 'sum by (le, kind) (rate(todo_a_bucket{x="1", y=~"a|b"}[5m])) / todo_b > 3 and up{job="x"} == 0'
    assert asked_for(asked) == ({"todo_a_bucket": {"x", "y"}, "todo_b": set(), "up": {"job"}}, {"le", "kind"})


@pytest.mark.parametrize(("place", "expression"), queries(), ids=[place for place, _ in queries()])
def test_each_query_asks_for_what_is_there(watched: tuple[Server, int], place: str, expression: str) -> None:
    samples = scraped(watched[1])
    names = {name for name, _ in samples} | OF_PROMETHEUS
    metrics, grouped = asked_for(expression)

    assert metrics, place
    assert metrics.keys() <= names
    known: set[str] = set(OF_PROMETHEUS)
    for name, labels in metrics.items():
        assert labels <= labels_of(samples, name) | OF_PROMETHEUS, name
        known |= labels_of(samples, name)
    assert grouped <= known


def test_legends_and_variables_use_labels_that_are_there() -> None:
    for panel in panels():
        for target in panel["targets"]:
            _, grouped = asked_for(target["expr"])
            assert {*re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])} <= grouped, panel["title"]
    variables = {each["name"] for each in DASHBOARD["templating"]["list"]}
    used = {*re.findall(r"\$\{?(\w+)", json.dumps(DASHBOARD["panels"]))} - {"__rate_interval"}
    assert used == variables
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len({*ids}) == len(ids)


def test_every_metric_of_ours_is_on_the_dashboard(watched: tuple[Server, int]) -> None:
    shown = {name for _, expression in queries() for name in asked_for(expression)[0]}
    families = {re.sub(r"_(?:bucket|sum|count)$", "", name) for name, _ in scraped(watched[1])}
    assert {name for name in families if name.startswith("todo_")} <= {
        re.sub(r"_(?:bucket|sum|count)$", "", name) for name in shown
    }


def needs(program: str) -> pytest.MarkDecorator:
    missing = shutil.which(program) is None and not os.environ.get("REQUIRE_PROMETHEUS")
    return pytest.mark.skipif(missing, reason=f"{program} is not installed (apt-get install prometheus)")


@needs("promtool")
def test_promtool_finds_the_rules_right() -> None:
    done = subprocess.run(["promtool", "check", "rules", ALERTS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(queries()) - sum(len(panel['targets']) for panel in panels())} rules found" in done.stdout


@needs("prometheus")
def test_prometheus_answers_every_query_and_fires_no_alert(watched: tuple[Server, int], tmp_path: Path) -> None:
    server, metrics_port = watched
    job = {"job_name": "todo", "static_configs": [{"targets": [f"127.0.0.1:{metrics_port}"]}]}
    configuration = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [str(ALERTS)]}
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(configuration | {"scrape_configs": [job]}))
    port = free_port()
    command = [
        "prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as prometheus:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=20) as http:
                deadline = time.monotonic() + 60
                while len(result(http, "todo_requests_total[1m]", deadline)) < 3 or not enough(http, deadline):
                    traffic(server)
                    assert time.monotonic() < deadline
                    time.sleep(0.5)
                for place, expression in queries():
                    filled = re.sub(r"\$__rate_interval|1h|5m", "1m", expression)
                    filled = filled.replace("$job", "todo").replace("$instance", ".*")
                    found = result(http, filled, deadline)
                    assert (
                        found or "> " in expression or "< " in expression or "== 0" in expression or "5xx" in expression
                    ), place
                assert http.get("/alerts").json()["data"]["alerts"] == []
                groups = http.get("/rules").json()["data"]["groups"]
                assert {rule["health"] for group in groups for rule in group["rules"]} == {"ok"}
        finally:
            prometheus.send_signal(signal.SIGTERM)
            prometheus.communicate(timeout=30)


def result(http: httpx.Client, query: str, deadline: float) -> list[Any]:
    """What Prometheus finds. Waits for it to start."""
    while True:
        try:
            answer = http.get("/query", params={"query": query}).json()
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
            continue
        if answer["status"] == "success":
            found: list[Any] = answer["data"]["result"]
            return found
        assert answer["errorType"] == "unavailable", answer
        assert time.monotonic() < deadline
        time.sleep(0.1)


def enough(http: httpx.Client, deadline: float) -> bool:
    """Whether there are rates of everything."""
    return bool(result(http, 'rate(todo_requests_total{status="2xx"}[1m]) > 0', deadline))
