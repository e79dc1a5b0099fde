"""What becomes of the exports of other apps: the traps of their files, one after another."""

import json
from typing import Any

import pytest

from tests.formats.reading import FILES, rows_of, rows_of_file, tasks_of, told
from todo.formats import Row

BERLIN = "Europe/Berlin"


def fields(row: Row, *names: str) -> list[Any]:
    assert row.task is not None
    return [row.task.get(name) for name in names]


def test_todoist_csv() -> None:
    found = rows_of_file("Home [2345678901].csv")
    milk = found['Buy milk, "the good one"']
    assert fields(milk, "priority", "tags", "due_date", "time_zone") == [
        "urgent",
        ["shop", "home"],
        "2026-10-06T15:30",
        BERLIN,
    ]
    assert fields(milk, "description") == ["Comment: From the farm\n\nComment: Two bottles,\nnot three"]
    assert "a comment of the project" in told(milk)
    letter = found["Write to bob@example.com"]
    assert fields(letter, "priority", "tags", "due_date") == [None, ["Home"], "2026-10-05"]
    assert "Line one\nLine two, **bold**" in fields(letter, "description")[0]
    assert "Deadline: Oct 9 2026\nDuration: 30 minute" in fields(letter, "description")[0]
    address = found["Find the address"]
    assert fields(address, "due_date", "priority") == [None, "high"]
    for kept in ("Part of: Write to bob@example.com", "Assigned to: Bob (2)", "Date: tomorrow 18:00"):
        assert kept in fields(address, "description")[0]
    assert address.line == 11  # two of the records above have two lines
    ferns = found["Water the ferns"]
    assert fields(ferns, "recurrence", "time_zone") == ["FREQ=WEEKLY;BYDAY=MO", BERLIN]
    assert "its time is not kept" in told(ferns)
    assert fields(found["Not to be checked off"], "tags", "description") == [["Home", "Garden"], "Date: jeden Tag"]
    assert "section" in told(found["Not to be checked off"])
    assert fields(found["Mow the lawn"], "recurrence", "recurrence_from") == ["FREQ=WEEKLY;INTERVAL=2", "completion"]
    assert fields(found["@waiting"], "tags") == [["waiting", "Home", "Garden"]]
    assert "time zone" in told(found["@waiting"])
    assert fields(found["Pay the rent"], "due_date", "recurrence") == [
        "2026-12-01",
        "FREQ=MONTHLY;BYMONTHDAY=1;UNTIL=20271231",
    ]


def todoist(*rows: str, header: str = "TYPE,CONTENT,PRIORITY,INDENT,DATE,DATE_LANG") -> str:
    return "\r\n".join([header, *rows]) + "\r\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("2026-10-06", {"due_date": "2026-10-06"}),
        ("5 October 2026", {"due_date": "2026-10-05"}),
        ("Oct 5th 2026 at 9:30 pm", {"due_date": "2026-10-05T21:30"}),
        ("Oct 5 2026 12am", {"due_date": "2026-10-05T00:00"}),
        ("every day", {"recurrence": "FREQ=DAILY"}),
        ("daily", {"recurrence": "FREQ=DAILY"}),
        ("every weekday", {"recurrence": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"}),
        ("every other week", {"recurrence": "FREQ=WEEKLY;INTERVAL=2"}),
        ("every mon, fri and sunday", {"recurrence": "FREQ=WEEKLY;BYDAY=MO,FR,SU"}),
        ("every 3rd friday", {"recurrence": "FREQ=MONTHLY;BYDAY=3FR"}),
        ("every last day of the month", {"recurrence": "FREQ=MONTHLY;BYMONTHDAY=-1"}),
        ("every 15th", {"recurrence": "FREQ=MONTHLY;BYMONTHDAY=15"}),
        ("every quarter", {"recurrence": "FREQ=MONTHLY;INTERVAL=3"}),
        ("every year starting Oct 5 2026 at 9am", {"recurrence": "FREQ=YEARLY", "due_date": "2026-10-05T09:00"}),
        ("every day at 9am starting Oct 5 2026", {"recurrence": "FREQ=DAILY", "due_date": "2026-10-05T09:00"}),
        ("every! 3 days", {"recurrence": "FREQ=DAILY;INTERVAL=3", "recurrence_from": "completion"}),
    ],
)
def test_todoist_words_that_are_certain(words: str, expected: dict[str, str]) -> None:
    (row,) = rows_of("todoist", todoist(f'task,Ferns,4,1,"{words}",en'))
    assert row.task is not None
    assert {
        name: row.task.get(name) for name in ("due_date", "recurrence", "recurrence_from") if row.task.get(name)
    } == expected
    assert row.problems == ()


