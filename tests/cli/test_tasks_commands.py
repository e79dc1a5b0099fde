"""Commands on tasks, as other programs use them: lines with tabs, JSON, exit statuses."""

import json
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.support.command_line import Person, short

pytestmark = pytest.mark.slow


def test_words_become_a_task_on_this_machines_clock(ada: Person) -> None:
    words = ["Pay", "rent", "tomorrow", "9am", "#home", "!high", "every", "month"]
    task = json.loads(ada.does("add", "--json", *words, TZ="Pacific/Auckland"))

    tomorrow = datetime.now(ZoneInfo("Pacific/Auckland")).date() + timedelta(days=1)
    assert task["title"] == "Pay rent"
    assert task["due_date"] == f"{tomorrow}T09:00"
    assert (task["time_zone"], task["priority"], task["tags"]) == ("Pacific/Auckland", "high", ["home"])
    assert task["recurrence"] == "monthly"


def test_options_win_over_words(ada: Person) -> None:
    options = ("--note", "two\nlines", "--due", "2027-03-01 09:00", "--priority", "LOW", "--tag", "a", "-t", "b")
    task_id = ada.adds("Call Bob tomorrow !high #home", *options, "--repeat", "every 2 weeks")

    task = ada.asks("show", task_id)
    assert (task["title"], task["description"], task["due_date"]) == ("Call Bob", "two\nlines", "2027-03-01T09:00")
    assert (task["priority"], task["tags"], task["recurrence"]) == ("low", ["home", "a", "b"], "FREQ=WEEKLY;INTERVAL=2")


def test_lines_of_standard_input_are_a_task_each(ada: Person) -> None:
    done = ada.todo("add", "-", input=f"One today\n\n{'x' * 300}\nThree #home\r\n")

    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 2
    first, last = done.stderr.splitlines()
    assert first.startswith("todo: line 3: text: ")
    assert last == "todo: 1 line was not added"
    assert sorted(ada.titles("--inbox")) == ["One", "Three"]


def test_the_views(ada: Person) -> None:
    today = datetime.now(ZoneInfo("Europe/Berlin")).date()
    late, now = ada.adds("Late", "--due", str(today - timedelta(days=3))), ada.adds("Now today !urgent")
    later, never = ada.adds("Later in 3 days #garden"), ada.adds("Never")
    done, gone = ada.adds("Done today"), ada.adds("Gone")
    ada.does("done", short(done))
    ada.does("rm", short(gone))

    assert ada.titles() == ["Late", "Now"]
    assert set(ada.titles("--inbox")) == {"Late", "Now", "Later", "Never"}
    assert set(ada.titles("--all")) == {"Late", "Now", "Later", "Never", "Done"}
    assert ada.titles("--done") == ["Done"]
    assert ada.titles("--trash") == ["Gone"]
    assert ada.titles("--tag", "garden", "--search", "lat", "--due", "week") == ["Later"]
    assert ada.titles("--priority", "urgent,high") == ["Now"]
    assert ada.titles("--due", str(today - timedelta(days=3))) == ["Late"]
    assert ada.titles("--due", "in 3 days") == ["Later"]
    assert ada.titles("--inbox", "--sort", "title", "--limit", "2") == ["Late", "Later"]
    assert ada.does("ls") == f"{late}\t\t{today - timedelta(days=3)}\t\t\tLate\n{now}\t\t{today}\turgent\t\tNow\n"
    assert ada.asks("show", gone)["deleted_at"]
    assert {later, never}.isdisjoint({late, now})


def test_tasks_are_completed_together_and_one_undo_takes_it_back(ada: Person) -> None:
    ids = [ada.adds(f"Task {number}") for number in range(3)]

    assert ada.does("done", *map(short, ids)).split() == ids
    assert ada.titles("--inbox") == []
    assert "took back the completion of “Task 0”, “Task 1”, “Task 2”" in ada.does("undo")
    assert len(ada.titles("--inbox")) == 3

    ada.does("done", short(ids[0]), short(ids[1]))
    ada.does("undone", short(ids[0]))
    ada.does("done", "--undo", short(ids[1]))
    assert len(ada.titles("--inbox")) == 3
    line = ada.is_refused("done", short(ids[0]), "01a2253b-109b-75c1-b5cc-802b6ca97ceb")
    assert "01a2253b-109b-75c1-b5cc-802b6ca97ceb" in line
    assert "nothing was changed" in line
    assert len(ada.titles("--inbox")) == 3


def test_undo_goes_back_step_by_step_and_redoes(ada: Person) -> None:
    task_id = ada.adds("Water the ferns")
    ada.does("edit", short(task_id), "--title", "Water all ferns", "--priority", "high")
    ada.does("rm", short(task_id))

    assert "would take back the deletion of “Water all ferns”" in ada.does("undo", "--dry-run")
    assert ada.titles("--inbox") == []
    assert "took back the deletion" in ada.does("undo")
    said = ada.does("undo")
    assert "took back the change of priority and title of “Water the ferns”" in said or "“Water all ferns”" in said
    assert ada.titles("--inbox") == ["Water the ferns"]
    ada.does("undo", said.split()[-1])
    assert ada.titles("--inbox") == ["Water all ferns"]
    assert "took back the change of" in ada.does("undo")  # what was redone counts again
    ada.does("undo")
    assert ada.titles("--all") == []
    assert "nothing to take back" in ada.is_refused("undo")
    assert "no change 999 that is kept" in ada.is_refused("undo", "999")


