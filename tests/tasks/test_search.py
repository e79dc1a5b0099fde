"""Search: words, the last one as a prefix, without regard to case and accents; titles weigh more."""

from typing import Any

import pytest

from tests.conftest import Person

pytestmark = pytest.mark.anyio


async def found(person: Person, words: str, **params: Any) -> set[str]:
    return {task["title"] for task in await person.list(search=words, **params)}


@pytest.mark.parametrize(
    ("title", "description", "words"),
    [
        ("Water the ferns", None, "ferns"),
        ("Water the ferns", None, "fer"),
        ("Water the ferns", None, "water fer"),
        ("Water the ferns", None, "ferns water"),
        ("Water the ferns", None, "  WATER   "),
        ("Water the ferns", None, "water, the ferns!"),
        ("Water the ferns", None, "f"),
        ("Buy bread", "From the baker at the corner", "corner"),
        ("Buy bread", "From the baker at the corner", "bread bak"),
        ("Café crème", None, "cafe creme"),
        ("Cafe creme", None, "CAFÉ"),
        ("Übung für Ärzte", None, "ubung fur arz"),
        ("Żółw i gęś", None, "żołw ges"),
        ("Ångström", None, "A\u030angstro\u0308m"),
        ("naïve", None, "nai\u0308v"),
        ("ﬁnd the ﬂat", None, "find flat"),
        ("Version 2.10 out", None, "2 10"),
        ("Pay 100% now", None, "100%"),
        ("Rename snake_case", None, "snake_case"),
        ("Call O'Brien", None, "o'brien"),
        ("Read a/b/c", None, "a/b"),
        ("Ask R&D | legal", None, "r&d | legal"),
        ("Do not (ever)", None, "!not & (ever):*"),
        ("It is <-> there", None, "is <-> there"),
        ("Backslash \\ quote '", None, "quote ' \\"),
        ("e-mail Ada", None, "e-mail"),
        ("读书 笔记", None, "笔记"),
        ("Полить цветы", None, "цвет"),
        ("Πότισμα", None, "Ποτι"),
        ("🚿 Shower", None, "shower"),
        ("a" * 255, None, "a" * 200),
        ("x", "y" * 9_990 + " end", "end"),
    ],
)
async def test_words_find_the_task(ada: Person, title: str, description: str | None, words: str) -> None:
    task = await ada.create(title, description=description)
    await ada.create("something quite different")

    assert await found(ada, words) == {task["title"]}


@pytest.mark.parametrize(
    "words", ["erns", "wat ferns", "water roses", "fernsx", "%", "_", "Wat_r", "w%r", "water the ferns today"]
)
async def test_other_words_do_not(ada: Person, words: str) -> None:
    await ada.create("Water the ferns")

    response = await ada.call("GET", ada.tasks, params={"search": words})

    assert response.status_code == 422 if words in "%_" else response.json() == []


async def test_the_best_match_comes_first_and_a_title_weighs_more(ada: Person) -> None:
    await ada.create("Buy pots", description="for the ferns")
    await ada.create("Water the ferns")
    await ada.create("Buy soil", description="for the ferns")

    assert [task["title"] for task in await ada.list(search="ferns")] == ["Water the ferns", "Buy soil", "Buy pots"]
    assert await ada.list(search="ferns") == await ada.list(q="ferns", sort="relevance")
    assert await ada.list(search="ferns") == await ada.list(search="ferns", sort="-relevance")
    assert [task["title"] for task in await ada.list(search="ferns", sort="created")] == [
        *("Buy pots", "Water the ferns", "Buy soil")
    ]


async def test_what_is_edited_is_found_by_its_new_words_alone(ada: Person) -> None:
    task = await ada.create("Water the ferns")
    await ada.put(task["id"], title="Water the roses")

    assert await found(ada, "ferns") == set()
    assert await found(ada, "roses") == {"Water the roses"}


async def test_the_trash_is_searched_by_its_status_alone(ada: Person) -> None:
    task = await ada.create("Water the ferns")
    await ada.delete(task["id"])

    assert await found(ada, "ferns") == set()
    [trashed] = await ada.list(search="ferns", status="deleted")
    assert trashed["deleted_at"]


async def test_an_empty_search_is_none(ada: Person) -> None:
    tasks = [await ada.create(title) for title in ("one", "two")]

    assert await ada.list(search="", q="  ") == tasks[::-1]


@pytest.mark.parametrize("words", ["!", "%", "_", "&|!()", "…", "''", "x" * 201, "\x00", "a\x07", "\ufdfa" * 200])
@pytest.mark.parametrize("name", ["search", "q"])
async def test_what_holds_no_words_is_refused(ada: Person, name: str, words: str) -> None:
    response = await ada.call("GET", ada.tasks, params={name: words})

    assert response.status_code == 422
    assert [error["loc"] for error in response.json()["errors"]] == [["query", name]]


async def test_nobody_finds_anothers_task(ada: Person, bob: Person) -> None:
    await ada.create("Water the ferns")

    assert await found(bob, "ferns") == set()


@pytest.mark.parametrize("search", ["々", "〇", "〱"])
async def test_a_sign_between_letters_and_punctuation_finds_without_an_error(ada: Person, search: str) -> None:
    await ada.create("人々")

    assert await ada.list(search=search) == []
    assert len(await ada.list(search="人々")) == 1
