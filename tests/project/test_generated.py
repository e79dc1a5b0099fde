"""What the docs take from the code is up to date: `python -m generate`."""

import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import pytest

from generate import ARCHITECTURE, CONFIGURATION, PICTURE, configuration, generated, imports, picture
from todo.settings import Settings


@pytest.fixture(scope="module")
def found() -> imports.Imports:
    return imports.of_package(Path(__file__).parents[2])


@pytest.mark.parametrize("name", [ARCHITECTURE, CONFIGURATION, PICTURE])
def test_it_is_what_the_code_says(root: Path, name: str) -> None:
    assert (root / name).read_text() == generated(root)[name], "run `python -m generate`"


def test_the_picture_has_every_package_and_its_imports(found: imports.Imports) -> None:
    text = picture.drawn(found)
    svg = ET.fromstring(text)
    space = {"": "http://www.w3.org/2000/svg"}
    names = {each.text for each in svg.findall("text", space)} - {None}
    folders = {path.stem for path in (Path(__file__).parents[2] / "todo").glob("[a-z]*") if path.suffix in {"", ".py"}}
    assert names >= folders - {"page"} >= {"cli", "tasks", "migrations", "settings"}
    assert found.counts["tasks", "db"] > 20
    assert ("db", "tasks") not in found.counts
    assert len(svg.findall("path", space)) == len(found.counts)
    assert svg.findtext("title", namespaces=space)
    assert "tasks imports api (" in str(svg.findtext("desc", namespaces=space))
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")


def test_every_package_says_what_it_is_for(found: imports.Imports) -> None:
    assert [name for name, purpose in found.purposes.items() if not purpose] == []


def test_imports_that_another_way_implies_are_pale(found: imports.Imports) -> None:
    essential = found.essential()
    assert ("tasks", "api") in essential
    assert ("tasks", "db") not in essential  # by way of api and auth
    assert {target for _, target in essential} == {target for _, target in found.counts}


def test_a_new_package_and_a_layer_of_many_are_drawn(found: imports.Imports) -> None:
    many = [f"package_{number}" for number in range(9)]
    more = found._replace(
        rows=[*found.rows, many],
        counts={**found.counts, ("tasks", "package_1"): 3, ("package_1", "package_7"): 2},
    )
    svg = ET.fromstring(picture.drawn(more))
    width = float(svg.attrib["viewBox"].split()[2])
    boxes = [each for each in svg.iter("{http://www.w3.org/2000/svg}rect") if "box" in each.attrib.get("class", "")]
    spans = sorted((float(b.attrib["y"]), float(b.attrib["x"]), float(b.attrib["width"])) for b in boxes)
    for (y, x, size), (next_y, next_x, _) in pairwise(spans):
        assert y != next_y or x + size < next_x
    assert all(x >= 0 and x + size <= width for _, x, size in spans)


HEAD = "| setting | default | meaning |\n|---|---|---|\n"


def test_a_row_keeps_its_text_and_gets_its_limits() -> None:
    rows = "| `PORT` | `1` | The *port*, or 8000 \\| 8001. |\n| `GONE` | `1` | No longer. |\n"
    text = configuration.updated(f"# Configuration\n\n{HEAD}{rows}\nMore.\n")

    assert "| `PORT` | `8000` | whole number ≥ 0, ≤ 65,535 | The *port*, or 8000 \\| 8001. |\n" in text
    assert "GONE" not in text
    assert f"| `WORKERS` | `1` | whole number ≥ 1, ≤ 256 | {Settings.model_fields['workers'].description} |" in text
    assert "| `LOG_LEVEL` | `info` | `debug`, `info`, `warning`, `error` |" in text
    assert "| `POOL_TIMEOUT` | `5` | number > 0, ≤ 300 |" in text
    assert "| `MANUAL` | `auto` | `auto`, `off` |" in text
    assert text.startswith("# Configuration\n\n| setting | default | values | meaning |")
    assert text.endswith("\nMore.\n")
    assert configuration.updated(text) == text


@pytest.mark.parametrize("page", ["# Configuration\n", HEAD + "| `PORT` |\n", HEAD + "| `PORT` | `1` | a | b | c |\n"])
def test_a_table_that_cannot_be_read_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="settings"):
        configuration.updated(page)
