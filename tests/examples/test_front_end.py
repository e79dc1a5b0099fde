"""What front-end.md shows: its files are those of the examples."""

from pathlib import Path

from tests.docs.snippets import ROOT, snippets

PAGE = "docs/how-to/front-end.md"


def test_the_page_shows_the_files_as_they_are() -> None:
    shown = [each for each in snippets() if each.page == PAGE and each.language == "ts"]
    assert len(shown) >= 4
    for each in shown:
        first, _, text = each.text.partition("\n")
        assert text == (ROOT / first.removeprefix("// ")).read_text(), each


def test_the_module_is_one_file_without_dependencies() -> None:
    text = Path(ROOT / "examples" / "fetch" / "todo.js").read_text()
    assert "import " not in text
    assert len(text.splitlines()) <= 180
