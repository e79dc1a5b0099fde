"""Which package of `todo` imports which, how often: from the code, as import-linter reads it."""

import ast
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import grimp


class Imports(NamedTuple):
    rows: Sequence[Sequence[str]]
    """The packages by layer, the topmost first; what is in no layer is in the first."""
    outside: frozenset[str]
    """Packages in no layer: Alembic runs the migrations."""
    counts: Mapping[tuple[str, str], int]
    """Imports between modules, by the package that imports and the one that is imported."""
    purposes: Mapping[str, str]
    """The first sentence of each package's docstring."""

    def essential(self) -> set[tuple[str, str]]:
        """The imports that no other way down implies (the transitive reduction)."""
        below: dict[str, set[str]] = {}

        def reached(package: str) -> set[str]:
            if package not in below:
                direct = {target for source, target in self.counts if source == package}
                below[package] = direct.union(*map(reached, direct))
            return below[package]

        return {
            (source, target)
            for source, target in self.counts
            if not any((source, other) in self.counts and target in reached(other) for other in self._packages())
        }

    def _packages(self) -> list[str]:
        return [package for row in self.rows for package in row]


def of_package(root: Path) -> Imports:
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    [layers] = [contract for contract in settings["contracts"] if contract["type"] == "layers"]
    hidden = settings["exclude_type_checking_imports"]
    graph = grimp.build_graph(settings["root_package"], exclude_type_checking_imports=hidden, cache_dir=None)
    packages = {name.split(".")[1] for name in graph.modules if "." in name}
    rows = [[name for name in re.split(r" *[|:] *", layer) if name in packages] for layer in layers["layers"]]
    outside = packages - {name for row in rows for name in row}
    rows[0] = [*rows[0], *sorted(outside)]

    counts: Counter[tuple[str, str]] = Counter()
    for module in sorted(graph.modules):
        for target in graph.find_modules_directly_imported_by(module):
            pair = (_package(module), _package(target))
            if all(pair) and pair[0] != pair[1]:
                counts[pair] += 1
    purposes = {name: _purpose(root / settings["root_package"], name) for name in sorted(packages)}
    return Imports([row for row in rows if row], frozenset(outside), dict(sorted(counts.items())), purposes)


def _package(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def _purpose(folder: Path, name: str) -> str:
    path = folder / name / "__init__.py" if (folder / name).is_dir() else folder / f"{name}.py"
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return re.split(r"\.(?:\s|$)", " ".join(said.split("\n\n")[0].split()))[0]