@pytest.mark.parametrize(
    "words",
    [
        "tomorrow",
        "today 9am",
        "next monday",
        "5 Oct",
        "10/05/2026",
        "Feb 30 2026",
        "every hour",
        "every 14 jan",
        "every",
    ],
)
def test_todoist_words_that_are_kept(words: str) -> None:
    (row,) = rows_of("todoist", todoist(f'task,Ferns,4,1,"{words}",en'))
    assert fields(row, "due_date", "recurrence", "description") == [None, None, f"Date: {words}"]
    assert "kept in the description" in told(row)


def test_todoist_of_a_spreadsheet_with_semicolons_and_old_columns() -> None:
    (task,) = tasks_of("auto", "\ufeffTYPE;CONTENT;PRIORITY\r\ntask;Ferns;1\r\n", name="Home.csv")
    assert (task["title"], task["priority"], task["tags"]) == ("Ferns", "urgent", ["Home"])


def test_todoist_csv_is_the_same_in_a_second_download() -> None:
    keys = [
        [row.key for row in rows_of("todoist", todoist("task,Ferns,4,1,,en"), name=name)]
        for name in ("Home.csv", "Home [2345678901].csv", "Home [2345678901] (1).csv", "Home (2).csv", "Work.csv")
    ]
    assert keys[0] == keys[1] == keys[2] == keys[3] != keys[4]


def test_todoist_json() -> None:
    found = rows_of_file("todoist-sync.json")
    assert list(found) == ["Water the ferns", "Call the bank", "Breakfast"]
    ferns = found["Water the ferns"]
    assert fields(ferns, "priority", "tags", "due_date", "recurrence", "created_at") == [
        "urgent",
        ["home", "Plants"],
        "2026-10-05",
        "FREQ=WEEKLY;BYDAY=MO",
        "2026-09-01T10:00:00Z",
    ]
    assert fields(ferns, "description") == ["In the hall\n\nComment: Not the cactus"]
    bank = found["Call the bank"]
    assert fields(bank, "priority", "completed", "completed_at") == [None, True, "2026-09-03T11:30:00Z"]
    assert fields(bank, "due_date", "time_zone") == ["2026-10-06T15:30", BERLIN]
    assert "subtask" in told(bank)
    assert "deadline" in told(bank)
    assert fields(found["Breakfast"], "priority", "due_date", "recurrence") == ["high", "2026-10-07T08:00", None]
    assert "not in English" in told(found["Breakfast"])
    assert list(rows_of_file("todoist-rest.json")) == ["Old and new", "From the next page"]


def test_ticktick() -> None:
    found = rows_of_file("ticktick.csv")
    ferns = found["Water the ferns"]
    assert ferns.line == 9
    assert fields(ferns, "due_date", "priority", "remind_at", "recurrence") == [
        "2026-10-15",  # 22:00 UTC of the day before
        "high",
        "2026-10-15T07:00:00Z",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=TH",
    ]
    assert fields(ferns, "tags") == [["home", "garden", "Private", "Soon"]]
    assert 'Not the "cactus",\nreally' in fields(ferns, "description")[0]
    pack = found["Pack"]
    assert fields(pack, "due_date", "time_zone", "remind_at") == ["2026-10-20T09:30", BERLIN, "2026-10-20T07:00:00Z"]
    assert fields(pack, "description")[0].startswith("For the trip\n- [ ] socks\n- [x] passport")
    assert "subtask" in told(pack)
    assert fields(found["Paid"], "completed", "completed_at", "due_date", "time_zone") == [
        True,
        "2026-09-05T10:15:00Z",
        "2026-09-05T12:00",
        None,  # floating
    ]
    assert fields(found["Archived"], "completed", "priority") == [True, "low"]
    assert fields(found["Never"], "completed", "recurrence") == [True, None]
    assert "ERULE:NAME=CUSTOM" in fields(found["Never"], "description")[0]
    assert found[""].error == "the task has no title"
    assert "time zone" in told(found["Only text"])


