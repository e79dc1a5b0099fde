"""The replica property: after any requests of two users, a replica that follows the changes equals the list, and both
equal a model in plain Python; repeated requests change nothing and get the same response.
"""

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.conftest import PASSWORD, Person
from tests.support.processes import Server, serving

pytestmark = pytest.mark.slow

TITLES = st.sampled_from(["Water the ferns", "Feed the cat", "Sing", "ünïcödé 🦊"])
DESCRIPTIONS = st.sampled_from([None, "", "one\ntwo", "long " * 40])
PEOPLE = st.sampled_from(["ada", "bob"])
ANY = st.integers(0, 10**6)


@dataclass
class Entry:
    """A change as the model knows it."""

    revision: int
    task_id: str
    kind: str
    before: dict[str, Any]
    undoes: int | None = None


@dataclass
class Model:
    """What a user's tasks should be."""

    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)  # in the order of their creation
    log: list[Entry] = field(default_factory=list)

    def write(self, task_id: str, new: dict[str, Any], undoes: int | None = None) -> bool:
        """Change fields of a task; whether that changed anything."""
        task = self.tasks[task_id]
        before = {name: task[name] for name, value in new.items() if task[name] != value}
        if before:
            kind = {True: "delete", False: "restore"}[new["trashed"]] if "trashed" in before else "update"
            task.update(new)
            self.log.append(Entry(len(self.log) + 1, task_id, kind, before, undoes))
        return bool(before)

    def create(self, task_id: str, fields: dict[str, Any]) -> None:
        self.tasks[task_id] = {**fields, "trashed": False}
        self.log.append(Entry(len(self.log) + 1, task_id, "create", {}))

    def purge(self, task_id: str) -> None:
        del self.tasks[task_id]
        self.log.append(Entry(len(self.log) + 1, task_id, "purge", {}))

    def is_effective(self, entry: Entry) -> bool:
        """Whether no effective entry undoes this one."""
        return not any(each.undoes == entry.revision and self.is_effective(each) for each in self.log)

    def undo(self, revision: int) -> int:
        """Undo a change, and return the expected status."""
        if revision > len(self.log):
            return 404
        entry = self.log[revision - 1]
        fields = {"trashed"} if entry.kind == "create" else set(entry.before)
        if entry.kind == "purge":
            return 409
        for each in self.log[revision:]:
            if each.task_id != entry.task_id or not self.is_effective(each):
                continue
            undoes_a_later_one = each.undoes is not None and each.undoes > revision
            altered = {"trashed"} if each.kind == "create" else set(each.before)
            if each.kind == "purge" or (altered & fields and not undoes_a_later_one):
                return 409
        self.write(entry.task_id, {"trashed": True} if entry.kind == "create" else entry.before, revision)
        return 200

    def listed(self, *, trashed: bool) -> list[tuple[Any, ...]]:
        """Newest first."""
        return [
            (key, task["title"], task["description"], task["completed"])
            for key, task in reversed(self.tasks.items())
            if task["trashed"] is trashed
        ]


def essence(tasks: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(task["id"], task["title"], task["description"], task["completed"]) for task in tasks]


@dataclass
class Replica:
    """The local copy of a client that follows the changes."""

    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    revision: int = 0

    def take(self, response: dict[str, Any]) -> None:
        for change in response["changes"]:
            if change["task"] is None:
                self.tasks.pop(change["task_id"], None)
            else:
                self.tasks[change["task_id"]] = change["task"]
        self.revision = response["revision"]


