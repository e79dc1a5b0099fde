"""What a server's page says of itself."""

import json
import re

from tests.support.processes import Server

TEMPLATES = {"index.html", "sw.js", "manifest.webmanifest"}
"""Files that are filled in, with addresses of their own."""


def version_of(server: Server) -> str:
    [version] = re.findall(r'data-version="([0-9a-f]{12})"', server.http.get("/").text)
    return str(version)


def import_map_of(page: str) -> str:
    [text] = re.findall(r'<script type="importmap">(.*?)</script>', page, re.DOTALL)
    return str(text)


def addresses_in(page: str) -> list[str]:
    return re.findall(r'(?:src|href)="([^"]+)"', page)


def kept_by_the_worker(server: Server) -> list[str]:
    [filled] = re.findall(r"^const PAGE = (\{.*\}) //", server.http.get("/sw.js").text, re.MULTILINE)
    assets: list[str] = json.loads(filled)["assets"]
    return assets