def test_edit_changes_what_is_named(ada: Person) -> None:
    task_id = ada.adds("Pay rent tomorrow 9am #home #money every month", "--note", "to the landlord")

    options = ("--due", "none", "--repeat", "none", "--priority", "urgent", "--tag", "Bank", "--untag", "HOME")
    task = ada.asks("edit", short(task_id), *options, "--note", "")

    assert (task["due_date"], task["recurrence"], task["description"]) == (None, None, None)
    assert (task["priority"], task["tags"]) == ("urgent", ["money", "Bank"])
    assert "is no date" in ada.is_refused("edit", short(task_id), "--due", "someday", status=2)
    assert "priority" in ada.is_refused("edit", short(task_id), "--priority", "enormous")


def test_the_own_order(ada: Person) -> None:
    one, two, three = (ada.adds(title) for title in ("One", "Two", "Three"))

    ada.does("move", short(one), "--first")
    ada.does("move", short(two), "--last")
    assert ada.titles("--inbox") == ["One", "Three", "Two"]
    ada.does("move", short(one), "--after", short(three))
    assert ada.titles("--inbox") == ["Three", "One", "Two"]
    ada.does("move", short(two), "--last")
    assert ada.titles("--inbox") == ["Three", "One", "Two"]
    assert "--after ID, --first or --last" in ada.is_refused("move", short(one), status=2)


def test_the_trash(ada: Person) -> None:
    one, two = ada.adds("One"), ada.adds("Two")

    assert ada.does("rm", short(one), short(two)).split() == [one, two]
    assert [task["id"] for task in ada.asks("restore", short(one))] == [one]
    assert ada.asks("rm", "--permanent", short(two)) == {"erased": [two]}
    assert ada.titles("--trash") == []
    assert "no task has the id" in ada.is_refused("restore", short(two))


def test_tags_and_summary(ada: Person) -> None:
    ada.adds("One #home"), ada.adds("Two #home #shop today")

    assert ada.does("tags") == "home\t2\nshop\t1\n"
    assert ada.does("tags", "--rename", "home", "house") == "house\t2\nshop\t1\n"
    assert ada.asks("tags", "--remove", "shop") == [{"tag": "house", "count": 2}]
    summary = dict(line.split("\t") for line in ada.does("summary").splitlines())
    assert (summary["to do"], summary["due today"], summary["#house"]) == ("2", "1", "2")
    assert ada.asks("summary")["status"]["pending"] == 2


def test_an_ambiguous_id_lists_what_it_may_be(ada: Person) -> None:
    """Their ids are chosen, so that they begin alike."""
    user = ada.asks("whoami")["user"]["id"]
    token = {"Authorization": f"Bearer {ada.does('token', 'create', 'x').strip()}"}
    for end, title in (("a1", "One"), ("a2", "Two")):
        body = {"id": f"01a2253b-109b-75c1-b5cc-802b6ca97c{end}", "title": title}
        assert ada.server.http.post(f"/api/{user}/tasks", json=body, headers=token).status_code == 201

    line = ada.is_refused("show", "802b")

    assert "802b6ca97ca1 One" in line
    assert "802b6ca97ca2 Two" in line
    assert ada.asks("show", "802b6ca97ca2")["title"] == "Two"
    assert ada.asks("show", "01a2253b-109b-75c1-b5cc-802b6ca97ca1")["title"] == "One"
    assert "no task has the id" in ada.is_refused("show", "ffff")


def test_an_id_is_found_although_it_was_made_elsewhere(ada: Person) -> None:
    ada.does("done", short(ada.adds("First")))
    other = Person(ada.server, ada.folder / "other", ada.email)
    other.folder.mkdir()
    token = ada.does("token", "create", "x").strip()
    task_id = other.does("add", "Second", TODO_URL=ada.url, TODO_TOKEN=token).strip()

    assert ada.asks("show", short(task_id))["title"] == "Second"
    (next((ada.folder / "config").glob("ids-*"))).write_text("damaged")
    assert ada.asks("show", short(task_id))["title"] == "Second"


def test_completion_of_ids_needs_no_server(ada: Person) -> None:
    task_id = ada.adds("Water the ferns")
    ada.does("show", short(task_id))
    words = f"todo done {short(task_id)[:2]}"

    done = ada.todo("", _TODO_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS=words, TODO_URL=ada.url, PORT="1")

    assert short(task_id)[:3] in done.stdout
    assert "Water the ferns" in done.stdout
    assert "#compdef todo" in ada.todo("", _TODO_COMPLETE="source_zsh").stdout


def test_wrong_use_is_one_line_with_status_2(ada: Person) -> None:
    for arguments, words in {
        "ls --all --done": "choose one of them",
        "ls --sort colour": "--sort",
        "ls --priority huge": "priority",
        "ls --limit 0": "--limit",
        "ls --due whenever": "is no date",
        "add": "words",
        "tags --rename a b --remove c": "choose one",
        "token create x --scope all": "--scope",
        "lss": "Did you mean",
    }.items():
        assert words in ada.is_refused(*arguments.split(), status=2), arguments
    assert "needs a title" in ada.is_refused("add", " ", status=2)