class TwoUsers(RuleBasedStateMachine):
    """Ada and Bob, their server, and the models that it must equal."""

    http: httpx.Client

    @initialize()
    def sign_up(self) -> None:
        self.people: dict[str, tuple[str, dict[str, str]]] = {}
        self.models = {"ada": Model(), "bob": Model()}
        self.replicas = {"ada": Replica(), "bob": Replica()}
        self.sent: list[tuple[str, str, str, Any, dict[str, str], httpx.Response, str | None]] = []
        for name in self.models:
            email = f"{name}-{uuid.uuid4().hex}@example.com"
            session = self.http.post("/api/auth/signup", json={"email": email, "password": PASSWORD}).json()
            self.people[name] = f"/api/{session['user']['id']}", {"Authorization": f"Bearer {session['access_token']}"}

    def send(self, who: str, method: str, path: str, body: Any, keyed: bool, task: str | None) -> httpx.Response:
        home, headers = self.people[who]
        if keyed:
            headers = headers | {"Idempotency-Key": uuid.uuid4().hex}
        response = self.http.request(method, home + path, json=body, headers=headers)
        if keyed:
            self.sent.append((who, method, path, body, headers, response, task or response.json().get("id")))
        return response

    def some_task(self, who: str, number: int, *, trashed: bool | None = False) -> str | None:
        tasks = [key for key, task in self.models[who].tasks.items() if trashed in {None, task["trashed"]}]
        return tasks[number % len(tasks)] if tasks else None

    def check(self, who: str) -> None:
        home, headers = self.people[who]
        response = self.http.get(f"{home}/tasks", headers=headers)
        assert essence(response.json()) == self.models[who].listed(trashed=False)
        assert response.headers["etag"] == f'W/"{len(self.models[who].log)}"'

    @rule(
        who=PEOPLE,
        title=TITLES,
        description=DESCRIPTIONS,
        done=st.booleans(),
        chosen=st.booleans(),
        keyed=st.booleans(),
    )
    def create(self, who: str, title: str, description: str | None, done: bool, chosen: bool, keyed: bool) -> None:
        fields = {"title": title, "description": description, "completed": done}
        body = fields | ({"id": str(uuid.uuid4())} if chosen else {})
        response = self.send(who, "POST", "/tasks", body, keyed, None)
        assert response.status_code == 201
        self.models[who].create(response.json()["id"], fields)
        if chosen:  # as an offline client repeats it
            assert self.send(who, "POST", "/tasks", body, False, None).json() == response.json()
        self.check(who)

    @rule(who=PEOPLE, number=ANY, title=st.none() | TITLES, description=DESCRIPTIONS, keyed=st.booleans())
    def edit(self, who: str, number: int, title: str | None, description: str | None, keyed: bool) -> None:
        if task := self.some_task(who, number):
            new = {"description": description} | ({"title": title} if title else {})
            assert self.send(who, "PUT", f"/tasks/{task}", new, keyed, task).status_code == 200
            self.models[who].write(task, new)
            self.check(who)

    @rule(who=PEOPLE, number=ANY, to=st.none() | st.booleans(), keyed=st.booleans())
    def complete(self, who: str, number: int, to: bool | None, keyed: bool) -> None:
        if task := self.some_task(who, number):
            body = None if to is None else {"completed": to}
            assert self.send(who, "PATCH", f"/tasks/{task}/complete", body, keyed, task).status_code == 200
            now = self.models[who].tasks[task]["completed"]
            self.models[who].write(task, {"completed": not now if to is None else to})
            self.check(who)

    @rule(who=PEOPLE, number=ANY, keyed=st.booleans())
    def delete(self, who: str, number: int, keyed: bool) -> None:
        if task := self.some_task(who, number):
            assert self.send(who, "DELETE", f"/tasks/{task}", None, keyed, task).status_code == 204
            self.models[who].write(task, {"trashed": True})
            self.check(who)

    @rule(who=PEOPLE, number=ANY, keyed=st.booleans())
    def restore(self, who: str, number: int, keyed: bool) -> None:
        if task := self.some_task(who, number, trashed=None):
            assert self.send(who, "POST", f"/tasks/{task}/restore", None, keyed, task).status_code == 200
            self.models[who].write(task, {"trashed": False})
            self.check(who)

    @rule(who=PEOPLE, number=ANY, keyed=st.booleans())
    def purge(self, who: str, number: int, keyed: bool) -> None:
        if task := self.some_task(who, number, trashed=None):
            path = f"/tasks/{task}?permanent=true"
            assert self.send(who, "DELETE", path, None, keyed, task).status_code == 204
            self.models[who].purge(task)
            self.check(who)

    @rule(who=PEOPLE, back=st.integers(0, 12), keyed=st.booleans())
    def undo(self, who: str, back: int, keyed: bool) -> None:
        model = self.models[who]
        revision = len(model.log) + 1 - back
        if revision < 1:
            return
        task = model.log[revision - 1].task_id if revision <= len(model.log) else None
        response = self.send(who, "POST", f"/changes/{revision}/undo", None, keyed and task is not None, task)
        assert response.status_code == model.undo(revision), response.text
        self.check(who)

    @rule(who=PEOPLE, steps=st.integers(2, 4))
    def undo_and_redo(self, who: str, steps: int) -> None:
        model = self.models[who]
        for revision in range(len(model.log), max(0, len(model.log) - steps), -1):  # each undo may undo an earlier one
            assert self.send(who, "POST", f"/changes/{revision}/undo", None, False, None).status_code == model.undo(
                revision
            )
            self.check(who)

    @rule(who=PEOPLE, other=PEOPLE, number=ANY)
    def access_the_task_of_another(self, who: str, other: str, number: int) -> None:
        task = self.some_task(other, number, trashed=None)
        if task and who != other:
            for method, path in (("GET", ""), ("PATCH", "/complete"), ("DELETE", ""), ("POST", "/restore")):
                assert self.send(who, method, f"/tasks/{task}{path}", None, False, None).status_code == 404
            self.check(other)

    @precondition(lambda self: self.sent)
    @rule(number=ANY)
    def send_again(self, number: int) -> None:
        who, method, path, body, headers, first, task = self.sent[number % len(self.sent)]
        again = self.http.request(method, self.people[who][0] + path, json=body, headers=headers)
        if task not in self.models[who].tasks and first.status_code not in {204, 404, 409}:
            assert again.status_code == 410  # the stored response was erased with its task
        else:
            assert (again.status_code, again.content) == (first.status_code, first.content)
            assert again.headers["idempotent-replayed"] == "true"
        self.check(who)

    @rule(who=PEOPLE, limit=st.integers(1, 5), compact=st.booleans())
    def follow(self, who: str, limit: int, compact: bool) -> None:
        home, headers = self.people[who]
        replica = self.replicas[who]
        more = True
        while more:
            params = {"since": replica.revision, "limit": limit, "compact": compact}
            response = self.http.get(f"{home}/changes", headers=headers, params=params).json()
            replica.take(response)
            more = response["more"]
        assert replica.revision == len(self.models[who].log)
        for status, trashed in (("all", False), ("deleted", True)):
            listed = self.http.get(f"{home}/tasks", headers=headers, params={"status": status}).json()
            kept = [task for task in replica.tasks.values() if ("deleted_at" in task) is trashed]
            assert sorted(kept, key=lambda task: (task["created_at"], task["id"]), reverse=True) == listed
            assert essence(listed) == self.models[who].listed(trashed=trashed)

    def teardown(self) -> None:
        for who, model in getattr(self, "models", {}).items():
            self.replicas[who] = Replica()
            self.follow(who, 1000, False)
            home, headers = self.people[who]
            log = self.http.get(f"{home}/changes", headers=headers).json()["changes"]
            assert [(each["revision"], each["task_id"], each["kind"], each["undoes"]) for each in log] == [
                (entry.revision, entry.task_id, entry.kind, entry.undoes) for entry in model.log
            ]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("replica"), database_url=database_url) as running:
        yield running