def test_microsoft() -> None:
    found = rows_of_file("microsoft.json")
    assert list(found) == ["Water the ferns", "From a client that stores its own midnight", "Pay the rent"]
    ferns = found["Water the ferns"]
    assert fields(ferns, "priority", "completed", "due_date", "remind_at", "tags") == [
        "high",
        False,
        "2026-10-05",
        "2026-10-05T07:30:00Z",
        ["Blue category", "garden", "Plants"],  # the list's name stands behind its tasks
    ]
    assert fields(ferns, "recurrence") == ["FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;UNTIL=20271005"]
    assert fields(ferns, "description")[0].startswith(
        "The ones in the hall & kitchen\n\n- daily\n- see this (https://example.com/ferns)\n\n- [x] hall\n- [ ] kitchen"
    )
    assert "alert" not in fields(ferns, "description")[0]
    assert "in progress" in told(ferns)
    midnight = found["From a client that stores its own midnight"]
    assert fields(midnight, "due_date", "recurrence") == ["2026-10-15", "FREQ=MONTHLY;BYDAY=-1TH;COUNT=5"]
    assert "import with time_zone" in told(midnight)
    rent = found["Pay the rent"]
    assert fields(rent, "completed", "completed_at", "recurrence", "tags") == [
        True,
        "2026-09-30T00:00:00Z",
        "FREQ=YEARLY",
        ["Bills"],
    ]


@pytest.mark.parametrize(
    ("written", "zone", "day"),
    [
        ("2026-10-14T22:00:00.0000000", BERLIN, "2026-10-15"),
        ("2026-10-15T00:00:00.0000000", "America/New_York", "2026-10-15"),  # midnight in UTC is a day everywhere
        ("2026-10-15T04:00:00.0000000", "America/New_York", "2026-10-15"),
        ("2026-10-15T04:00:00.0000000", None, "2026-10-15"),
        ("2026-10-14T12:00:00.0000000", None, "2026-10-15"),
    ],
)
def test_microsoft_due_is_a_day(written: str, zone: str | None, day: str) -> None:
    task = {"title": "Ferns", "status": "notStarted", "dueDateTime": {"dateTime": written, "timeZone": "UTC"}}
    for nested in (
        task,
        [task],
        {"value": [task]},
        {"value": [{"displayName": "Home", "tasks": [task]}]},
        {"lists": [{"tasks": [task]}]},
    ):
        (row,) = rows_of("microsoft", json.dumps(nested), time_zone=zone)
        assert fields(row, "due_date") == [day]
        assert ("time_zone" in told(row)) == (zone is None)


def test_google() -> None:
    found = rows_of_file("google.json", time_zone=BERLIN)
    assert list(found) == ["Water the ferns", "Paid", "Dentist", "Printed", "Stand-up", "Stopped"]
    ferns = found["Water the ferns"]
    assert fields(ferns, "due_date", "time_zone", "tags") == ["2026-10-05", None, ["My tasks"]]
    assert "https://mail.example.com/1" in fields(ferns, "description")[0]
    assert fields(found["Paid"], "completed", "completed_at") == [True, "2026-09-02T12:00:00Z"]
    assert fields(found["Dentist"], "due_date", "time_zone") == ["2026-10-07T09:30", BERLIN]
    assert fields(found["Printed"], "due_date") == ["2026-10-08T09:30"]
    every = [task for task in tasks_of("google", (FILES / "google.json").read_bytes()) if task["title"] == "Stand-up"]
    assert [(task["due_date"], task["completed"], task.get("recurrence")) for task in every] == [
        ("2026-10-07", False, "FREQ=WEEKLY;INTERVAL=2;BYDAY=WE"),  # of the open ones the next, not that of 14 October
        ("2026-09-30", True, None),
    ]
    assert "ended" in told(found["Stopped"])


def test_google_tasks_that_repeat_are_one_in_a_later_export() -> None:
    def key_of(document: Any) -> list[str | None]:
        every = rows_of("google", json.dumps(document))
        return [row.key for row in every if row.task and row.task["title"] == "Stand-up" and not row.task["completed"]]

    document = json.loads((FILES / "google.json").read_bytes())
    before = key_of(document)
    [current] = [each for each in document["items"][0]["items"] if each["id"] == "g6"]
    current |= {"status": "completed", "completed": "2026-10-07T08:00:00Z"}
    assert len(before) == 1
    assert key_of(document) == before


