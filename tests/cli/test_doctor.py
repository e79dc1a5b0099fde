"""`todo doctor` on deployments that are right, and on ones that are not."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import psycopg
import pytest

from drills import stand
from tests.conftest import scratch_database
from tests.support.certificate import made_certificate
from tests.support.doctor import examined, levels
from tests.support.nginx import needs_nginx, nginx
from tests.support.processes import Server, free_port, run_command, serving, signed_up
from todo.db import migrate

pytestmark = pytest.mark.slow


def test_a_deployment_that_is_right_has_no_problem(database_url: str) -> None:
    found = examined(status=0, database_url=database_url)

    topics = ("python", "database", "version", "encoding", "clock", "migrations", "row-level security", "connections")
    assert set(levels(found, *topics).values()) == {"ok"}
    assert "none" in found["pooler"]["message"]
    assert found["public url"]["level"] == "skipped"


def test_it_is_printed_for_people_with_what_to_do(database_url: str, tmp_path: Path) -> None:
    done = run_command("doctor", "--backups", str(tmp_path), "--grace", "5", database_url=database_url)

    assert done.returncode == 1
    lines = done.stdout.splitlines()
    [at] = [number for number, line in enumerate(lines) if line.startswith("PROBLEM  backups:")]
    assert lines[at + 1].strip().startswith("-> run `todo backup`")
    assert any(line.startswith("PROBLEM  shutdown: the process is killed after 5 s") for line in lines)
    assert lines[-1].startswith("2 problems, ")


def test_settings_that_do_not_fit_are_warnings(database_url: str) -> None:
    found = examined(
        *("--grace", "30"), status=1,
        database_url=database_url, workers=200, rate_limit="10/minute", host="0.0.0.0", max_connections=1_000_000,
        shutdown_delay=25, mcp=True,
    )  # fmt: skip

    topics = ("workers", "rate limits", "proxies", "open files", "mcp")
    assert set(levels(found, *topics).values()) == {"warning"}
    assert levels(found, "connections", "shutdown") == {"connections": "problem", "shutdown": "problem"}
    assert "WORKERS × POOL_SIZE = 3200" in found["connections"]["message"]


def test_a_malformed_setting_is_the_first_problem() -> None:
    found = examined(status=1, port="http")

    assert found["settings"]["level"] == "problem"
    assert "PORT" in found["settings"]["message"]


def test_a_database_without_tables_is_told_how_to_get_them(empty_url: str) -> None:
    found = examined(status=1, database_url=empty_url)

    assert found["migrations"]["level"] == "problem"
    assert "todo db upgrade" in found["migrations"]["advice"]


def test_row_level_security_that_does_not_hold_is_a_problem(server_url: str) -> None:
    with scratch_database(server_url) as url:
        migrate.upgrade(url)
        with psycopg.connect(url) as owner:
            owner.execute("alter table tasks disable row level security")
        found = examined(status=1, database_url=url)

    assert found["row-level security"]["level"] == "problem"
    assert "tasks" in found["row-level security"]["message"]


def test_a_database_that_is_away_is_said_without_the_password() -> None:
    url = f"postgresql://ada:hunter2@127.0.0.1:{free_port()}/todo"
    done = run_command("doctor", database_url=url, connect_timeout=2)

    assert done.returncode == 1
    assert "PROBLEM  database: todo at 127.0.0.1" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


def test_it_waits_no_longer_than_it_should_for_a_server_that_says_nothing(database_url: str) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        found = examined(*("--url", f"http://127.0.0.1:{silent.getsockname()[1]}"), status=1, database_url=database_url)
        assert time.monotonic() - began < 40

    assert "no answer" in found["public url"]["message"]


def test_the_embedded_database_is_checked_while_it_serves(tmp_path: Path) -> None:
    data = tmp_path / "data"
    before = examined(status=0, data_dir=data)
    assert before["database"]["level"] == "skipped"
    assert not data.exists()

    with serving(tmp_path, data_dir=data):
        found = examined(status=0, data_dir=data)
    assert levels(found, "data folder", "disk", "migrations") == dict.fromkeys(
        ("data folder", "disk", "migrations"), "ok"
    )

    (tmp_path / "old").write_bytes(b"PGDMP and so on")
    os.utime(tmp_path / "old", (time.time() - 3 * 86_400,) * 2)
    (tmp_path / "no backup").write_text("new")
    assert "72.0 hours" in examined("--backups", str(tmp_path), status=1, data_dir=data)["backups"]["message"]
    assert examined("--backups", str(tmp_path), "--max-age", "80", status=0, data_dir=data)["backups"]["level"] == "ok"


@pytest.mark.skipif(bool(stand.missing()) and not os.environ.get("REQUIRE_PGBOUNCER"), reason=str(stand.missing()))
class TestAPooler:
    @pytest.fixture(scope="class")
    @classmethod
    def postgres(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[stand.Postgres]:
        with stand.postgres_15(tmp_path_factory.mktemp("postgres-15"), fsync=False) as postgres:
            migrate.upgrade(postgres.url())
            yield postgres

    def test_transaction_pooling_is_seen_and_prepared_statements_are_tried(self, postgres: stand.Postgres) -> None:
        with stand.bouncer_for(postgres) as bouncer:
            found = examined(status=0, database_url=bouncer.url)
            assert found["pooler"]["message"].startswith("transaction pooling")
            assert levels(found, "prepared statements", "direct url", "tls") == {
                "prepared statements": "warning",  # PgBouncer 1.18 does not know them
                "direct url": "warning",
                "tls": "ok",
            }

            found = examined(
                status=0, database_url=bouncer.url, direct_database_url=postgres.url(), prepare_threshold=-1
            )
            assert levels(found, "prepared statements", "direct url") == {
                "prepared statements": "ok",
                "direct url": "ok",
            }

            other = postgres.url().replace("/todo?", "/postgres?")
            found = examined(status=1, database_url=bouncer.url, direct_database_url=other)
            assert found["direct url"]["level"] == "problem"

            (file := bouncer.folder / "pgbouncer.ini").write_text(
                file.read_text().replace("pool_mode = transaction", "pool_mode = session")
            )
            bouncer.stop()
            bouncer.start()
            found = examined(status=0, database_url=bouncer.url)
            assert found["pooler"]["level"] == "warning"
            assert found["pooler"]["message"].startswith("session pooling")

    def test_tls_without_a_verified_certificate_and_a_login_that_may_do_all_are_warnings(
        self, postgres: stand.Postgres
    ) -> None:
        with psycopg.connect(postgres.superuser, autocommit=True) as superuser:
            superuser.execute(b"create role greedy login superuser password '%s'" % postgres.password.encode())
            superuser.execute("grant connect on database todo to greedy")
        url = f"postgresql://greedy:{postgres.password}@127.0.0.1:{postgres.port}/todo?sslmode=require"

        found = examined(status=0, database_url=url)

        assert levels(found, "tls", "login") == {"tls": "warning", "login": "warning"}
        assert "verify-full" in found["tls"]["advice"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("examined")
    with serving(folder, database_url=database_url, trusted_proxies="127.0.0.1", hsts_max_age=31_536_000) as running:
        yield running


PUBLIC = ("public url", "ready", "prefix", "etags", "compression", "large bodies")


class TestThePublicUrl:
    def test_a_server_without_a_proxy(self, server: Server, database_url: str) -> None:
        found = examined("--url", f"http://127.0.0.1:{server.port}", status=0, database_url=database_url)

        assert set(levels(found, *PUBLIC).values()) == {"ok"}
        assert found["event stream"]["level"] == "skipped"

    def test_a_proxy_that_answers_html_is_told(self, database_url: str) -> None:
        class Proxy(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                is_health = self.path == "/health"
                body = b'{"status": "ok"}' if is_health else b"<html>the page of another server</html>"
                self.send_response(200)
                self.send_header("Content-Type", "application/json" if is_health else "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 # http.server calls it so

        with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
            threading.Thread(target=proxy.serve_forever, daemon=True).start()
            url = f"http://127.0.0.1:{proxy.server_port}"
            found = examined("--url", url, status=1, database_url=database_url, todo_token="x")
            proxy.shutdown()

        assert levels(found, "prefix", "event stream") == {"prefix": "problem", "event stream": "problem"}
        assert found["large bodies"]["level"] == "warning"
        assert examined("--url", "http://[", status=1, database_url=database_url)["public url"]["level"] == "problem"

    def test_another_server_is_not_taken_for_ours(self, database_url: str, tmp_path: Path) -> None:
        with subprocess.Popen(
            ["python3", "-m", "http.server", "--bind", "127.0.0.1", str(port := free_port())],
            cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as other:  # fmt: skip
            try:
                stand.until(lambda: _answers(port))
                found = examined("--url", f"http://127.0.0.1:{port}", status=1, database_url=database_url)
            finally:
                other.kill()
        assert "not as todo does" in found["public url"]["message"]

    @needs_nginx
    def test_a_proxy_that_changes_what_passes_is_noticed(
        self, server: Server, database_url: str, tmp_path: Path
    ) -> None:
        """It buffers streams although the server asks it not to, removes tags, and takes no large bodies."""
        _, token = signed_up(server, f"doctor-{server.port}@example.com")
        inside = (
            f"location /todo/ {{ proxy_pass http://127.0.0.1:{server.port}/; proxy_hide_header ETag; "
            "proxy_ignore_headers X-Accel-Buffering; proxy_http_version 1.0; "
            "proxy_set_header Accept-Encoding identity; }"
        )
        with nginx(tmp_path, inside) as address:
            found = examined(
                *("--url", f"{address}/todo"), status=1,
                database_url=database_url, todo_token=token["Authorization"].removeprefix("Bearer "),
            )  # fmt: skip
        assert levels(found, "prefix", "etags", "event stream", "large bodies") == {
            "prefix": "problem",
            "etags": "problem",
            "event stream": "problem",
            "large bodies": "warning",
        }
        assert "ROOT_PATH=/todo" in found["prefix"]["advice"]

    @needs_nginx
    def test_https_is_checked_up_to_the_cookie(self, server: Server, database_url: str, tmp_path: Path) -> None:
        _, token = signed_up(server, f"doctor-https-{server.port}@example.com")
        certificate = made_certificate(tmp_path)
        secret = token["Authorization"].removeprefix("Bearer ")
        port = free_port()
        tls = f"listen 127.0.0.1:{port} ssl http2; ssl_certificate {certificate}; ssl_certificate_key {tmp_path}/key;"
        passed = "proxy_set_header X-Forwarded-Proto https; client_max_body_size 64m;"
        good = f"{tls} location / {{ proxy_pass http://127.0.0.1:{server.port}; {passed} }}"
        with nginx(tmp_path, good):
            url = f"https://localhost:{port}"
            given = {"database_url": database_url, "todo_token": secret}
            found = examined("--url", url, status=0, ssl_cert_file=certificate, **given)
            topics = (*PUBLIC, "http", "cookies", "hsts", "event stream")
            assert levels(found, *topics) == dict.fromkeys(topics, "ok")
            assert found["certificate"]["level"] == "warning"  # two days

            unknown = examined("--url", url, status=1, **given)
            assert unknown["certificate"]["level"] == "problem"
            assert "public url" not in unknown

        with nginx(tmp_path, good.replace(passed, "").replace(" http2", "")):
            found = examined("--url", url, status=1, ssl_cert_file=certificate, database_url=database_url)
        assert levels(found, "cookies", "hsts", "http", "large bodies") == {
            "cookies": "problem",
            "hsts": "warning",
            "http": "warning",
            "large bodies": "warning",
        }


def _answers(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/")
    except httpx.TransportError:
        return False
    return True
