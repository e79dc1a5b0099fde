"""The page on which a person decides, at one root path: its document, filled in for a request, and its files."""

import hashlib
import html
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from string import Template

from starlette.responses import HTMLResponse

from todo.web.content import Content, files

FOLDER = Path(__file__).parent / "page"
OWN, SHARED = ("consent.css", "consent.js"), ("style.css", "icons/icon.svg")
"""The files of this folder, and those of the app's page that are served with them."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "X-Frame-Options": "DENY",
}


@lru_cache(maxsize=1)
def assets() -> Mapping[str, Content]:
    """The files that the page needs, by their name."""
    own = {name: Content.of(name, (FOLDER / name).read_bytes()) for name in OWN}
    return own | {name.rpartition("/")[2]: files()[name] for name in SHARED}


@lru_cache(maxsize=1)
def version() -> str:
    """12 hex digits for the contents of these files, which are kept for ever by their address."""
    digest = hashlib.sha256()
    for name, content in assets().items():
        digest.update(f"{name} {len(content.plain)} ".encode() + content.plain)
    return digest.hexdigest()[:12]


@lru_cache(maxsize=4)
def _template(name: str) -> Template:
    return Template((FOLDER / name).read_text(encoding="utf-8"))


def document(file: str, root: str, status: int = 200, **values: str) -> HTMLResponse:
    """A document of the folder with these values in it, as text: no markup of an app is ever markup here."""
    escaped = {key: html.escape(value) for key, value in values.items()}
    page = f"{html.escape(root)}/oauth/page/{version()}"
    text = _template(file).substitute(escaped, root=html.escape(root), page=page)
    return HTMLResponse(text, status, HEADERS)
