"""What a person sees who opens an address at which there is nothing."""

import html

from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
SHOWN = 200  # characters of the path

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<title>404: there is nothing here</title>
</head>
<body>
<h1>There is nothing here</h1>
<p>This server has no page <code>{path}</code>.</p>
<ul>
<li><a href="{root}/docs">The API, described</a></li>
<li><a href="{root}/health/live">Whether the server is alive</a></li>
</ul>
</body>
</html>
"""


def not_found_page(path: str, root: str) -> Response:
    """The page for a `path` that is not served; its links begin with `root`."""
    text = _PAGE.format(path=html.escape(path[:SHOWN]), root=html.escape(root))
    headers = {"Cache-Control": "no-store", "Vary": "Accept", "Content-Security-Policy": POLICY}
    return HTMLResponse(text.encode(errors="replace"), 404, headers)


def prefers_html(scope: Scope) -> bool:
    """Whether the client names text/html, and rather than JSON (RFC 9110 §12.5.1): so do browsers."""
    accepted = b",".join(value for name, value in scope["headers"] if name == b"accept").decode("latin-1").lower()
    quality = dict(map(_quality, accepted.split(",")))
    return quality.get("text/html", 0) > max(quality.get(f"application/{kind}", 0) for kind in ("json", "problem+json"))


def _quality(part: str) -> tuple[str, float]:
    kind, *parameters = map(str.strip, part.split(";"))
    try:
        return kind, next((float(each[2:]) for each in parameters if each.startswith("q=")), 1.0)
    except ValueError:
        return kind, 0.0
