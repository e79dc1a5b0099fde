"""The page as a server serves it: its addresses, what caches may do, its policy, and how much of it there is."""

import base64
import gzip
import hashlib
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path, PurePosixPath

import httpx
import pytest

from tests.support.processes import Server, serving
from tests.web.served import TEMPLATES, addresses_in, import_map_of, kept_by_the_worker, version_of
from todo.web.content import FOLDER

pytestmark = pytest.mark.slow

BUDGET = 60_000
"""Bytes, compressed, of all that a first visit loads."""

PLAIN = {"Accept-Encoding": "identity"}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    """A server below /todo."""
    with serving(tmp_path_factory.mktemp("below"), database_url=database_url, root_path="/todo") as running:
        yield running


@pytest.fixture(scope="module")
def without_page(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("off"), database_url=database_url, page="off") as running:
        yield running


class TestDocument:
    def test_the_root_is_a_page_that_says_where_it_is(self, server: Server) -> None:
        response = server.http.get("/")

        assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert re.search(r'<html lang="en" data-root="" data-accounts="built-in" data-version="', response.text)
        assert 'data-mail="off" data-mcp="off"' in response.text
        assert "$" not in response.text
        assert response.headers["cache-control"] == "no-cache"

    def test_its_policy_lets_nothing_run_but_the_pages_own_files(self, server: Server) -> None:
        response = server.http.get("/")
        digest = hashlib.sha256(import_map_of(response.text).encode()).digest()

        [policy] = response.headers.get_list("content-security-policy")
        assert policy == (
            f"default-src 'none'; script-src 'self' 'sha256-{base64.b64encode(digest).decode()}'; style-src 'self'; "
            "img-src 'self' data:; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types todo"
        )
        assert response.headers["cross-origin-opener-policy"] == "same-origin"
        off = "camera=(), microphone=(), geolocation=(), payment=(), usb=()"
        assert response.headers["permissions-policy"] == off

    def test_everything_it_names_is_served(self, server: Server) -> None:
        addresses = addresses_in(server.http.get("/").text)

        assert len(addresses) > 6
        assert [each for each in addresses if server.http.get(each).status_code != 200] == []

    def test_every_worker_serves_the_same(self, tmp_path: Path, database_url: str) -> None:
        seen = set()
        with serving(tmp_path, database_url=database_url, workers=2) as server:
            for _ in range(20):  # a connection each, which either worker may take
                response = httpx.get(f"http://127.0.0.1:{server.port}/")
                seen.add((response.headers["etag"], response.text))

        assert len(seen) == 1

    def test_it_knows_that_accounts_are_external(self, tmp_path: Path, empty_url: str) -> None:
        with serving(tmp_path, "--migrate", database_url=empty_url, jwt_secret="x" * 32) as server:
            assert 'data-accounts="external"' in server.http.get("/").text


class TestCaching:
    @pytest.mark.parametrize("path", ["/", "/sw.js", "/manifest.webmanifest"])
    def test_a_current_copy_is_not_sent_again(self, server: Server, path: str) -> None:
        whole = server.http.get(path)
        again = server.http.get(path, headers={"If-None-Match": whole.headers["etag"]})

        assert re.fullmatch(r'"[0-9a-f]{32}-br"', whole.headers["etag"])
        assert (again.status_code, again.content) == (304, b"")
        assert whole.headers["cache-control"] == "no-cache"
        of_the_body = {"content-type", "content-length", "content-encoding", "date"}
        # A browser replaces the headers of its copy by these, the policy included.
        assert dict(again.headers).items() >= {n: v for n, v in whole.headers.items() if n not in of_the_body}.items()

    def test_each_coding_has_a_tag_of_its_own_and_both_match(self, server: Server) -> None:
        """Also as a proxy that compresses rewrites them."""
        gzipped = server.http.get("/", headers={"Accept-Encoding": "gzip"}).headers["etag"]
        plain = server.http.get("/", headers=PLAIN).headers["etag"]

        assert gzipped == f'{plain[:-1]}-gzip"'
        for tags in (plain, gzipped, f"W/{plain}", f"W/{gzipped}", f'"x", {plain}', f'{plain[:-1]};br"', "*"):
            assert server.http.get("/", headers={"If-None-Match": tags}).status_code == 304, tags

    @pytest.mark.parametrize("tag", ['"0123456789abcdef0123456789abcdef"', '""', '"', "x", ""])
    def test_another_copy_is_replaced(self, server: Server, tag: str) -> None:
        assert server.http.get("/", headers={"If-None-Match": tag}).status_code == 200

    @pytest.mark.parametrize("name", ["vendor/preact.js", "style.css", "icons/icon.svg", "icons/icon-192.png"])
    def test_files_of_a_version_are_kept_for_ever(self, server: Server, name: str) -> None:
        path = f"/page/{version_of(server)}/{name}"
        response = server.http.get(path)
        head = server.http.head(path)

        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert (response.status_code, head.status_code, head.content) == (200, 200, b"")
        assert head.headers["content-length"] == response.headers["content-length"]
        assert server.http.get(path, headers=PLAIN).content == (FOLDER / name).read_bytes()

    @pytest.mark.parametrize("version", ["000000000000", "x", "%2e%2e"])
    def test_another_version_is_not_served_and_not_kept(self, server: Server, version: str) -> None:
        response = server.http.get(f"/page/{version}/main.js")

        assert (response.status_code, response.headers["cache-control"]) == (404, "no-store")
        assert response.headers["content-type"] == "application/problem+json"

    @pytest.mark.parametrize(
        ("suffix", "kind"),
        [
            (".js", "text/javascript; charset=utf-8"),
            (".css", "text/css; charset=utf-8"),
            (".svg", "image/svg+xml"),
            (".png", "image/png"),
        ],
    )
    def test_every_file_has_its_content_type(self, server: Server, suffix: str, kind: str) -> None:
        version = version_of(server)
        names = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob(f"*{suffix}")} - TEMPLATES

        assert names
        for name in names:
            assert server.http.get(f"/page/{version}/{name}").headers["content-type"] == kind


