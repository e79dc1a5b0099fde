"""What a person sees who opens an address at which there is nothing."""

import html
from collections.abc import Mapping

from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

from todo.problems import Problem

POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
SHOWN = 200  # characters of the path

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<title>{status}: {name}</title>
</head>
<body>
<h1>{heading}</h1>
<p>{said}</p>
<ul>
<li><a href="{root}/docs">The API, described</a></li>
<li><a href="{root}/health/live">Whether the server is alive</a></li>
</ul>
</body>
</html>
"""


def not_found_page(path: str, root: str) -> Response:
    """The page for a `path` that is not served; its links begin with `root`."""
    said = f"This server has no page <code>{html.escape(path[:SHOWN])}</code>."
    return _page(404, "There is nothing here", said, root, {})


def problem_page(problem: Problem, scope: Scope) -> Response:
    """A problem for a person at a page that is no part of the API."""
    heading = "There is nothing here" if problem.status == 404 else problem.title
    return _page(problem.status, heading, html.escape(problem.detail), scope.get("root_path", ""), problem.headers)


def _page(status: int, heading: str, said: str, root: str, headers: Mapping[str, str]) -> Response:
    text = _PAGE.format(status=status, heading=heading, name=heading.lower(), said=said, root=html.escape(root))
    headers = {"Cache-Control": "no-store", "Vary": "Accept", "Content-Security-Policy": POLICY, **headers}
    return HTMLResponse(text.encode(errors="replace"), status, headers)


def prefers_html(scope: Scope) -> bool:
    """Whether the client names text/html, and rather than JSON (RFC 9110 §12.5.1): so do browsers."""
    accepted = b",".join(value for name, value in scope["headers"] if name == b"accept").decode("latin-1").lower()
    wanted = dict(map(quality, accepted.split(",")))
    return wanted.get("text/html", 0) > max(wanted.get(f"application/{kind}", 0) for kind in ("json", "problem+json"))


def quality(part: str) -> tuple[str, float]:
    """What a part of an Accept header names, and how much the client wants it; 0, not at all."""
    kind, *parameters = map(str.strip, part.split(";"))
    try:
        return kind, next((float(each[2:]) for each in parameters if each.startswith("q=")), 1.0)
    except ValueError:
        return kind, 0.0
