"""`todo edit` in an editor: what was typed is sent or kept, never lost."""

import re
import shlex
from pathlib import Path

import pytest

from tests.support.command_line import Person, short
from tests.support.processes import TODO

pytestmark = pytest.mark.slow


def editor(folder: Path, script: str) -> str:
    """An editor that is a shell script over the file, $1."""
    file = folder / "an editor"
    file.write_text(f"#!/bin/sh\nset -e\n{script}\n")
    file.chmod(0o755)
    return f"'{file}'"


def command(*arguments: str) -> str:
    """What the script of an editor runs, as somebody else who is faster."""
    return f"'{TODO}' {' '.join(map(shlex.quote, arguments))} >/dev/null"


def drafts(ada: Person) -> list[Path]:
    return sorted((ada.folder / "config" / "drafts").glob("*"))


def test_the_text_has_all_fields_and_what_is_changed_is_sent(ada: Person) -> None:
    task_id = ada.adds("Pay rent #home !high every month", "--note", "# to Bob\n\nby transfer", "--due", "2027-03-01")
    script = (
        f'cp "$1" "{ada.folder}/seen"\n'
        "sed -i 's/^title: .*/title: Pay: the rent/; s/^due: .*/due: 2027-03-02T09:00/; s/^priority: .*/priority:/;"
        's/^tags: .*/tags: home, #Bank/; s/by transfer/by cheque/\' "$1"'
    )

    task = ada.asks("edit", short(task_id), EDITOR=editor(ada.folder, script))

    seen = (ada.folder / "seen").read_text()
    assert "title: Pay rent\ndue: 2027-03-01\npriority: high\ntags: home\nrepeats: monthly\n\n# to Bob\n\nby" in seen
    assert (task["title"], task["due_date"], task["priority"]) == ("Pay: the rent", "2027-03-02T09:00", None)
    assert (task["tags"], task["recurrence"]) == (["home", "Bank"], "monthly")
    assert task["description"] == "# to Bob\n\nby cheque"
    assert drafts(ada) == []
    revision = task["revision"]
    assert ada.asks("edit", short(task_id), VISUAL="true", EDITOR="false")["revision"] == revision


def test_a_change_of_other_fields_meanwhile_is_kept_with_ours(ada: Person) -> None:
    task_id = ada.adds("Water the ferns")
    script = f"{command('edit', task_id, '--priority', 'urgent')}\nsed -i 's/ferns/roses/' \"$1\""

    task = ada.asks("edit", task_id, EDITOR=editor(ada.folder, script))

    assert (task["title"], task["priority"]) == ("Water the roses", "urgent")
    assert drafts(ada) == []


def test_a_conflict_keeps_both_texts(ada: Person) -> None:
    task_id = ada.adds("Water the ferns")
    script = (
        f"{command('edit', task_id, '--title', 'Water the cacti')}\n"
        "sed -i 's/ferns/roses/' \"$1\"\necho 'A long text.' >> \"$1\""
    )

    line = ada.is_refused("edit", task_id, EDITOR=editor(ada.folder, script))

    assert "somebody else changed title meanwhile, and nothing was overwritten" in line
    assert ada.asks("show", task_id)["title"] == "Water the cacti"
    mine, theirs = (Path(each) for each in re.findall(r"(?:your text is in|as it is now in) (\S+?)[,:]", line))
    assert "title: Water the roses\n" in mine.read_text()
    assert mine.read_text().endswith("A long text.\n")
    assert "title: Water the cacti\n" in theirs.read_text()
    assert {mine.stat().st_mode & 0o777, theirs.stat().st_mode & 0o777} == {0o600}

    task = ada.asks("edit", task_id, "--file", str(mine))
    assert (task["title"], task["description"]) == ("Water the roses", "A long text.")
    assert mine.exists()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'title: Typed' > \"$1\"; exit 3", "ended with status 3"),
        ("printf 'title: Typed\\nwhen: now\\n' > \"$1\"", "is no field"),
        ("printf 'title:\\n\\nTyped' > \"$1\"", "title is missing"),
        ("printf 'title: Typed\\ndue: someday\\n' > \"$1\"", "is no date"),
        ("printf 'title: Typed\\npriority: huge\\n' > \"$1\"", "priority"),
    ],
)
def test_a_text_that_cannot_be_sent_is_kept(ada: Person, script: str, words: str) -> None:
    task_id = ada.adds("Water the ferns")

    line = ada.is_refused("edit", task_id, EDITOR=editor(ada.folder, script))

    assert words in line
    [draft] = drafts(ada)
    assert f"`todo edit {task_id} --file {draft}`" in line
    assert "Typed" in draft.read_text()
    assert ada.asks("show", task_id)["title"] == "Water the ferns"


def test_a_text_comes_from_standard_input(ada: Person) -> None:
    task_id = ada.adds("Water the ferns today")

    ada.does("edit", short(task_id), "--file", "-", input="title: Water the roses\r\n\r\nTwice.\r\n")

    task = ada.asks("show", task_id)
    assert (task["title"], task["description"]) == ("Water the roses", "Twice.")
    assert task["due_date"]  # its line was left out
    refused = ada.is_refused("edit", short(task_id), "--file", "-", input="nonsense\n")
    assert "nonsense" in drafts(ada)[0].read_text()
    assert str(drafts(ada)[0]) in refused
    assert "no file" in ada.is_refused("edit", short(task_id), "--file", "/no/such/file")
    assert "no other option" in ada.is_refused("edit", short(task_id), "--file", "-", "--note", "x", status=2)


def test_an_editor_that_is_missing_is_named(ada: Person) -> None:
    assert "cannot be started" in ada.is_refused("edit", ada.adds("Task"), EDITOR="/no/such/editor")
