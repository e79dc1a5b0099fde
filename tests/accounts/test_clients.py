"""The names of clients: made of known words, short, and never what the header says beyond them."""

import psycopg
import pytest

from todo.accounts.clients import BROWSERS, PROGRAMS, SYSTEMS, client_name
from todo.accounts.tables import CLIENT_LENGTH

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
IOS = "AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0", "Firefox on Android"),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) {IOS} FxiOS/140.0 Mobile/15E148 Safari/605.1.15",
         "Firefox on iPhone"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/138.0.0.0 Safari/537.36", "Chrome on Windows"),
        (f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/138.0.0.0 Mobile Safari/537.36", "Chrome on Android"),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/138.0.0.0 Safari/537.36", "Chrome on ChromeOS"),
        (f"Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) {IOS} CriOS/138.0.7204.53 Mobile/15E148 Safari/604.1",
         "Chrome on iPad"),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) {IOS} Version/18.5 Mobile/15E148 Safari/604.1",
         "Safari on iPhone"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {IOS} Version/18.5 Safari/605.1.15", "Safari on macOS"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0",
         "Edge on Windows"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/137.0.0.0 Safari/537.36 OPR/121.0.0.0", "Opera on Linux"),
        (f"Mozilla/5.0 (Linux; Android 14; K) {WEBKIT} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
         "Samsung Internet on Android"),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) {IOS} Mobile/15E148", "iPhone"),
        ("Firefox/140.0", "Firefox"),
        ("curl/8.14.1", "curl"),
        ("Wget/1.25.0", "Wget"),
        ("python-httpx/0.28.1", "Python"),
        ("Python/3.13 aiohttp/3.12.13", "Python"),
        ("Go-http-client/2.0", "Go"),
        ("okhttp/5.0.0", "OkHttp"),
        ("node", "Node.js"),
    ],
)  # fmt: skip
def test_a_known_client_has_a_short_name(user_agent: str, name: str) -> None:
    assert client_name(user_agent) == name


@pytest.mark.parametrize(
    "user_agent",
    [None, "", "Mozilla/5.0", "Todo/3 CFNetwork/3826 Darwin/24", "<script>alert(1)</script>", "\x00\xff", "x" * 60_000],
)
def test_an_unknown_client_has_none(user_agent: str | None) -> None:
    assert client_name(user_agent) is None


def test_words_far_back_in_a_long_header_are_not_read() -> None:
    assert client_name("x" * 600 + " Linux Firefox/140.0") is None


def test_every_name_fits_into_its_column(database_url: str) -> None:
    longest = " on ".join(max(names.values(), key=len) for names in (BROWSERS, SYSTEMS))
    assert max(len(longest), *map(len, PROGRAMS.values())) <= CLIENT_LENGTH
    with psycopg.connect(database_url) as owner:
        owner.execute("alter table sessions no force row level security")
        for client in ("", "x" * (CLIENT_LENGTH + 1)):
            with pytest.raises(psycopg.errors.CheckViolation), owner.transaction():
                owner.execute(
                    "insert into sessions (id, user_id, token_hash, expires_at, client)"
                    " values (gen_random_uuid(), 'nobody', '', now(), %s)",
                    [client],
                )
        owner.rollback()
