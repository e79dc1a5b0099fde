"""The page at one root path: its document, service worker and manifest, filled in, and the files that they name."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable
from string import Template

from todo.web.content import Content, Revalidated, files

DOCUMENT, WORKER, MANIFEST = "index.html", "sw.js", "manifest.webmanifest"
FILLED_IN = {DOCUMENT, WORKER, MANIFEST}
"""Templates, which have addresses of their own; all other files are assets."""

NEEDED = (".css", ".js", ".svg")
"""The assets that the page runs with, which its service worker keeps: no pictures for installing, no licences."""

ONLINE = {"agents.js"}
"""Modules that are of no use without the server, so no worker keeps them."""

IMPORTS = {
    "preact": "vendor/preact.js",
    "preact/hooks": "vendor/hooks.js",
    "htm": "vendor/htm.js",
    "@preact/signals-core": "vendor/signals-core.js",
    "@preact/signals": "vendor/signals.js",
}
"""What the modules import by a name, as an import map."""

POLICY = (
    "default-src 'none'; script-src 'self' 'sha256-{import_map}'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types todo"
)
"""No script but our files, no text that becomes a script, no request to another host, no frame around the page.

`todo` is the policy by which the page makes the address of its service worker, which is a sink of Trusted Types.
"""

WORKER_POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""A worker has the policy that its own script came with, and must fetch what it keeps."""

HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}

WORKER_BLANK = 'const PAGE = { root: "", version: "", assets: [""] }'
"""The line of the service worker that is filled in; as it stands there it is a program that can be checked."""


class Page:
    """What is served at `root`. `version` is a hash over all that makes the page what it is there."""

    def __init__(self, root: str, *, external_issuer: bool, mail: bool = False, mcp: bool = False) -> None:
        accounts = "external" if external_issuer else "built-in"
        has = {"mail": "on" if mail else "off", "mcp": "on" if mcp else "off"}
        self.version = _hash(root, accounts, repr(has), POLICY, WORKER_POLICY, repr(IMPORTS), repr(HEADERS))
        self.assets = {name: content for name, content in files().items() if name not in FILLED_IN}
        folder = f"{root}/page/{self.version}"
        modules = [f"{folder}/{name}" for name in _modules()]
        text = Template(_text(DOCUMENT)).substitute(
            root=html.escape(root),
            accounts=accounts,
            **has,
            version=self.version,
            page=html.escape(folder),
            import_map=json.dumps({"imports": {name: f"{folder}/{file}" for name, file in IMPORTS.items()}}),
            module_preloads=_links(modules),
        )
        [import_map] = re.findall(r'<script type="importmap">(.*?)</script>', text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(import_map.encode()).digest()).decode()
        policy = {"Content-Security-Policy": POLICY.format(import_map=digest)}
        self.document = Revalidated(Content.of(DOCUMENT, text.encode()), {**policy, **HEADERS})

        needed = [f"{folder}/{name}" for name in self.assets if name.endswith(NEEDED) and name not in ONLINE]
        filled = json.dumps({"root": root, "version": self.version, "assets": needed})
        script = _text(WORKER).replace(WORKER_BLANK, f"const PAGE = {filled}")
        headers = {"Content-Security-Policy": WORKER_POLICY}
        self.worker = Revalidated(Content.of(WORKER, script.encode()), headers)

        manifest = Template(_text(MANIFEST)).substitute(root=root, page=folder)
        self.manifest = Revalidated(Content.of(MANIFEST, manifest.encode()), {})


def _text(name: str) -> str:
    return files()[name].plain.decode()


def _hash(*filled_in: str) -> str:
    """12 hex digits for the names and contents of all files, and for what is filled in."""
    parts = [text.encode() for text in filled_in]
    for name, content in files().items():
        parts += [name.encode(), content.plain]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8) + part)
    return digest.hexdigest()[:12]


def _modules() -> Iterable[str]:
    """Those that a start loads: what `main.js` imports, without which nothing is shown, then what the shell does."""
    scripts = {name: content.plain.decode() for name, content in files().items() if name.endswith(".js")}
    needed: list[str] = []
    for first in ("main.js", "shell.js"):
        more = [first]
        for name in more:
            imported = re.findall(r"""\bfrom ?["']([^"'\n]+)["']""", scripts[name])
            found = [IMPORTS.get(each, each.removeprefix("./")) for each in imported]
            more += [each for each in dict.fromkeys(found) if each in scripts and each not in (*needed, *more)]
        needed += more
    return needed


def _links(modules: Iterable[str]) -> str:
    """Each of these modules is asked for at once, not when the one that imports it has come."""
    return "\n    ".join(f'<link rel="modulepreload" href="{html.escape(module)}" />' for module in modules)
