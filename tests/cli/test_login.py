"""`todo login`, `logout`, `whoami`: the kept login, and what is said without one."""

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import PASSWORD
from tests.support.accounts import sessions_table
from tests.support.command_line import Person
from tests.support.processes import Server, free_port

pytestmark = pytest.mark.slow


def kept(person: Person) -> Path:
    return person.folder / "config" / "login.json"


def test_a_login_is_kept_for_its_owner_alone_until_the_logout(ada: Person) -> None:
    assert stat.S_IMODE(kept(ada).stat().st_mode) == 0o600
    assert stat.S_IMODE(kept(ada).parent.stat().st_mode) == 0o700
    assert sorted(json.loads(kept(ada).read_text())) == ["email", "refresh_token", "token", "url", "user_id"]
    assert PASSWORD not in kept(ada).read_text()
    user = ada.asks("whoami")
    assert (user["url"], user["user"]["email"]) == (ada.url, ada.email)

    refresh_token = json.loads(kept(ada).read_text())["refresh_token"]
    assert ada.todo("logout").returncode == 0
    assert not kept(ada).exists()
    assert "run `todo login`" in ada.is_refused("ls")
    body = {"refresh": "body", "refresh_token": refresh_token}
    assert ada.server.http.post("/api/auth/refresh", json=body).status_code == 401


def test_a_password_can_be_typed_and_is_not_shown(ada: Person) -> None:
    ada.does("logout")

    screen = ada.on_terminal("login", typed=f"{ada.email}\n{PASSWORD}\n")

    assert screen.returncode == 0, screen.text
    assert PASSWORD not in screen.text
    assert f"signed in to {ada.url} as {ada.email}" in screen.text
    assert ada.titles() == []


def test_a_wrong_password_is_one_line_and_keeps_the_login_that_was_there(ada: Person) -> None:
    before = kept(ada).read_bytes()

    line = ada.is_refused("login", "--email", ada.email, "--password-stdin", input="another one\n")

    assert "another one" not in line
    assert kept(ada).read_bytes() == before


@pytest.mark.parametrize("way", ["login", "environment"])
def test_an_api_token_does_in_place_of_a_password(ada: Person, way: str) -> None:
    token = ada.does("token", "create", "script").strip()
    assert token.startswith("todo_pat_")
    bob = Person(ada.server, ada.folder / "other", ada.email)
    bob.folder.mkdir()
    given = {"TODO_URL": ada.url, "TODO_TOKEN": token} if way == "environment" else {}
    if way == "login":
        bob.does("login", bob.url, "--token-stdin", input=token + "\r\n")
    ada.adds("Water the ferns today")

    assert [task["title"] for task in bob.asks("ls", **given)] == ["Water the ferns"]
    assert (bob.folder / "config" / "login.json").exists() == (way == "login")

    shown = ada.does("token", "list")
    assert token not in shown
    [(token_id, scope, _, name)] = [line.split("\t") for line in shown.splitlines()]
    assert (scope, name) == ("write", "script")
    assert ada.todo("token", "revoke", token_id[:13]).returncode == 0
    assert "there is no token" in ada.is_refused("token", "revoke", token_id)


def test_an_expired_access_token_is_renewed_and_kept(ada: Person) -> None:
    login = json.loads(kept(ada).read_text())
    kept(ada).write_text(json.dumps({**login, "token": login["token"][:-4] + "AAAA"}))

    assert ada.titles() == []

    renewed = json.loads(kept(ada).read_text())
    assert not renewed["token"].endswith("AAAA")  # within a second the new one equals the first one
    assert renewed["refresh_token"] != login["refresh_token"]
    assert stat.S_IMODE(kept(ada).stat().st_mode) == 0o600


def test_commands_that_renew_at_the_same_time_do_not_end_the_session(ada: Person) -> None:
    login = json.loads(kept(ada).read_text())
    kept(ada).write_text(json.dumps({**login, "token": login["token"][:-4] + "AAAA"}))

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: ada.todo("ls"), range(4)))

    assert [each.returncode for each in done] == [0] * 4, [each.stderr for each in done]
    assert ada.titles() == []


def test_a_login_that_has_ended_says_what_to_do(ada: Person, database_url: str) -> None:
    login = json.loads(kept(ada).read_text())
    kept(ada).write_text(json.dumps({**login, "token": login["token"][:-4] + "AAAA"}))
    with sessions_table(database_url) as owner:
        owner.execute("delete from sessions where user_id = %s", [login["user_id"]])

    line = ada.is_refused("ls")

    assert "has ended: run `todo login" in line
    assert login["token"][:20] not in line
    assert "does not accept TODO_TOKEN" in ada.is_refused("ls", TODO_URL=ada.url, TODO_TOKEN="todo_pat_wrong")


def test_a_login_that_others_can_read_is_refused(ada: Person) -> None:
    kept(ada).chmod(0o644)
    assert "chmod 600" in ada.is_refused("ls")

    target = ada.folder / "elsewhere"
    kept(ada).rename(target)
    target.chmod(0o600)
    kept(ada).symlink_to(target)
    assert "cannot be read" in ada.is_refused("ls")
    content = target.read_bytes()
    ada.does("login", "--email", ada.email, "--password-stdin", input=PASSWORD)
    assert target.read_bytes() == content  # the link was replaced, not followed
    assert not kept(ada).is_symlink()

    kept(ada).write_text("{")
    assert "is damaged: run `todo login`" in ada.is_refused("ls")


def test_without_a_server_it_says_how_to_start_one(server: Server, tmp_path: Path) -> None:
    port, ada = str(free_port()), Person(server, tmp_path)

    line = ada.is_refused("login", "--email", ada.email, "--password-stdin", input=PASSWORD, PORT=port)
    assert f"no server answers at http://127.0.0.1:{port}: is it running?" in line
    assert "`todo serve`" in line
    assert "no server answers" in ada.is_refused("ls", TODO_URL=f"http://127.0.0.1:{port}", TODO_TOKEN="x")
    assert "is no URL" in ada.is_refused("ls", TODO_URL="nonsense", TODO_TOKEN="x")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("login", "--email", "ada@example.com"), "--password-stdin"),
        (("login", "--password-stdin", "--token-stdin"), "choose one"),
        (("login", "--token-stdin"), "standard input is empty"),
        (("login", "--nonsense"), "--nonsense"),
    ],
)
def test_wrong_use_is_one_line_with_status_2(
    server: Server, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    assert words in Person(server, tmp_path).is_refused(*arguments, status=2)


def test_a_url_without_encryption_is_named(server: Server, tmp_path: Path) -> None:
    address = f"http://0.0.0.0:{server.port}"
    done = Person(server, tmp_path).todo("login", address, "--token-stdin", input="x\n")

    assert "is not encrypted" in done.stderr.splitlines()[0]


def test_the_folder_of_the_platform_is_used_without_todo_config(ada: Person, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environment = {"HOME": str(home), "TODO_CONFIG": "", "XDG_CONFIG_HOME": "", "XDG_STATE_HOME": ""}

    ada.does("login", "--email", ada.email, "--password-stdin", input=PASSWORD, **environment)

    [file] = home.rglob("login.json")
    assert file.parent.name == "todo"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.getuid() == file.stat().st_uid
