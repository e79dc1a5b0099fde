"""`todo import`, `todo export`, and the backup of one user, over HTTP."""

import json
import stat

import pytest

from tests.support.command_line import Person

pytestmark = pytest.mark.slow

TODO_TXT = "(A) Call Bob +family due:2027-01-01\nx 2026-01-01 2025-12-31 Paint the fence\n"


def test_a_file_is_imported_once_and_taken_back_by_undo(ada: Person) -> None:
    file = ada.folder / "todo.txt"
    file.write_text(TODO_TXT)

    assert ada.asks("import", str(file), "--dry-run")["created"] == 2
    assert ada.titles("--all") == []
    assert "2 of 2 tasks imported (todotxt)" in ada.does("import", str(file), "--format", "todotxt")
    assert sorted(ada.titles("--all")) == ["Call Bob", "Paint the fence"]
    again = ada.asks("import", str(file))
    assert (again["created"], again["existing"]) == (0, 2)
    assert "took back the creation of" in ada.does("undo")
    assert ada.titles("--all") == []


def test_what_is_lost_is_told_once_with_its_lines_the_rarest_first(ada: Person) -> None:
    document = "TYPE,CONTENT,PRIORITY\n" + "section,Home,\n" + "task,Milk,4\n" * 30 + "task,Bread,9\n"
    lines = ada.todo("import", "-", "--format", "todoist", input=document).stderr.splitlines()
    assert lines == [
        "line 33: PRIORITY is not 1 to 4; the task has none",
        "31 lines, from 3, 4, 5: its section is kept as a tag",
    ]


def test_a_file_with_mistakes_is_refused_with_their_lines(ada: Person) -> None:
    tasks = [{"id": f"01a2253b-109b-75c1-b5cc-802b6ca97c{n:02}", "title": title} for n, title in enumerate("AB", 1)]
    tasks[1]["due_date"] = "someday"
    document = json.dumps({"format": "todo", "version": 1, "tasks": [*tasks, {"title": ""}], "trash": []}, indent=1)

    done = ada.todo("import", "-", "--format", "json", input=document)

    assert (done.returncode, done.stdout) == (1, "")
    *lines, last = done.stderr.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("line ") for line in lines)
    assert last == "todo: nothing was imported: correct these, or add --partial to import the others"
    assert ada.titles("--all") == []
    partial = ada.todo("import", "-", "--format", "json", "--partial", input=document)
    assert partial.returncode == 0
    assert partial.stdout.startswith("1 of 3 tasks imported (json)")
    assert ada.titles("--all") == ["A"]
    assert "nothing was imported: " in ada.is_refused("import", "-", input="what is this")
    assert "cannot be read" in ada.is_refused("import", "/no/such/file")
    assert "--format" in ada.is_refused("import", "-", "--format", "doc", status=2)


def test_an_export_is_whole_private_and_never_overwrites(ada: Person) -> None:
    ada.adds("Water the ferns #home")

    document = json.loads(ada.does("export"))
    assert [task["title"] for task in document["tasks"]] == ["Water the ferns"]
    file = ada.folder / "tasks.csv"
    assert ada.todo("export", str(file)).returncode == 0
    assert "Water the ferns" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    assert "--force" in ada.is_refused("export", str(file))
    assert "no server answers" in ada.is_refused(
        "export", str(file), "--force", TODO_URL="http://127.0.0.1:1", TODO_TOKEN="x"
    )
    assert file.read_bytes() == before
    assert not [*ada.folder.glob("*.part")]


def test_the_url_and_a_token_are_enough_for_a_backup_of_one_user(ada: Person) -> None:
    token = ada.does("token", "create", "backup").strip()
    bob = Person(ada.server, ada.folder / "bob")
    bob.folder.mkdir()
    given = {"TODO_URL": ada.url, "TODO_TOKEN": token}
    bob.does("add", "Water the ferns", **given)
    file = ada.folder / "backup.json"

    done = bob.todo("backup", str(file), **given)

    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "all tasks of one user" in done.stderr
    assert json.loads(file.read_text())["tasks"][0]["title"] == "Water the ferns"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    restored = Person(ada.server, ada.folder / "carol")
    restored.folder.mkdir()
    restored.signs_in()
    assert "1 of 1 tasks imported (json)" in restored.does("restore-backup", str(file))
    assert restored.titles("--all") == ["Water the ferns"]
    for command in ("ls --inbox", "export", "import " + str(file), "add Another"):
        bob.does(*command.split(), **given)
    assert not (bob.folder / "config" / "login.json").exists()


def test_a_bar_of_progress_is_only_on_a_terminal(ada: Person) -> None:
    file = ada.folder / "todo.txt"
    file.write_text(TODO_TXT)

    assert ada.todo("import", str(file), "--dry-run").stderr == ""
    screen = ada.on_terminal("import", str(file))
    assert "sending" in screen.text
    assert "2 of 2 tasks imported" in screen.text
