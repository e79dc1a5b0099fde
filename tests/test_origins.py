"""Origins: written in any way that a person may write them, matched as browsers send them."""

import pytest

from todo.origins import Origins


@pytest.mark.parametrize(
    ("entry", "sent"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("https://app.example.com/", "https://app.example.com"),
        ("HTTPS://App.Example.COM", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:0080", "http://localhost"),
        ("https://localhost:80", "https://localhost:80"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[0:0::1]:3000", "http://[::1]:3000"),
        ("https://b\u00fccher.example", "https://xn--bcher-kva.example"),
        ("https://stra\u00dfe.example", "https://xn--strae-oqa.example"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("ionic://localhost", "ionic://localhost"),
        ("tauri://localhost", "tauri://localhost"),
        ("app://todo.md", "app://todo.md"),
        ("chrome-extension://aaaabbbbccccddddeeeeffffgggghhhh", "chrome-extension://aaaabbbbccccddddeeeeffffgggghhhh"),
        (
            "moz-extension://2c127fa4-62c7-7e4f-90e5-472b45eecfdc",
            "moz-extension://2c127fa4-62c7-7e4f-90e5-472b45eecfdc",
        ),
        ("https://*.example.app", "https://pr-42.example.app"),
        ("https://*.example.app:8443", "https://pr-42.example.app:8443"),
        ("https://shop-*.example.app", "https://shop-git-x.example.app"),
        ("https://preview-*--shop.example.app", "https://preview-42--shop.example.app"),
    ],
)
def test_an_entry_matches_what_a_browser_sends(entry: str, sent: str) -> None:
    assert sent in Origins([entry])


@pytest.mark.parametrize(
    "sent",
    [
        "null",
        "",
        "https://example.app",
        "https://.example.app",
        "https://a.b.example.app",
        "http://a.example.app",
        "https://a.example.app:8443",
        "https://a.example.app.evil.example",
        "https://evil.example/.example.app",
        "https://evil.example#.example.app",
        "https://evil@a.example.app",
        "https://aXexample.app",
        "https://" + "a" * 64 + ".example.app",
        "https://a.example.app\n",
        None,
    ],
)
def test_a_pattern_matches_one_label_and_nothing_else(sent: object) -> None:
    assert sent not in Origins(["https://*.example.app"])


def test_each_entry_is_described() -> None:
    origins = Origins(["https://App.example.com:443", "https://*.example.app", "capacitor://localhost"])

    exact, pattern, app = origins.described()

    assert exact == "https://app.example.com: pages of this origin alone"
    assert pattern.startswith("https://*.example.app: ")
    assert app.startswith("capacitor://localhost: ")
    assert not Origins()
