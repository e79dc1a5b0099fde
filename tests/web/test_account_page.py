"""The account's settings: password, devices, tokens, deletion."""

import pytest
from playwright.sync_api import Locator, expect

from tests.conftest import PASSWORD
from tests.support.browser import needs_chromium
from tests.web.person import Person

pytestmark = [needs_chromium, pytest.mark.slow]


def form(ada: Person, name: str) -> Locator:
    ada.page.goto(f"{ada.url}/#/account")
    found = ada.page.get_by_role("form", name=name)
    expect(found).to_be_visible()
    return found


def sign_in_status(ada: Person, password: str) -> int:
    account = {"email": ada.email, "password": password}
    return int(ada.server.http.post("/api/auth/signin", json=account).status_code)


def test_a_password_is_changed_only_with_the_current_one(ada: Person) -> None:
    change = form(ada, "Change password")
    for current, role in (("not this one", "alert"), (PASSWORD, "status")):
        change.get_by_label("Current password").fill(current)
        change.get_by_label("New password").fill("an even longer afternoon")
        change.get_by_role("button").click()
        expect(change.get_by_role(role)).not_to_be_empty()  # type: ignore[arg-type] # a literal
    expect(change.get_by_label("New password")).to_have_value("")
    assert [sign_in_status(ada, each) for each in (PASSWORD, "an even longer afternoon")] == [401, 200]


def test_a_token_is_shown_once_works_and_is_revoked(ada: Person) -> None:
    tokens = form(ada, "API tokens")
    secrets = []
    for name in ("script", "backup"):
        tokens.get_by_label("Name").fill(name)
        tokens.get_by_role("button", name="Make a token").click()
        expect(tokens.get_by_role("listitem").filter(has_text=f"{name} (read)")).to_be_visible()
        secrets.append(tokens.get_by_label("Token").input_value())
    ada.page.reload()
    expect(tokens.get_by_role("listitem")).to_have_count(2)
    expect(tokens.get_by_label("Token")).to_have_count(0)
    tokens.get_by_role("listitem").filter(has_text="backup").get_by_role("button", name="Revoke").click()
    expect(tokens.get_by_role("listitem")).to_have_count(1)

    user = ada.page.evaluate("JSON.parse(localStorage.getItem('todo.user')).id")
    answers = [
        ada.server.http.get(f"/api/{user}/tasks", headers={"Authorization": f"Bearer {secret}"}) for secret in secrets
    ]
    assert [answer.status_code for answer in answers] == [200, 401]


def test_another_device_is_signed_out_from_the_list(ada: Person) -> None:
    ada.call("GET", "/tasks")  # which signs in as another device
    if ada.server.http.get("/api/auth/sessions").status_code == 404:
        pytest.skip("GET /api/auth/sessions is not served yet")
    ada.page.goto(f"{ada.url}/#/account")
    devices = ada.page.locator("section").filter(has=ada.page.get_by_role("heading", name="Devices"))
    expect(devices.get_by_role("listitem")).to_have_count(2)
    expect(devices.get_by_text("(this one)")).to_have_count(1)
    devices.get_by_role("button", name="End session").click()
    expect(devices.get_by_role("listitem")).to_have_count(1)


def test_signing_out_everywhere_ends_this_session_too(ada: Person) -> None:
    ada.page.goto(f"{ada.url}/#/account")
    ada.page.get_by_role("button", name="Sign out everywhere").click()
    expect(ada.page.get_by_role("button", name="Sign in")).to_be_visible()
    ada.page.reload()
    expect(ada.page.get_by_role("button", name="Sign in")).to_be_visible()


def test_an_account_is_deleted_only_under_its_own_address(ada: Person) -> None:
    ada.add("Buy milk")
    ada.sent()
    deletion = form(ada, "Delete account")
    deletion.get_by_label("To confirm").fill("bob@example.com")
    deletion.get_by_role("button").click()
    expect(deletion.get_by_text("nothing was deleted")).to_be_visible()
    assert ada.stored("title") == [("Buy milk",)]

    deletion.get_by_label("To confirm").fill(ada.email)
    deletion.get_by_role("button").click()
    expect(ada.page.get_by_role("button", name="Sign in")).to_be_visible()
    assert sign_in_status(ada, PASSWORD) == 401
    assert ada.page.evaluate("async () => (await indexedDB.databases()).map((each) => each.name)") == []
