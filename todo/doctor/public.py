"""The server as its clients see it: at its public URL, through every proxy. It needs no secret."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

from todo.doctor import transport
from todo.doctor.finding import Finding, ok, problem, skipped, warning
from todo.doctor.transport import PROXIES, TIMEOUT, trusted

UNUSABLE = ValueError, LookupError, TypeError, AttributeError
"""What reading an answer raises that is not todo's, such as HTML where JSON is expected."""


def check(url: str) -> Iterator[Finding]:
    """Whether it answers, over which HTTP, and what the proxies in between do to what passes."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        yield problem("public url", "it is no URL of a web server", "give it as https://todo.example.com")
        return
    if parts.scheme == "https":
        found = [*transport.tls(parts.hostname, parts.port or 443)]
        yield from found
        if any(finding.level == "problem" for finding in found):
            return
    elif not _local(parts.hostname):
        yield problem("https", "the URL is plain http: passwords and tokens can be read on the way", "use https")
    with httpx.Client(base_url=url.rstrip("/"), timeout=TIMEOUT, trust_env=False, verify=trusted()) as client:
        try:
            health = client.get("/health")
        except httpx.HTTPError as error:
            yield problem(
                "public url",
                f"no answer: {str(error) or type(error).__name__}",
                "check DNS, the firewall and the proxy",
            )
            return
        if not _is_ours(health):
            yield problem(
                "public url",
                f"/health answers {health.status_code}, and not as todo does",
                f"let / lead to todo: {PROXIES}",
            )
            return
        yield ok("public url", f"/health answers in {health.elapsed.total_seconds() * 1000:.0f} ms")
        for ask in (_ready, _prefix, _secure, _hsts, _etags):
            try:
                yield from ask(client)
            except UNUSABLE:
                yield problem(
                    ask.__name__.strip("_"), "something else than todo answers", f"let / lead to todo: {PROXIES}"
                )
            except httpx.HTTPError as error:
                yield problem(ask.__name__.strip("_"), f"no answer: {str(error) or type(error).__name__}", PROXIES)
    yield transport.large_bodies(parts.hostname, parts.port or (443 if parts.scheme == "https" else 80), url)


def _local(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.")


def _is_ours(response: httpx.Response) -> bool:
    if response.status_code != 200 or "json" not in response.headers.get("content-type", ""):
        return False
    try:
        return bool(response.json() == {"status": "ok"})
    except ValueError:
        return False


def _ready(client: httpx.Client) -> Iterator[Finding]:
    ready = client.get("/health/ready")
    if ready.status_code == 200:
        yield ok("ready", "the server reaches its database")
    else:
        yield problem("ready", f"/health/ready answers {ready.status_code}", "look at the server's log")


def _prefix(client: httpx.Client) -> Iterator[Finding]:
    """Whether the server knows the path below which it is published."""
    path = client.base_url.path.rstrip("/")
    servers = client.get("/openapi.json").json().get("servers", [])
    known = servers[0]["url"].rstrip("/") if servers else ""
    if known == path:
        yield ok("prefix", f"published below {path}" if path else "published at the root of its host")
    else:
        yield problem(
            "prefix",
            f"the URL has the path {path or '/'}, and the server takes itself to be at {known or '/'}",
            f"set ROOT_PATH={path or '(nothing)'}",
        )


def _secure(client: httpx.Client) -> Iterator[Finding]:
    """Whether the server knows that the client came by https: it then sends other cookies."""
    response = client.post("/api/auth/signout", json={})
    cookie = response.headers.get("set-cookie", "")
    if response.status_code == 404:
        yield skipped("cookies", "there are none, since an external issuer signs the tokens")
    elif client.base_url.scheme != "https":
        yield skipped("cookies", "they are Secure over https only")
    elif response.status_code == 204 and "secure" in cookie.lower().replace("__secure-", ""):
        yield ok("cookies", "Secure: X-Forwarded-Proto reaches the server, and is trusted")
    else:
        yield problem(
            "cookies",
            "not Secure: the server does not know that clients use https",
            "let the proxy send X-Forwarded-Proto: https, and set TRUSTED_PROXIES to its address",
        )


def _hsts(client: httpx.Client) -> Iterator[Finding]:
    if client.base_url.scheme != "https":
        return
    given = client.get("/health").headers.get("strict-transport-security")
    if given:
        yield ok("hsts", given)
    else:
        yield warning("hsts", "browsers may be led to plain http", "HSTS_MAX_AGE=31536000, once https works for good")


def _etags(client: httpx.Client) -> Iterator[Finding]:
    """Whether an entity tag comes through, is answered with 304, and whether what is compressed stays so."""
    page = client.get("/", headers={"Accept-Encoding": "identity"})
    tag = page.headers.get("etag")
    if page.status_code != 200 or "html" not in page.headers.get("content-type", ""):
        yield skipped("etags", "the page is switched off (PAGE=off), and nothing else has one without a token")
        return
    if tag is None:
        yield problem("etags", "the proxy removes them: clients read everything again", f"switch that off: {PROXIES}")
        return
    again = client.get("/", headers={"Accept-Encoding": "identity", "If-None-Match": tag})
    if again.status_code != 304:
        yield problem("etags", f"If-None-Match is answered {again.status_code}, not 304", f"pass it on: {PROXIES}")
    elif tag.startswith("W/"):
        yield warning("etags", "the proxy makes them weak; todo still takes them", "do not compress again in the proxy")
    else:
        yield ok("etags", "come through, and are answered with 304")
    compressed = client.get("/", headers={"Accept-Encoding": "br, gzip"}).headers.get("content-encoding")
    if compressed:
        yield ok("compression", f"the page comes compressed ({compressed})")
    else:
        yield warning("compression", "the page comes uncompressed", "let the proxy pass Accept-Encoding on")