def test_todo_txt() -> None:
    found = rows_of_file("todo.txt", time_zone=BERLIN)
    trip = found["Call Mum about the trip"]
    assert fields(trip, "priority", "tags", "due_date", "created_at") == [
        "urgent",
        ["Family", "phone"],
        "2026-10-05",
        "2026-08-31T22:00:00Z",
    ]
    rent = found["Pay the rent"]
    assert (rent.line, *fields(rent, "completed", "completed_at", "priority")) == (
        3,
        True,
        "2026-09-02T22:00:00Z",
        "high",
    )
    assert fields(found["Only the completion date"], "completed_at", "created_at") == ["2026-09-03T22:00:00Z", None]
    plants = found["Water +Garden plants in the hall"]
    assert fields(plants, "tags", "priority", "recurrence", "description") == [
        ["Garden"],
        "low",
        "FREQ=WEEKLY;INTERVAL=2",
        "Start: 2026-10-04",
    ]
    assert fields(found["(a) no priority, and xylophones"], "priority", "completed") == [None, False]
    milk = next(row for title, row in found.items() if title.startswith("Buy milk"))
    assert fields(milk, "recurrence", "recurrence_from", "tags", "due_date") == [
        "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
        "completion",
        ["New York"],
        None,
    ]
    assert "https://example.com/a:b 10:30 due:tomorrow" in fields(milk, "title")[0]
    assert fields(found["@phone @home"], "tags") == [["phone", "home"]]
    assert "business days" in told(found["Business"])


def test_ics() -> None:
    found = rows_of_file("tasks.ics")
    assert [row.error for row in found.values() if row.error] == []
    ferns = found["Water the ferns, the ones in the hall; and a very long line that is folded here"]
    assert ferns.line == 15
    assert fields(ferns, "priority", "tags", "due_date", "time_zone", "completed") == [
        "high",  # 1 is urgent only in our own files
        ["home", "a,b", "garden"],
        "2026-10-05T09:00",
        BERLIN,
        False,
    ]
    assert fields(ferns, "recurrence", "remind_at") == ["FREQ=WEEKLY;BYDAY=MO", "2026-10-05T06:30:00Z"]
    assert fields(ferns, "description")[0].startswith("C:\\new\nsecond line\n\nStart: 20261001\nReminder: 2026")
    assert "1 VEVENT" in told(ferns)
    occurrence = found["Water the ferns"]
    assert fields(occurrence, "completed", "completed_at", "recurrence") == [True, "2026-09-28T08:00:00Z", None]
    assert "occurrence" in told(occurrence)
    assert fields(found["A day"], "due_date", "priority", "completed", "description") == [
        "2026-10-06",
        "low",
        True,
        None,
    ]
    assert "subtask" in told(found["A day"])
    assert fields(found["Floating"], "due_date", "time_zone", "completed") == ["2026-10-06T10:00", None, True]
    assert "cancelled" in told(found["Floating"])
    assert fields(found["Windows"], "due_date", "time_zone") == ["2026-10-06T10:00", BERLIN]
    own_zone = found["A zone of the file"]
    assert fields(own_zone, "due_date", "recurrence") == ["2026-10-06T07:00:00Z", "FREQ=MONTHLY;BYDAY=1TU"]
    assert "EXDATE" in told(own_zone)
    assert "time zone" in told(found["A zone of nowhere"])
    assert "Start: 20261006T100000" in fields(found["A zone of nowhere"], "description")[0]
    assert fields(rows_of_file("tasks.ics", time_zone="Asia/Tokyo")["Floating"], "time_zone") == ["Asia/Tokyo"]


FIXTURES = [path.name for path in sorted(FILES.iterdir()) if path.is_file()]


@pytest.mark.parametrize("name", FIXTURES)
def test_every_task_has_a_key_of_its_own_that_stays(name: str) -> None:
    content = (FILES / name).read_bytes()
    first, again, other_encoding = (
        [row.key for row in rows_of("auto", text, name=name) if row.task]
        for text in (content, content, content.decode("utf-8-sig").replace("\r\n", "\n").encode("utf-16"))
    )
    assert first == again
    assert len(set(first)) == len(first) >= 2
    if name != "todo.txt":  # whose last words differ by the line ends
        assert other_encoding == first