class TestCompression:
    @pytest.mark.parametrize(
        "accepted",
        ["gzip", "GZIP", "br;q=0.5, gzip", "gzip;q=0.001", "x-gzip", "br;q=0, *", "br ; q=0,\tgzip ; q=1"],
    )
    def test_text_is_gzipped_for_a_client_that_accepts_that(self, server: Server, accepted: str) -> None:
        for path in ("/", f"/page/{version_of(server)}/main.js"):
            response = server.http.get(path, headers={"Accept-Encoding": accepted})

            assert (response.headers["content-encoding"], response.headers["vary"]) == ("gzip", "Accept-Encoding")
            assert response.text == server.http.get(path, headers=PLAIN).text
            assert int(response.headers["content-length"]) < len(response.content)

    @pytest.mark.parametrize(
        "accepted", ["br", "BR", "gzip, deflate, br, zstd", "*", "gzip;q=0.000, *", "identity;q=0, *;q=0.5", "br;q=0.1"]
    )
    def test_it_is_brotli_for_a_client_that_accepts_that(self, server: Server, accepted: str) -> None:
        path = f"/page/{version_of(server)}/main.js"
        response = server.http.get(path, headers={"Accept-Encoding": accepted})

        assert (response.headers["content-encoding"], response.headers["vary"]) == ("br", "Accept-Encoding")
        assert response.text == server.http.get(path, headers=PLAIN).text

    @pytest.mark.parametrize(
        "accepted", ["", "identity", "zstd", "gzip;q=0", "gzip;q=0.000, br;q=0", "*;q=0", "gzip;q=x", "gz"]
    )
    def test_it_is_sent_as_it_is_otherwise(self, server: Server, accepted: str) -> None:
        response = server.http.get("/", headers={"Accept-Encoding": accepted})

        assert "content-encoding" not in response.headers
        assert response.headers["vary"] == "Accept-Encoding"
        assert int(response.headers["content-length"]) == len(response.content)

    def test_it_is_compressed_as_well_as_gzip_can(self, server: Server) -> None:
        response = server.http.get("/", headers={"Accept-Encoding": "gzip"})

        assert int(response.headers["content-length"]) == len(gzip.compress(response.content, 9))

    def test_pictures_are_sent_as_they_are(self, server: Server) -> None:
        response = server.http.get(f"/page/{version_of(server)}/icons/icon-512.png")

        assert "content-encoding" not in response.headers
        assert "vary" not in response.headers


