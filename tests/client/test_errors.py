"""Messages that say the cause, and what to do."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.client.proxy import Proxy, answer
from tests.support.processes import Server, free_port
from todo.client import Client, ConnectionFailed, Retry, Unavailable, UnexpectedAnswer

pytestmark = pytest.mark.slow

ONCE = Retry(attempts=1)
HTML, JSON = "Content-Type: text/html", "Content-Type: application/json"


@pytest.mark.parametrize("url", ["", "example.com", "ftp://example.com", "http://", "http://x:port", "//example.com"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"is no URL of a server: give one such as http://127\.0\.0\.1:8000"):
        Client(url)


def test_a_url_with_a_password_is_refused_without_it() -> None:
    with pytest.raises(ValueError, match="must not contain a user name or a password") as raised:
        Client("http://ada:hunter2@example.com")
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("end", ["", "/", "//"])
async def test_a_slash_at_the_end_makes_no_difference(opened: Callable[..., Any], url: str, ada: Any, end: str) -> None:
    token = (await ada.create_token("slash")).token
    assert (await opened(url + end, token).me()).id == await ada.user_id()


async def test_no_server(opened: Callable[..., Any]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ConnectionFailed, match=f"{url} cannot be reached .*is the server running"):
        await opened(url, retry=ONCE).me()


async def test_a_name_that_is_no_host(opened: Callable[..., Any]) -> None:
    with pytest.raises(ConnectionFailed, match=r"http://todo\.invalid cannot be reached"):
        await opened("http://todo.invalid", retry=ONCE).me()


async def test_https_where_there_is_none(opened: Callable[..., Any], server: Server) -> None:
    with pytest.raises(ConnectionFailed, match=r"https://127\.0\.0\.1:\d+ cannot be reached .*SSL"):
        await opened(f"https://127.0.0.1:{server.port}", retry=ONCE).me()


async def test_a_server_that_does_not_answer(opened: Callable[..., Any]) -> None:
    class Silent(httpx.BaseTransport, httpx.AsyncBaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            raise httpx.ReadTimeout("", request=request)

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return self.handle_request(request)

    with pytest.raises(ConnectionFailed, match="did not answer in time"):
        await opened("http://127.0.0.1:1", retry=ONCE, transport=Silent()).me()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (answer("404 Not Found", HTML, body=b"<h1>no</h1>"), "answers 404 without a problem document"),
        (answer("200 OK", HTML, body=b"<h1>hello</h1>"), r"does not answer as this API does \(not JSON\)"),
        (answer("200 OK", JSON, body=b"[]"), "does not answer as this API does"),
        (answer("301 Moved", "Location: https://todo.example.com/me?x=1"), "is redirected to https://todo.example.com"),
    ],
)
async def test_the_url_of_another_server(opened: Callable[..., Any], proxy: Proxy, given: bytes, message: str) -> None:
    proxy.plan = [given]

    with pytest.raises(UnexpectedAnswer, match=message) as raised:
        await opened(proxy.url, "token").me()
    assert f"GET {proxy.url}/api/auth/me " in str(raised.value)


async def test_a_gateway_that_has_no_server(opened: Callable[..., Any], proxy: Proxy) -> None:
    proxy.plan = [answer("502 Bad Gateway", "Content-Type: text/html", body=b"<h1>no</h1>")]

    with pytest.raises(Unavailable, match="502 Bad Gateway: GET http") as raised:
        await opened(proxy.url, "token", retry=ONCE).me()
    assert raised.value.status == 502


async def test_the_next_page_is_asked_of_the_same_server(opened: Callable[..., Any], proxy: Proxy) -> None:
    """Whatever the link names: the token goes to no other."""
    link = 'Link: <http://127.0.0.1:1/elsewhere?cursor=x&limit=2>; rel="next"'
    proxy.plan = [answer("200 OK", link, "Content-Type: application/json", body=b"[]")] * 2
    proxy.plan.append(answer("200 OK", "Content-Type: application/json", body=b"[]"))

    assert [task async for task in opened(proxy.url, "token", user_id="ada").list_tasks()] == []
    assert [head.split()[1] for head in proxy.requests] == [
        b"/api/ada/tasks?limit=1000", b"/api/ada/tasks?cursor=x&limit=2", b"/api/ada/tasks?cursor=x&limit=2",
    ]  # fmt: skip