def test_a_replica_equals_the_list_and_both_equal_the_model(server: Server) -> None:
    class Here(TwoUsers):
        http = server.http

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=20,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            suppress_health_check=[*HealthCheck],
        ),
    )


@pytest.mark.anyio
async def test_a_replica_that_follows_eight_writers_equals_the_list(ada: Person) -> None:
    replica, compacted = Replica(), Replica()
    writing = True

    async def write(number: int) -> None:
        for round_ in range(12):
            task = await ada.create(title=f"{number} {round_}")
            await asyncio.gather(ada.toggle(task["id"]), ada.put(task["id"], title=f"{number} {round_} edited"))
            if round_ % 3 == 0:
                await ada.delete(task["id"], permanent=round_ % 2 == 0)
            if round_ % 4 == 0:
                await ada.undo((await ada.since(0, limit=1000))["revision"])

    async def follow(replica: Replica, **params: Any) -> None:
        while writing:
            replica.take(await ada.since(replica.revision, limit=7, **params))
        while (response := await ada.since(replica.revision, limit=7, **params))["changes"]:
            replica.take(response)

    followers = [asyncio.create_task(follow(replica)), asyncio.create_task(follow(compacted, compact=True))]
    await asyncio.gather(*(write(number) for number in range(8)))
    writing = False
    await asyncio.gather(*followers)

    for each in (replica, compacted):
        listed = [task for task in each.tasks.values() if "deleted_at" not in task]
        listed.sort(key=lambda task: (task["created_at"], task["id"]), reverse=True)
        assert listed == await ada.list()
        assert each.revision == (await ada.since(each.revision))["revision"]
