"""Metrics of real servers: what is counted, by which labels, of all workers, and whom they are shown to."""

import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from tests.support.processes import Server, created, free_port, run_command, serving, signed_up
from tests.support.scrape import scraped, value, wait_for
from todo.metrics.shared import FOLDER

pytestmark = pytest.mark.slow

TASKS = "/api/{user_id}/tasks"


@pytest.fixture(scope="module")
def metrics_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database_url: str, metrics_port: int) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("metrics")
    with serving(folder, database_url=database_url, metrics_port=metrics_port, rate_limit="6000/minute") as server:
        yield server


def test_nothing_is_counted_or_served_by_default(tmp_path: Path, database_url: str) -> None:
    with serving(tmp_path, database_url=database_url) as server:
        assert server.http.get("/metrics").status_code == 404
        process = psutil.Process(server.process.pid)
        ports = {each.laddr.port for each in process.net_connections() if each.status == psutil.CONN_LISTEN}
        assert ports == {server.port}


def test_the_page_is_on_its_own_port_and_address_alone(server: Server, metrics_port: int) -> None:
    assert server.http.get("/metrics").status_code == 404
    process = psutil.Process(server.process.pid)
    listening = {each.laddr for each in process.net_connections() if each.status == psutil.CONN_LISTEN}
    assert {each.ip for each in listening if each.port == metrics_port} == {"127.0.0.1"}
    page = httpx.get(f"http://127.0.0.1:{metrics_port}/metrics")
    assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert httpx.get(f"http://127.0.0.1:{metrics_port}/api/auth/me").status_code == 404
    openmetrics = {"Accept": "application/openmetrics-text; version=1.0.0"}
    page = httpx.get(f"http://127.0.0.1:{metrics_port}/metrics", headers=openmetrics)
    assert page.headers["content-type"].startswith("application/openmetrics-text")
    assert page.text.endswith("# EOF\n")


def test_requests_are_counted_by_route_method_and_class(server: Server, metrics_port: int) -> None:
    tasks, token = signed_up(server, f"counted-{server.port}@example.com")
    before = scraped(metrics_port)
    ids = created(server, tasks, token, 3)
    server.http.get(f"{tasks}/{ids[0]}", headers=token)
    server.http.get(f"{tasks}/x", headers=token)
    server.http.head(tasks, headers=token)
    server.http.get(tasks)

    def got(**labels: str) -> float:
        return value(after, "todo_requests_total", **labels) - value(before, "todo_requests_total", **labels)

    after = wait_for(metrics_port, lambda now: value(now, "todo_requests_total", route=TASKS, status="4xx") >= 1)
    assert got(route=TASKS, method="POST", status="2xx") == 3
    assert got(route=TASKS + "/{id}", method="GET", status="2xx") == 1
    assert got(route=TASKS + "/{id}", method="GET", status="4xx") == 1
    assert got(route=TASKS, method="HEAD", status="2xx") == 1
    assert got(route=TASKS, method="GET", status="4xx") == 1
    counts = {le: value(after, "todo_request_duration_seconds_bucket", route=TASKS, method="POST", le=le)
              for le in ("0.001", "0.1", "10.0", "+Inf")}  # fmt: skip
    assert counts["0.001"] <= counts["0.1"] <= counts["10.0"] <= counts["+Inf"]
    assert counts["+Inf"] == value(after, "todo_request_duration_seconds_count", route=TASKS, method="POST") >= 3
    assert 0 < value(after, "todo_request_duration_seconds_sum", route=TASKS, method="POST") < 60
    trips = "todo_database_round_trip_seconds_count"
    assert value(after, trips) - value(before, trips) >= 5
    assert value(after, "todo_workers") == value(after, "todo_workers_ready") == 1
    assert value(after, "process_cpu_seconds_total") > 0
    assert value(after, "process_resident_memory_bytes") > 1e7


