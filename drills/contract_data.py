"""What exists for ada while the contract is fuzzed: tasks, revisions, cursors, tokens and new users, made on demand."""

from typing import Any
from uuid import uuid4

import httpx

from tests.conftest import PASSWORD
from tests.support.mail_server import mail_server, token_in

MIN_TASKS = 5
MAX_API_TOKENS = 20  # of 100: then older ones are revoked, so that another can be made
MAX_FEEDS = 5  # of 10


def new_email() -> str:
    """An address that has no account."""
    return f"{uuid4().hex}@example.com"


class Existing:
    """The rows of one user that requests can name. `observe` keeps it up to date with the responses."""

    def __init__(self, base: str, user: dict[str, Any], mail_port: int) -> None:
        self._http = httpx.Client(base_url=base, headers={"Authorization": f"Bearer {user['token']}"}, timeout=30)
        self._tasks_path = f"/api/{user['id']}/tasks"
        self._tasks: list[str] = [*user["tasks"]]
        self._trash: set[str] = set()
        self._api_tokens: list[str] = []
        self._agent: str | None = None
        self._feeds_path = f"/api/{user['id']}/feeds"
        self._feeds: dict[str, str] = {}  # their URLs by their ids
        self._refresh_token: str | None = None
        self.email: str = user["email"]
        self._receiving = mail_server(mail_port)
        self._mail = self._receiving.__enter__()  # until the process ends

    def ids(self, kind: str) -> list[str]:
        """Of the tasks that are not in the trash, or of the API tokens or feeds; some are made where there are too few.
        Or of a new session."""
        if kind == "tokens":
            if not self._api_tokens:
                self._api_tokens.append(self._made("POST", "/api/auth/tokens", name="for a test")["id"])
            return self._api_tokens
        if kind == "agents":
            if self._agent is None:
                made = self._made("POST", "/api/auth/tokens", name="an agent", agent=True)
                writes = {"Authorization": f"Bearer {made['token']}"}
                self._http.post(self._tasks_path, json={"title": "its"}, headers=writes).raise_for_status()
                self._agent = made["id"]
            return [self._agent]
        if kind == "feeds":
            if not self._feeds:
                self._add_feed(self._made("POST", self._feeds_path))
            return [*self._feeds]
        if kind == "sessions":
            self.new_session()
            [newest, *_] = self._http.get("/api/auth/sessions").raise_for_status().json()
            return [newest["id"]]
        while len(self._tasks) < MIN_TASKS:
            self._tasks.append(self._made("POST", self._tasks_path, title="a task")["id"])
        return self._tasks

    def tag(self) -> str:
        """A tag that a task has, made new each time."""
        tag = f"tag {uuid4().hex[:8]}"
        self._made("POST", self._tasks_path, title="a task with a tag", tags=[tag])
        return tag

    def feed_secret(self) -> str:
        """The last part of the URL of a feed, without its ending."""
        return self._feeds[self.ids("feeds")[-1]].rpartition("/")[2].removesuffix(".ics")

    def _add_feed(self, feed: dict[str, str]) -> None:
        self._feeds[feed["id"]] = feed["url"]

    def knows(self, id: str) -> bool:
        """Whether a task, token or feed has this id, also one in the trash."""
        return id in {*self._tasks, *self._trash, *self._api_tokens, *self._feeds, self._agent}

    def revision(self) -> int:
        """Of a change that can be undone."""
        [task] = self.ids("tasks")[:1]
        changed = self._http.patch(f"{self._tasks_path}/{task}/complete")
        if changed.status_code == 404:  # it was deleted in a way that `observe` does not see, such as an undo
            self._tasks.remove(task)
            return self.revision()
        revision: int = changed.raise_for_status().json()["revision"]
        return revision

    def cursor(self) -> str:
        """Of a page of the list."""
        self.ids("tasks")
        page = self._http.get(self._tasks_path, params={"limit": 1}).raise_for_status()
        return page.links.get("next", {"url": ""})["url"].rpartition("cursor=")[2]

    def refresh_token(self) -> str:
        """One that was not used yet."""
        if self._refresh_token is None:
            self._refresh_token = self.new_session()
        token, self._refresh_token = self._refresh_token, None
        return token

    def new_session(self) -> str:
        """The refresh token of one more sign-in."""
        body = {"email": self.email, "password": PASSWORD, "refresh": "body"}
        token: str = self._made("POST", "/api/auth/signin", **body)["refresh_token"]
        return token

    def link_token(self, operation: str) -> str:
        """That of a link that is mailed to a new user."""
        email = new_email()
        self._made("POST", "/api/auth/signup", email=email, password=PASSWORD)
        confirmation = self._mail.to(email)[0]
        if operation == "confirm_email":
            return token_in(confirmation)
        self._made("POST", "/api/auth/password/forgot", email=email)
        return token_in(self._mail.to(email, 2)[1])

    def token_of_new_user(self) -> str:
        """The access token of a user who exists for one request."""
        token: str = self._made("POST", "/api/auth/signup", email=new_email(), password=PASSWORD)["access_token"]
        return token

    def make_room_for_api_tokens(self) -> None:
        """Revoke those above MAX_API_TOKENS."""
        while len(self._api_tokens) > MAX_API_TOKENS:
            self._http.delete(f"/api/auth/tokens/{self._api_tokens.pop(0)}").raise_for_status()

    def make_room_for_feeds(self) -> None:
        """Revoke those above MAX_FEEDS."""
        while len(self._feeds) > MAX_FEEDS:
            feed, _ = self._feeds.popitem()
            self._http.delete(f"{self._feeds_path}/{feed}").raise_for_status()

    def observe(self, operation: str, id: str | None, status: int, body: Any) -> None:
        """Follow what a request of the user did."""
        if status == 404 and id in self._tasks and operation != "restore_task":
            self._tasks.remove(id)
        if status >= 300:
            return
        match operation:
            case "create_task" | "restore_task" if body["id"] not in self._tasks:
                self._tasks.append(body["id"])
            case "delete_task" if id in self._tasks:
                self._tasks.remove(id)
                self._trash.add(id)
            case "make_api_token":
                self._api_tokens.append(body["id"])
            case "make_feed":
                self._add_feed(body)
            case "revoke_feed" if id in self._feeds:
                del self._feeds[id]
            case "revoke_api_token" if id in self._api_tokens:
                self._api_tokens.remove(id)
            case "refresh" if "refresh_token" in body:
                self._refresh_token = body["refresh_token"]

    def _made(self, method: str, path: str, **body: Any) -> Any:
        return self._http.request(method, path, json=body).raise_for_status().json()
