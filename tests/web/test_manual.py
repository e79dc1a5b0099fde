"""The manual: the site that MkDocs builds of docs/, and how the server serves it at /manual."""

import asyncio
import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import httpx
import pytest

from tests.support.manual import wait_for_the_manual
from tests.support.processes import Server, serving
from todo.web.manual import cache
from todo.web.manual.contents import sections
from todo.web.manual.links import LINK, rewritten, site_path

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

LOADED = {"img": "src", "script": "src", "iframe": "src", "source": "srcset", "use": "href", "video": "src"}
LOADED_BY_LINK = {"stylesheet", "icon", "preload", "modulepreload", "preconnect", "dns-prefetch", "manifest"}


class Found(HTMLParser):
    """What a page loads, where its links lead, and the ids in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.forbidden: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids |= {given[name] for name in ("id", "name") if name in given}
        self.forbidden += [f"{tag} {name}" for name in given if name == "style" or name.startswith("on")]
        self.forbidden += ["style"] if tag == "style" else []
        if (name := LOADED.get(tag)) in given:
            self.loaded.append(given[str(name)])
        if tag == "link" and LOADED_BY_LINK & set(given.get("rel", "").split()):
            self.loaded.append(given["href"])
        if tag == "a" and "href" in given:
            self.links.append(given["href"])


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("manual") / "site"
    mkdocs = Path(sys.executable).parent / "mkdocs"
    command = [str(mkdocs), "build", "--strict", "--quiet", "--site-dir", str(folder)]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return folder


@pytest.fixture(scope="module")
def pages(built: Path) -> dict[str, Found]:
    found = {path.relative_to(built).as_posix(): path.read_text() for path in built.rglob("*.html")}
    return {name: Found(text) for name, text in found.items() if name != "404.html"}


def test_the_site_loads_nothing_from_elsewhere(built: Path, pages: dict[str, Found]) -> None:
    """Nor has it what its Content-Security-Policy would have to allow: styles and handlers in the text."""
    for name, page in pages.items():
        assert [each for each in page.loaded if urlsplit(each).netloc or each.startswith("//")] == [], name
        assert page.forbidden == [], name
    for style in built.rglob("*.css"):
        assert re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)]*", style.read_text()) == [], style
    for picture in built.rglob("*.svg"):
        assert re.findall(r"(?:href|src)=\"(?:https?:)?//", picture.read_text()) == [], picture
    # The theme's script fetches mermaid for such an element, and facts of a repository for another: there are none.
    assert not [name for name in pages if re.search(r'class="?mermaid|md-source"', (built / name).read_text())]


def test_every_link_leads_to_a_page_and_a_heading(built: Path, pages: dict[str, Found]) -> None:
    for name, page in pages.items():
        for link in page.links + page.loaded:
            if urlsplit(link).scheme:
                assert urlsplit(link).scheme in {"http", "https"}, (name, link)
                continue
            address, anchor = urldefrag(urljoin(name, link))
            address = unquote(address)
            assert (built / address).is_file(), (name, link)
            assert not anchor or not address.endswith(".html") or unquote(anchor) in pages[address].ids, (name, link)


def test_every_page_is_in_the_navigation_and_in_llms_txt(root: Path, built: Path) -> None:
    index = (root / "docs" / "README.md").read_text()
    listed = {entry.path for entries in sections(index).values() for entry in entries}
    pages = {path.relative_to(root / "docs").as_posix() for path in (root / "docs").rglob("*.md")} - {"README.md"}
    assert pages - listed == set(), "link them from docs/README.md"

    text = (built / "llms.txt").read_text()
    assert re.match(r"# todo\n\n> .+\n\n## Tutorial\n\n- \[", text)
    linked = LINK.findall(text)
    assert {path.removesuffix(".md") + ".html.md" for path in pages} <= {path for path, _ in linked}
    assert all((built / path).read_text().strip() for path, _ in linked)
    full = (built / "llms-full.txt").read_text()
    assert (root / "docs" / "reference" / "glossary.md").read_text().strip() in full


def test_links_that_leave_the_docs_lead_to_the_files_of_the_repository(root: Path, built: Path) -> None:
    page = built / "repository" / "examples" / "sync.py.html"
    text = re.sub(r"<[^>]+>", "", page.read_text())
    assert "def main" in text or "import" in text
    assert (built / "repository" / "examples" / "react" / "index.html").is_file()
    assert site_path("examples/react/README.md") == "repository/examples/react/README.md"
    assert rewritten(
        "[a](../../examples/sync.py#L1) [b](api.md#x) [c](https://example.com)", "docs/reference/x.md"
    ) == ("[a](../repository/examples/sync.py.md#L1) [b](api.md#x) [c](https://example.com)")
    assert rewritten("```\n[a](../x.py)\n```\n", "docs/x.md") == "```\n[a](../x.py)\n```\n"
    assert not (root / "site").exists() or "/site/" in (root / ".gitignore").read_text()


@pytest.fixture(scope="module")
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def manual(tmp_path_factory: pytest.TempPathFactory, database_url: str, cache_home: Path) -> Iterator[Server]:
    """Two workers, without the page."""
    settings: dict[str, Any] = {"manual": "auto", "xdg_cache_home": cache_home, "workers": 2, "page": "off"}
    with serving(tmp_path_factory.mktemp("manual"), database_url=database_url, **settings) as running:
        wait_for_the_manual(running)
        yield running


def test_it_is_built_once_for_all_processes_and_kept(manual: Server, cache_home: Path, tmp_path: Path) -> None:
    time.sleep(2 * cache.PAUSE)
    [kept] = (cache_home / "todo").glob("*.zip")
    built_at = kept.stat().st_mtime_ns
    for _ in range(20):  # either worker
        with httpx.Client(base_url=manual.http.base_url) as client:
            assert client.get("/manual/reference/glossary.html").status_code == 200
    assert list((cache_home / "todo").glob("tmp*")) == []
    with serving(tmp_path, manual="auto", xdg_cache_home=cache_home, port=None, **_database(manual)) as next_one:
        wait_for_the_manual(next_one)
    assert kept.stat().st_mtime_ns == built_at


def _database(server: Server) -> dict[str, str]:
    import psutil

    return {"database_url": psutil.Process(server.process.pid).environ()["DATABASE_URL"]}


def test_a_page_has_a_policy_a_tag_and_is_compressed(manual: Server) -> None:
    page = manual.http.get("/manual/reference/glossary.html")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self' 'sha256-")
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["content-encoding"] == "gzip"
    plain = manual.http.get("/manual/reference/glossary.html", headers={"Accept-Encoding": "identity"})
    assert plain.content == page.content
    assert "content-encoding" not in plain.headers
    assert plain.headers["etag"] != page.headers["etag"]

    for tag in (page.headers["etag"], plain.headers["etag"], f"W/{plain.headers['etag']}", "*"):
        again = manual.http.get("/manual/reference/glossary.html", headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["content-security-policy"] == policy
    assert manual.http.get("/manual/index.html", headers={"If-None-Match": page.headers["etag"]}).status_code == 200
    head = manual.http.head("/manual/reference/glossary.html")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", page.headers["etag"])


def test_the_search_index_llms_txt_and_pictures_are_served(manual: Server) -> None:
    assert len(manual.http.get("/manual/search/search_index.json").json()["docs"]) > 100
    picture = manual.http.get("/manual/images/page-light-1000.png")
    assert (picture.headers["content-type"], picture.content[:4]) == ("image/png", b"\x89PNG")
    listed = manual.http.get("/llms.txt")
    assert listed.headers["content-type"] == "text/plain; charset=utf-8"
    for path, _ in LINK.findall(listed.text):
        assert manual.http.get(f"/{path}").status_code == 200, path
    assert manual.http.get("/llms-full.txt").text.count("\n# ") > 15


@pytest.mark.parametrize(
    "path",
    [
        "../settings.py",
        "%2e%2e/settings.py",
        "..%2fmkdocs.yml",
        "/etc/passwd",
        "manual.json",
        "sitemap.xml",
        "docs",
        "",
    ],
)
def test_no_other_file_is_served(manual: Server, path: str) -> None:
    response = manual.http.send(httpx.Request("GET", f"{manual.http.base_url}/manual/{path}"))
    if path == "":
        assert response.status_code == 307  # as without the slash
        return
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_a_person_sees_a_page_in_place_of_a_problem(manual: Server) -> None:
    response = manual.http.get("/manual/nothing.html", headers={"Accept": "text/html"})

    assert (response.status_code, response.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "It begins at /manual." in response.text


def test_below_a_path_and_without_its_prefix(tmp_path: Path, database_url: str, cache_home: Path) -> None:
    with serving(
        tmp_path, database_url=database_url, manual="auto", xdg_cache_home=cache_home, root_path="/todo"
    ) as server:
        page = wait_for_the_manual(server, "/todo")
        assert page.status_code == 200
        assert server.http.get("/manual/index.html").content == page.content
        for path in Found(page.text).loaded:
            assert server.http.get(urljoin("/todo/manual/index.html", path)).status_code == 200, path
        [first, *_] = LINK.findall(server.http.get("/todo/llms.txt").text)
        assert server.http.get(f"/todo/{first[0]}").status_code == 200


def test_switched_off_there_is_none_and_nothing_is_built(tmp_path: Path, database_url: str) -> None:
    with serving(tmp_path, database_url=database_url, manual="off", xdg_cache_home=tmp_path) as server:
        for path in ("/manual", "/manual/index.html"):
            response = server.http.get(path)
            assert response.status_code == 404
            assert response.json()["detail"] == "The manual is switched off here: MANUAL=auto serves it."
        assert server.http.get("/llms.txt").status_code == 404
        assert not (tmp_path / "todo").exists()


def test_where_nothing_can_be_written_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nothing")
    monkeypatch.setattr(tempfile, "tempdir", "/proc/nothing")
    with pytest.raises(cache.CannotBuild, match="TMPDIR or XDG_CACHE_HOME"):
        asyncio.run(cache.site())


def test_a_folder_that_others_may_write_to_is_not_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "cache" / "todo").mkdir(parents=True)
    (tmp_path / "cache" / "todo").chmod(0o777)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert cache._folder().parent == tmp_path


def test_a_build_that_fails_is_logged_and_answered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "mkdocs.yml").write_text("site_name: todo\ntheme: {name: not-there}\n")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(cache, "sources", lambda: tmp_path)
    with pytest.raises(cache.CannotBuild, match="log says why"):
        asyncio.run(cache.site())
    assert "not-there" in caplog.text


def test_the_process_that_builds_gets_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "mkdocs.yml").write_text("site_name: todo\nsite_author: !ENV [DATABASE_URL, none]\nuse: [\n")
    assert not {"DATABASE_URL", "JWT_SECRET", "SMTP_URL"} & set(cache.PASSED_ON)
    monkeypatch.setenv("DATABASE_URL", "postgresql://ada:hunter2@localhost/todo")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    show = tmp_path / "show.py"
    show.write_text("import json, os, sys\nopen(sys.argv[4], 'w').write(json.dumps(dict(os.environ)))\n")
    command = asyncio.create_subprocess_exec
    seen = tmp_path / "environment.json"

    async def started(*given: str, **options: Any) -> Any:
        return await command(sys.executable, str(show), *given[2:], str(seen), **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", started)
    asyncio.run(cache._build(tmp_path, tmp_path / "manual-x.zip"))
    assert "hunter2" not in seen.read_text()
    assert "PATH" in json.loads(seen.read_text())


def test_the_file_is_whole_or_not_there(built: Path, tmp_path: Path) -> None:
    from todo.web.manual.files import load, pack

    pack(built, tmp_path / "manual-1.zip")
    pack(built, tmp_path / "manual-2.zip")
    first, second = load(tmp_path / "manual-1.zip"), load(tmp_path / "manual-2.zip")
    assert first == second
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["manual-1.zip", "manual-2.zip"]
    assert not [name for name in first.files if name.endswith((".map", ".xml", ".gz", ".py"))]
    page = first.files["index.html"]
    assert gzip.decompress(page.body) == (built / "index.html").read_bytes()