def test_labels_are_bounded_and_hold_nothing_of_a_client(server: Server, metrics_port: int) -> None:
    tasks, token = signed_up(server, f"labels-{server.port}@example.com")
    user_id = tasks.split("/")[2]
    before = value(scraped(metrics_port), "todo_requests_total", route="unmatched")
    for number in range(200):
        server.http.get(f"/secret-{number}", headers=token)
    for number in range(50):
        server.http.get(f"{tasks}/{number}", headers=token)
        server.http.get(f"/page/version-{number}/file-{number}.js")
        server.http.get(f"/docs/assets/{number}.css")
    for method in ("PROPFIND", "REPORT", "MKCOL", "LOCK"):
        server.http.request(method, "/secret-method")
    samples = wait_for(
        metrics_port, lambda now: value(now, "todo_requests_total", route="unmatched", method="other") >= 4
    )
    assert value(samples, "todo_requests_total", route="unmatched") - before >= 204
    routes = {dict(labels).get("route", "") for _, labels in samples}
    methods = {dict(labels).get("method", "") for _, labels in samples}
    assert {"/page/{version}/{name:path}", "/docs/assets/{path}", TASKS + "/{id}"} <= routes
    assert methods <= {"", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"}
    text = httpx.get(f"http://127.0.0.1:{metrics_port}/metrics").text
    for secret in (user_id, "secret", "version-", "file-", token["Authorization"].split()[1], "example.com"):
        assert secret not in text


def test_replays_throttles_streams_and_connections_are_counted(tmp_path: Path, database_url: str) -> None:
    port = free_port()
    settings = {"rate_limit": "20/hour", "max_streams_per_user": 1, "metrics_port": port}
    with serving(tmp_path, database_url=database_url, **settings) as server:
        tasks, token = signed_up(server, f"throttled-{server.port}@example.com")
        key = token | {"Idempotency-Key": "once"}
        for _ in range(3):
            assert server.http.post(tasks, headers=key, json={"title": "x"}).status_code == 201
        stream = tasks.replace("/tasks", "/changes/stream")
        wrong = {"email": f"throttled-{server.port}@example.com", "password": "a wrong and quiet guess"}
        for _ in range(11):
            server.http.post("/api/auth/signin", json=wrong)
        with server.http.stream("GET", stream, headers=token) as opened:
            assert opened.status_code == 200
            assert server.http.get(stream, headers=token).status_code == 429
            now = wait_for(port, lambda found: value(found, "todo_event_streams") == 1)
            assert value(now, "todo_requests_in_progress") == 1
            assert value(now, "todo_connections") >= 2
        assert [server.http.get(tasks, headers=token).status_code for _ in range(20)][-1] == 429
        now = wait_for(port, lambda found: value(found, "todo_throttled_total", kind="requests") > 0)
    assert value(now, "todo_idempotent_replays_total") == 2
    assert value(now, "todo_throttled_total", kind="streams") == 1
    assert value(now, "todo_throttled_total", kind="sign_in") == 1
    assert value(now, "todo_throttled_total", kind="address") == 0
    route = "/api/{user_id}/changes/stream"
    assert value(now, "todo_requests_total", route=route, status="2xx") == 1
    assert value(now, "todo_request_duration_seconds_count", route=route) == 1  # the refused one


def test_the_pool_is_counted(tmp_path: Path, database_url: str) -> None:
    """One connection, which a lock holds: others wait, and are refused, in time or for their number."""
    port = free_port()
    settings = {"pool_size": 1, "pool_waiting": 1, "pool_timeout": 1, "metrics_port": port, "statement_timeout": 4}
    with serving(tmp_path, database_url=database_url, **settings) as server:
        users = [signed_up(server, f"pool-{n}-{server.port}@example.com") for n in range(4)]
        with psycopg.connect(database_url) as holder, ThreadPoolExecutor(8) as pool:
            holder.execute("lock table tasks")
            sent = [
                pool.submit(httpx.get, f"http://127.0.0.1:{server.port}{tasks}", headers=token, timeout=20)
                for tasks, token in users
            ]
            now = wait_for(port, lambda found: value(found, "todo_pool_waiting") >= 1)
            assert value(now, "todo_pool_connections_in_use") == 1
            assert value(now, "todo_pool_connections_max") == 1
            statuses = [each.result().status_code for each in sent[1:]]
            holder.rollback()
            statuses.append(sent[0].result().status_code)
        now = wait_for(port, lambda found: value(found, "todo_pool_waiting") == 0)
    assert statuses.count(503) >= 2
    assert value(now, "todo_pool_refusals_total", reason="full") >= 1
    assert value(now, "todo_pool_refusals_total", reason="timeout") >= 1
    assert value(now, "todo_pool_wait_seconds_count") >= 1
    assert value(now, "todo_pool_wait_seconds_sum") > 0.9


def test_a_worker_that_is_about_to_stop_is_not_ready(tmp_path: Path, database_url: str) -> None:
    port = free_port()
    with serving(tmp_path, database_url=database_url, metrics_port=port, shutdown_delay=3) as stopping:
        wait_for(port, lambda found: value(found, "todo_workers_ready") == 1)
        stopping.process.send_signal(signal.SIGTERM)
        wait_for(port, lambda found: value(found, "todo_workers_ready") == 0)
        assert stopping.process.wait(30) == 0


def test_a_sweep_is_counted(tmp_path: Path, empty_url: str) -> None:
    port = free_port()
    with serving(tmp_path, "--migrate", database_url=empty_url, metrics_port=port, sweep_interval=0.5) as server:
        now = wait_for(port, lambda found: value(found, "todo_last_sweep_timestamp_seconds") > 0)
        began = value(now, "todo_last_sweep_timestamp_seconds")
        assert abs(began - time.time()) < 30
        tasks, token = signed_up(server, "swept@example.com")
        with psycopg.connect(empty_url) as owner:
            owner.execute("alter table sessions no force row level security")
            owner.execute("update sessions set expires_at = now() - interval '1 day'")
        server.http.get(tasks, headers=token)
        now = wait_for(port, lambda found: value(found, "todo_swept_rows_total", kind="sessions") >= 1)
    assert value(now, "todo_last_sweep_timestamp_seconds") > began


class TestWorkers:
    def test_they_are_added_up_and_counters_outlive_them(self, tmp_path: Path, database_url: str) -> None:
        port = free_port()
        with serving(tmp_path, database_url=database_url, metrics_port=port, workers=2) as server:
            wait_for(port, lambda found: value(found, "todo_workers_ready") == 2)
            answered = self.ask(server, 200)
            now = wait_for(port, lambda found: value(found, "todo_requests_total", route="/health") == answered)
            pool = value(now, "todo_pool_connections_max")
            workers = self.workers(server)
            folder = Path(workers[0].environ()[FOLDER])
            assert len(workers) == len([*folder.glob("*.numbers")]) == 2
            assert folder.stat().st_mode & 0o077 == 0

            workers[0].kill()
            workers[0].wait(10)
            seen: list[tuple[float, float]] = []
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline and not (len(seen) > 3 and seen[-1][1] == 2):
                found = scraped(port)
                seen.append((value(found, "todo_requests_total", route="/health"), value(found, "todo_workers_ready")))
                time.sleep(0.2)
            assert [count for count, _ in seen] == [answered] * len(seen)
            assert {ready for _, ready in seen} >= {1.0, 2.0}
            more = self.ask(server, 50)
            now = wait_for(port, lambda found: value(found, "todo_requests_total", route="/health") == answered + more)
            assert value(now, "todo_pool_connections_max") == pool
            assert value(now, "todo_workers") == 2
            assert len([*folder.glob("*.numbers")]) == 2
        assert not folder.exists()

    @staticmethod
    def ask(server: Server, count: int) -> int:
        """Requests on connections of their own, so that both workers get some."""
        for _ in range(count):
            httpx.get(f"http://127.0.0.1:{server.port}/health").raise_for_status()
        return count

    @staticmethod
    def workers(server: Server) -> list[psutil.Process]:
        children = psutil.Process(server.process.pid).children()
        return [each for each in children if "spawn_main" in " ".join(each.cmdline())]


def test_a_port_in_use_is_refused_in_one_line(database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        done = run_command("serve", database_url=database_url, port=free_port(), metrics_port=number)
    assert done.returncode == 1
    assert f"todo: METRICS_PORT: {number} is in use by another program" in done.stderr


def test_a_folder_of_another_server_is_not_used(tmp_path: Path, database_url: str) -> None:
    with serving(tmp_path, database_url=database_url, **{FOLDER.lower(): tmp_path}) as server:
        server.http.get("/health")
    assert not list(tmp_path.glob("*.numbers"))