class TestFolder:
    @pytest.mark.parametrize(
        "name",
        [
            *(
                "index.html",
                "sw.js",
                "manifest.webmanifest",
                "api.d.ts",
                "types.d.ts",
                "vendor/vendor.json",
                "",
                "icons",
            ),
            *("../content.py", "..%2fcontent.py", "%2e%2e/content.py", "icons/../main.js", "./main.js", "/etc/passwd"),
            *("main.js%00", "main.js%0a", "main", "MAIN.JS", "icons//icon.svg", "icons%5Cicon.svg", "//", "%C0%AE"),
        ],
    )
    def test_nothing_but_its_assets_is_served(self, server: Server, name: str) -> None:
        with closing(HTTPConnection("127.0.0.1", server.port)) as connection:  # which sends the path as it is
            connection.request("GET", f"/page/{version_of(server)}/{name}")
            response = connection.getresponse()

        assert (response.status, response.getheader("cache-control")) == (404, "no-store")

    def test_all_of_it_is_in_the_wheel(self, root: Path, tmp_path: Path) -> None:
        hatchling = Path(sys.executable).parent / "hatchling"
        subprocess.run([hatchling, "build", "-t", "wheel", "-d", tmp_path], cwd=root, capture_output=True, check=True)
        [wheel] = tmp_path.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for path in FOLDER.rglob("*"):
                if path.is_file():
                    name = PurePosixPath("todo/web/page", path.relative_to(FOLDER).as_posix())
                    assert archive.read(str(name)) == path.read_bytes()

    def test_a_first_visit_loads_little(self, server: Server) -> None:
        page = server.http.get("/").text
        loaded = {"/", "/sw.js", "/manifest.webmanifest", *kept_by_the_worker(server), *addresses_in(page)}
        links = {each for each in loaded if each.endswith(("/docs", "apple-touch-icon.png"))}  # which it does not load
        sizes = {path: int(server.http.head(path).headers["content-length"]) for path in loaded - links}

        assert sum(sizes.values()) <= BUDGET, sorted(sizes.items(), key=lambda each: -each[1])


class TestManifest:
    def test_it_names_an_app_with_icons_and_shortcuts(self, server: Server) -> None:
        response = server.http.get("/manifest.webmanifest")
        manifest = response.json()

        assert response.headers["content-type"] == "application/manifest+json"
        assert (manifest["name"], manifest["display"]) == ("Todo", "standalone")
        assert {each["url"] for each in manifest["shortcuts"]} == {"/#/inbox?new", "/#/today"}
        assert {each["purpose"] for each in manifest["icons"]} == {"any", "maskable"}
        for icon in manifest["icons"]:
            picture = server.http.get(icon["src"])
            assert (picture.status_code, picture.headers["content-type"]) == (200, icon["type"])
            if icon["type"] == "image/png":
                width, height = (int.from_bytes(picture.content[at : at + 4]) for at in (16, 20))
                assert f"{width}x{height}" == icon["sizes"]


class TestRootPath:
    @pytest.mark.parametrize("sent", ["", "/todo"])
    def test_every_address_of_the_page_has_the_prefix(self, published: Server, sent: str) -> None:
        page = published.http.get(f"{sent}/").text
        manifest = published.http.get(f"{sent}/manifest.webmanifest").json()
        icons = [icon["src"] for icon in manifest["icons"]]
        imports = json.loads(import_map_of(page))["imports"]
        addresses = [*addresses_in(page), *icons, *imports.values(), *kept_by_the_worker(published)]

        assert 'data-root="/todo"' in page
        assert [each for each in addresses if not each.startswith("/todo/")] == []
        assert [each for each in (*addresses_in(page), *icons) if published.http.get(each).status_code != 200] == []
        assert (manifest["start_url"], manifest["scope"], manifest["id"]) == ("/todo/", "/todo/", "/todo/")
        assert published.http.get(addresses[0].removeprefix("/todo")).status_code == 200  # as a proxy strips it

    def test_the_prefix_alone_is_the_page_too(self, published: Server) -> None:
        assert published.http.get("/todo").text == published.http.get("/todo/").text


class TestWithoutPage:
    def test_the_root_leads_to_the_docs(self, without_page: Server) -> None:
        response = without_page.http.get("/")

        assert (response.status_code, response.headers["location"]) == (307, "/docs")

    @pytest.mark.parametrize("path", ["/page/{version}/main.js", "/manifest.webmanifest", "/index.html"])
    def test_none_of_its_files_is_served(self, server: Server, without_page: Server, path: str) -> None:
        assert without_page.http.get(path.format(version=version_of(server))).status_code == 404

    def test_a_worker_remains_that_ends_itself(self, without_page: Server) -> None:
        response = without_page.http.get("/sw.js")

        assert response.headers["content-type"] == "text/javascript; charset=utf-8"
        assert response.headers["cache-control"] == "no-cache"
        assert "registration.unregister()" in response.text
        assert "fetch" not in response.text
