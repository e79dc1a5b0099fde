"""The page's modules as a start loads them: which, in what order, and which come later."""

import json
import re
from urllib.parse import urljoin

import pytest

from tests.support.processes import Server
from tests.web.served import TEMPLATES, import_map_of, kept_by_the_worker, version_of
from todo.web.content import FOLDER

pytestmark = pytest.mark.slow

SIGN_IN = {
    "main.js", "html.js", "requests.js", "local.js", "session.js", "signin.js",
    "vendor/preact.js", "vendor/hooks.js", "vendor/htm.js", "vendor/signals-core.js", "vendor/signals.js",
}  # fmt: skip
"""What the first screen needs. With the style sheet 12 files: two for each of the six connections of HTTP/1.1."""

LATER = {"agents.js", "mail.js", "review.js", "settings.js"}
"""Modules that are imported when they are first shown."""
ONLY_FOR_LATER = {"email.js", "files.js", "form.js"}
"""What they alone import."""
ONLINE = {"agents.js"}
"""Of no use without the server."""


def test_a_start_asks_for_its_modules_at_once_those_of_the_sign_in_first(server: Server) -> None:
    page = server.http.get("/").text
    modules = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.js")} - TEMPLATES

    preloaded = re.findall(r'<link rel="modulepreload" href="/page/[0-9a-f]{12}/([^"]+)" />', page)
    assert sorted(preloaded) == sorted(modules - LATER - ONLY_FOR_LATER)
    assert set(preloaded[: len(SIGN_IN)]) == SIGN_IN
    assert page.count('rel="stylesheet"') == 1
    assert page.index("importmap") < page.index("modulepreload")  # a later import map is ignored by some browsers


@pytest.mark.parametrize("name", sorted(LATER))
def test_a_module_for_later_is_imported_when_it_is_shown(name: str) -> None:
    importing = [path.name for path in FOLDER.glob("*.js") if re.search(rf"""import\("./{name}"\)""", path.read_text())]
    needing = [path.name for path in FOLDER.glob("*.js") if re.search(rf"""from "./{name}\"""", path.read_text())]

    assert (len(importing), needing) == (1, [])


def test_the_worker_keeps_every_module_that_works_without_the_server(server: Server) -> None:
    modules = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.js")} - TEMPLATES

    kept = {name.split("/", 3)[3] for name in kept_by_the_worker(server) if name.endswith(".js")}
    assert kept == modules - ONLINE
    assert server.http.get(f"/page/{version_of(server)}/agents.js").status_code == 200


def test_everything_that_a_module_imports_is_served(server: Server) -> None:
    page = server.http.get("/").text
    import_map = json.loads(import_map_of(page))["imports"]
    later = [f"/page/{version_of(server)}/{name}" for name in LATER | ONLY_FOR_LATER]
    for module in [*re.findall(r'"modulepreload" href="([^"]+)"', page), *later]:
        text = re.sub(r"/\*.*?\*/", "", server.http.get(module).text, flags=re.DOTALL)
        for name in re.findall(r"""\b(?:from|import)\s*\(?\s*["']([\w@./-]+)["']""", text):
            address = urljoin(module, name) if name.startswith(".") else import_map[name]
            assert server.http.get(address).status_code == 200, (module, name)


def test_modules_are_served_without_comments_and_with_their_line_numbers(server: Server) -> None:
    version = version_of(server)
    for path in sorted(FOLDER.glob("*.js")):
        if path.name not in TEMPLATES:
            source, served = path.read_text(), server.http.get(f"/page/{version}/{path.name}").text
            lines = [(at, line) for at, line in enumerate(served.splitlines()) if line.strip()]

            assert not re.search(r"/\*\*|^\s*//", served, re.MULTILINE), path.name
            written = source.splitlines()
            assert {at: line for at, line in lines if re.sub(r"/\*\*.*?\*/ ?", "", written[at]) != line} == {}
