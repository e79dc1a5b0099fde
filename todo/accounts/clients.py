"""What the client of a sign-in is called in the list of sessions, by its User-Agent header (RFC 9110 §10.1.5).

The header is whatever a client sends, so it is not stored: the name is made of words of these tables alone. A library
with a thousand patterns would know more devices, but it would run them on such a header; a user has to recognise a
few devices of their own.
"""

READ = 512
"""Characters of the header that are looked at."""

PROGRAMS = {
    "curl": "curl",
    "wget": "Wget",
    "httpie": "HTTPie",
    "xh": "xh",
    "postmanruntime": "Postman",
    "insomnia": "Insomnia",
    "bruno-runtime": "Bruno",
    "python-requests": "Python",
    "python-httpx": "Python",
    "python-urllib": "Python",
    "python": "Python",
    "go-http-client": "Go",
    "okhttp": "OkHttp",
    "dart": "Dart",
    "axios": "Node.js",
    "undici": "Node.js",
    "node": "Node.js",
    "node-fetch": "Node.js",
}
"""By the product that the header begins with, in lower case."""

BROWSERS = {
    "Edg/": "Edge",
    "EdgA/": "Edge",
    "EdgiOS/": "Edge",
    "OPR/": "Opera",
    "OPT/": "Opera",
    "SamsungBrowser/": "Samsung Internet",
    "Vivaldi/": "Vivaldi",
    "YaBrowser/": "Yandex Browser",
    "DuckDuckGo/": "DuckDuckGo",
    "Ddg/": "DuckDuckGo",
    "FxiOS/": "Firefox",
    "Firefox/": "Firefox",
    "CriOS/": "Chrome",
    "Chromium/": "Chromium",
    "Chrome/": "Chrome",
    "HeadlessChrome/": "Chrome",
    "Safari/": "Safari",
}
"""By a product in the header. The first that is found counts: most name those that they are built like as well."""

SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "CrOS": "ChromeOS",
    "Windows": "Windows",
    "Macintosh": "macOS",
    "Linux": "Linux",
}
"""By a word in the header, likewise: an iPhone also says "like Mac OS X", an Android "Linux"."""


def client_name(user_agent: str | None) -> str | None:
    """Such as "Firefox on Linux", "Safari on iPhone" or "curl"; None where nothing in the header is known."""
    text = (user_agent or "")[:READ]
    product = text.partition("/")[0].lower()
    if product in PROGRAMS:
        return PROGRAMS[product]
    browser, system = _first(BROWSERS, text), _first(SYSTEMS, text)
    return " on ".join(name for name in (browser, system) if name) or None


def _first(names: dict[str, str], text: str) -> str | None:
    return next((name for word, name in names.items() if word in text), None)
