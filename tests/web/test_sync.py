"""Changes show at once and reach the server in their order, whatever lies between."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.support.browser import needs_chromium
from tests.support.processes import Server, serving
from tests.web.network import Deed, Network, answered, bad_gateway
from tests.web.person import Person

pytestmark = [needs_chromium, pytest.mark.slow]


@pytest.fixture
def network(ada: Person) -> Network:
    return Network(ada.page)


@pytest.fixture(scope="module")
def small_server(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    """A server where a user may have two tasks."""
    with serving(tmp_path_factory.mktemp("small"), database_url=database_url, max_tasks_per_user=2) as running:
        yield running


CHANGES: dict[str, tuple[Callable[[Person], None], list[str], list[tuple[str, bool]]]] = {
    "add": (lambda ada: ada.add("Milk"), ["Milk", "Bread"], [("Milk", False), ("Bread", False)]),
    "complete": (lambda ada: ada.task("Bread").check(), ["Bread"], [("Bread", True)]),
    "delete": (lambda ada: ada.delete("Bread"), [], []),
    "edit": (lambda ada: ada.rename("Bread", "Rye bread"), ["Rye bread"], [("Rye bread", False)]),
}
"""What is done to a list of one open task, Bread; the titles that show; and what the server has at the end."""


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_shows_before_the_server_has_answered(ada: Person, network: Network, change: str) -> None:
    act, shown, stored = CHANGES[change]
    ada.add("Bread")
    ada.sent()
    network.hold()

    act(ada)

    expect(ada.page.locator(".row .title")).to_have_text(shown)
    expect(ada.task("Bread")).to_be_checked() if change == "complete" else None
    assert ada.stored("title", "completed") == [("Bread", False)]
    network.release()
    ada.sent()
    assert ada.stored("title", "completed") == stored


def test_changes_on_a_slow_network_arrive_in_their_order(ada: Person, network: Network) -> None:
    devtools = ada.page.context.new_cdp_session(ada.page)
    slow = {"offline": False, "latency": 400, "downloadThroughput": -1, "uploadThroughput": -1}
    devtools.send("Network.emulateNetworkConditions", slow)

    ada.add("Milk", "Bread")
    ada.rename("Bread", "Rye bread")
    ada.task("Rye bread").check()
    ada.delete("Milk")

    ada.sent()
    assert ada.stored("title", "completed") == [("Rye bread", True)]
    assert [method for method, _ in network.writes] == ["POST", "POST", "PUT", "PATCH", "DELETE"]


def test_an_access_token_that_is_refused_is_renewed_and_the_change_sent_again(ada: Person, network: Network) -> None:
    network.will(answered(401))

    ada.add("Milk")

    ada.sent()
    expect(ada.new).to_be_visible()
    assert ada.stored("title") == [("Milk",)]
    [(_, key), (_, again)] = network.writes
    assert key == again


@pytest.mark.parametrize("status", [409, 422])
def test_a_refused_task_is_taken_back_with_the_reason(ada: Person, network: Network, status: int) -> None:
    network.will(answered(status, "The moon is full."))

    ada.add("Milk")

    expect(ada.page.get_by_role("alert")).to_contain_text("Not saved: Added “Milk”. The moon is full.")
    expect(ada.task("Milk")).to_have_count(0)
    assert len(network.writes) == 1


def test_the_reason_of_a_refusal_names_what_is_wrong(ada: Person, network: Network) -> None:
    wrong = [{"loc": ["body", "title"], "msg": "A title has 1 to 255 characters.", "type": "too_long"}]
    network.will(answered(422, "The request is not valid.", errors=wrong))

    ada.add("Milk")

    expect(ada.page.get_by_role("alert")).to_contain_text("A title has 1 to 255 characters.")


def test_the_text_of_a_refused_task_is_given_back_even_after_a_reload(ada: Person, network: Network) -> None:
    network.will(answered(422, "No."))
    ada.add("Milk")
    expect(ada.page.get_by_role("alert")).to_contain_text("Not saved")
    ada.page.reload()

    ada.page.get_by_role("button", name="Try again").click()

    expect(ada.new).to_have_value("Milk")
    ada.new.press("Enter")
    ada.sent()
    assert ada.stored("title") == [("Milk",)]


def test_all_that_was_understood_of_a_refused_task_is_given_back(ada: Person, network: Network) -> None:
    network.will(answered(422, "No."))
    ada.add("Milk 2031-03-05 5pm #home !high monthly")

    ada.page.get_by_role("button", name="Try again").click()

    expect(ada.new).to_have_value("Milk 2031-03-05 17:00 monthly !high #home")
    ada.new.press("Enter")
    ada.sent()
    assert ada.stored("title", "priority", "tags", "recurrence") == [("Milk", "high", ["home"], "monthly")]


def test_no_text_is_lost_where_an_account_is_full(context: BrowserContext, small_server: Server) -> None:
    ada = Person(context.new_page(), small_server).sign_up()

    ada.add("one", "two", "three", "four")

    alert = ada.page.get_by_role("alert")
    expect(alert).to_contain_text("“three”")
    expect(alert).to_contain_text("2 tasks")
    expect(ada.page.locator(".row .title")).to_have_text(["two", "one"])
    ada.page.get_by_role("button", name="Dismiss").first.click()
    expect(alert).to_contain_text("“four”")
    ada.page.get_by_role("button", name="Try again").click()
    expect(ada.new).to_have_value("four")
    expect(ada.page.get_by_role("button", name="Try again")).to_have_count(0)


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again_when_it_says(ada: Person, network: Network, status: int) -> None:
    network.will(answered(status, "Too much at once.", retry_after=1))

    ada.add("Milk")

    expect(ada.page.locator(".status")).to_have_text("Too much at once. 1 change waits")
    expect(ada.task("Milk")).to_be_visible()
    ada.sent()
    expect(ada.page.locator(".status")).to_be_empty()
    assert ada.stored("title") == [("Milk",)]


@pytest.mark.parametrize("failure", [answered(500, "A bug."), bad_gateway], ids=["500", "a proxy's page"])
def test_a_failing_server_is_asked_again(ada: Person, network: Network, failure: Deed) -> None:
    network.will(failure, failure)

    ada.add("Milk", "Bread")

    ada.sent()
    assert ada.stored("title") == [("Bread",), ("Milk",)]
    assert len(network.writes) == 4
    assert len({key for _, key in network.writes}) == 2


def test_a_change_that_always_fails_lets_the_others_pass(ada: Person, network: Network) -> None:
    network.will(*[answered(500, "A bug.")] * 5)

    ada.add("Milk", "Bread")

    expect(ada.page.get_by_role("alert")).to_contain_text("Not saved: Added “Milk”. A bug.", timeout=20_000)
    expect(ada.page.locator(".row .title")).to_have_text(["Bread"])
    expect(ada.page.locator(".status")).to_be_empty()
