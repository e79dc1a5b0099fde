"""What a proxy shows before a request reaches the server: certificate, versions of HTTP, limit of bodies."""

import re
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

from todo.doctor.finding import Finding, ok, problem, warning

TIMEOUT = 10.0
"""Seconds that one question may take."""

EXPIRY = 14
"""Days that a certificate should still be valid."""

IMPORT_BYTES = 64 * 1024**2
"""The largest body that the API takes: a file to import."""

PROXIES = "see docs/how-to/proxies.md"


def trusted() -> ssl.SSLContext:
    """The certificates that this machine trusts, or those of SSL_CERT_FILE."""
    return ssl.create_default_context()


def tls(host: str, port: int) -> Iterator[Finding]:
    """The certificate, and the version of HTTP that the proxy agrees to."""
    context = trusted()
    context.set_alpn_protocols(["h2", "http/1.1"])
    try:
        with (
            socket.create_connection((host, port), TIMEOUT) as connection,
            context.wrap_socket(connection, server_hostname=host) as secured,
        ):
            certificate, http, version = (
                secured.getpeercert() or {},
                secured.selected_alpn_protocol(),
                secured.version(),
            )
    except ssl.SSLCertVerificationError as error:
        yield problem(
            "certificate", f"it is not accepted: {error.verify_message}", "get one for this name, and send its chain"
        )
        return
    except OSError as error:
        yield problem(
            "public url", f"{host}:{port} cannot be reached: {error.strerror or error}", "check DNS and the firewall"
        )
        return
    expires = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    days = (expires - datetime.now(UTC)).days
    message = f"valid for another {days} days, {version}"
    yield ok("certificate", message) if days >= EXPIRY else warning("certificate", message, "renew it")
    if http == "h2":
        yield ok("http", "HTTP/2, so event streams do not use up a browser's six connections")
    else:
        advice = (
            "let the proxy speak HTTP/2: a browser opens six connections to a host by HTTP/1.1, and a stream keeps one"
        )
        yield warning("http", "HTTP/1.1 only", advice)


def large_bodies(host: str, port: int, url: str) -> Finding:
    """Announce a large body, and wait for leave to send it (RFC 9110 §10.1.1); none is sent."""
    path = urlsplit(url).path.rstrip("/")
    head = (
        f"POST {path}/api/doctor/import HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nContent-Length: {IMPORT_BYTES}\r\n"
        "Content-Type: application/octet-stream\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    )
    try:
        with socket.create_connection((host, port), TIMEOUT) as plain:
            secured = trusted().wrap_socket(plain, server_hostname=host) if url.startswith("https") else plain
            secured.sendall(head.encode())
            answer = secured.recv(4096)
            secured.close()
    except TimeoutError:
        return ok("large bodies", "a proxy waits for them, and does not refuse a length of 64 MiB")
    except OSError as error:
        return warning("large bodies", f"not known: {error.strerror or error}", PROXIES)
    status = re.match(rb"HTTP/1\.[01] (\d+)", answer)
    if status and status[1] == b"413":
        return warning(
            "large bodies",
            "the proxy refuses bodies of 64 MiB: files to import must be smaller",
            f"client_max_body_size 64m (nginx): {PROXIES}",
        )
    if status and status[1] in {b"100", b"401"}:
        return ok("large bodies", "files to import may have 64 MiB")
    return warning("large bodies", f"not known: {status[1].decode() if status else 'no answer'}", PROXIES)
