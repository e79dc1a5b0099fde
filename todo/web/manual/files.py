"""The built site: packed into one file by the process that builds it, and held in memory by those that serve it."""

import base64
import gzip
import hashlib
import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".md": "text/markdown",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}
"""The files of the site that are served, by their suffix; no others are."""

LEFT_OUT = ("404.html", "assets/javascripts/lunr/")
"""A page with addresses of its own, and the search of other languages than English."""

SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
POLICY = (
    "default-src 'none'; script-src 'self' {scripts}; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What the theme needs: its own files, the pictures in its styles, the scripts in its pages by their hashes, and
a worker that searches."""

MANIFEST = "manual.json"


class File(NamedTuple):
    body: bytes
    """Compressed by gzip, but for pictures."""
    compressed: bool
    etag: str
    media_type: str


class Site(NamedTuple):
    files: Mapping[str, File]
    policy: str


def pack(site: Path, file: Path) -> None:
    """Write what is served of the folder `site` to `file`, a zip archive of compressed files, all or nothing."""
    names = sorted(path.relative_to(site).as_posix() for path in site.rglob("*") if path.suffix in TYPES)
    names = [name for name in names if not name.startswith(LEFT_OUT)]
    pages = [(site / name).read_text(encoding="utf-8") for name in names if name.endswith(".html")]
    scripts = sorted({script for page in pages for script in SCRIPT.findall(page)})
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    policy = POLICY.format(scripts=" ".join(f"'sha256-{each}'" for each in hashes))
    unfinished = file.with_suffix(".part")
    with zipfile.ZipFile(unfinished, "w") as archive:
        etags = {}
        for name in names:
            plain = (site / name).read_bytes()
            etags[name] = hashlib.sha256(policy.encode() + plain).hexdigest()[:32]
            archive.writestr(name, plain if name.endswith(".png") else gzip.compress(plain, 9, mtime=0))
        archive.writestr(MANIFEST, json.dumps({"policy": policy, "etags": etags}))
    unfinished.rename(file)


def load(file: Path) -> Site:
    """The site that `pack` wrote. Raises OSError, zipfile.BadZipFile, KeyError or ValueError for another file."""
    with zipfile.ZipFile(file) as archive:
        manifest = json.loads(archive.read(MANIFEST))
        files = {
            name: File(archive.read(name), not name.endswith(".png"), etag, TYPES[PurePosixPath(name).suffix])
            for name, etag in manifest["etags"].items()
        }
    return Site(files, manifest["policy"])
