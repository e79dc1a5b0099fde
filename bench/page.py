"""The page in a real browser: from an input to the paint of what it did, scrolling, starts, bytes and memory.

An input is measured from the time stamp of its event to the first task that runs after the frame with its effect was
drawn (`page.js`). The API is slow meanwhile, by a delay of each round trip to the database; the page's files are not.
"""

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, expect

from bench import data, machine
from bench.contestants import TODO
from bench.delay_proxy import delay_proxy
from bench.page_data import PASSWORD, Account, make
from bench.stand import Stand
from tests.support.browser import CHROMIUM, chromium
from todo.web.content import files

SCRIPT = Path(__file__).with_name("page.js")
DATABASE = "page"

DELAY = 0.2
"""Seconds added to each round trip to the database; a write with an idempotency key makes two."""

SIZES = (1_000, 10_000)
"""Tasks of the users who are measured."""

QUICK: dict[str, Any] = {"sizes": (200, 400), "samples": 3, "visits": 1}
"""What a short run measures."""

SLOW_PHONE = {"latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8, "offline": False}
"""Lighthouse's slow 4G: ms, and bytes per second. The CPU is slowed by `SLOWER` as well."""
SLOWER = 4
FAST = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1, "offline": False}


def page(stand: Stand, *, sizes: Sequence[int] = SIZES, samples: int = 60, visits: int = 5) -> dict[str, Any]:
    """All that is measured of the page, or why it cannot be measured here."""
    if CHROMIUM is None:
        stand.log("the page: not measured: Chromium is missing")
        return {"missing": "Chromium is not installed"}
    stand.load(DATABASE, {1: data.TASKS})  # the stand waits for a task of this user
    found: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine.described(),
        "files": _gzip_sizes(),
        "visits": visits,
    }
    with chromium() as browser:
        found["browser"] = f"Chromium {browser.version}"
        with stand.running([TODO], database=DATABASE) as servers:
            url = f"http://127.0.0.1:{servers[TODO.name].port}"
            accounts = [make(url, size) for size in sizes]
            stand.log(f"made {' and '.join(f'{each.size:,}' for each in accounts)} tasks through the API")
            found["starts"], found["wire"] = _starts(browser, url, accounts, visits)
            stand.log("the page's starts")
            found["scrolling"], found["heap_mb"] = {}, {}
            for each in accounts:
                with _window(browser, url, each) as window:
                    found["heap_mb"][str(each.size)] = _heap(window)
                    found["scrolling"][str(each.size)] = _scrolled(window)
            stand.log("scrolling")
        with (
            delay_proxy(stand.url(DATABASE), DELAY) as (slow, _),
            stand.running([TODO], url=slow, database=DATABASE) as servers,
        ):
            url = f"http://127.0.0.1:{servers[TODO.name].port}"
            found["inputs"], found["answer_ms"] = _inputs(browser, url, accounts, samples)
            stand.log("inputs")
    return found


def _gzip_sizes() -> dict[str, int]:
    return {
        name: len(each.encoded.get("gzip", each.plain))
        for name, each in files().items()
        if name.endswith((".js", ".css"))
    }


@contextmanager
def _visit(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(viewport={"width": 1000, "height": 900}) as context:
        context.set_default_timeout(90_000)
        context.add_init_script(path=SCRIPT)
        yield context


@contextmanager
def _window(browser: Browser, url: str, account: Account) -> Iterator[Page]:
    """A window of a user whose tasks have all been read."""
    with _visit(browser) as context:
        window = context.new_page()
        window.goto(url)
        _sign_in(window, account)
        _read(window, account)
        yield window


def _sign_in(window: Page, account: Account) -> None:
    window.get_by_label("Email").fill(account.email)
    window.get_by_label("Password").fill(PASSWORD)
    window.get_by_role("button", name="Sign in").click()
    expect(window.get_by_role("textbox", name="New task")).to_be_visible()


def _read(window: Page, account: Account) -> None:
    """Wait until all tasks have been read: the Inbox counts those that are open."""
    open_tasks = sum(number % 5 != 0 and number % 20 != 7 for number in range(account.size))
    inbox = window.get_by_role("navigation", name="Views").get_by_role("link", name="Inbox")
    expect(inbox.locator(".count")).to_have_text(str(open_tasks), timeout=60_000)
    expect(window.locator(".row").first).to_be_visible()


def _devtools(window: Page) -> CDPSession:
    return window.context.new_cdp_session(window)


def _starts(
    browser: Browser, url: str, accounts: list[Account], visits: int
) -> tuple[dict[str, list[float]], dict[str, int]]:
    """Milliseconds from the navigation to a page that can be used, on a slow phone; and all bytes of a first visit."""
    times: dict[str, list[float]] = {}
    wire = {"requests": 0, "bytes": 0}
    for number in range(visits):
        for account in accounts:
            with _visit(browser) as context:
                window = context.new_page()
                devtools = _slowed(window)
                sizes: list[float] = []
                devtools.on("Network.loadingFinished", lambda event, to=sizes: to.append(event["encodedDataLength"]))
                window.goto(url)
                form = _shown(window, "form")
                times.setdefault("first visit", []).append(form)
                if not number:
                    window.wait_for_load_state("networkidle")
                    wire = {"requests": len(sizes), "bytes": round(sum(sizes))}
                devtools.send("Emulation.setCPUThrottlingRate", {"rate": 1})
                _sign_in(window, account)
                devtools.send("Network.emulateNetworkConditions", FAST)
                _read(window, account)
                window.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
                window.close()
                window = context.new_page()
                _slowed(window)
                window.goto(url)
                times.setdefault(f"repeated visit, {account.size:,} tasks", []).append(_shown(window, "tasks"))
    return times, wire


def _slowed(window: Page) -> CDPSession:
    devtools = _devtools(window)
    devtools.send("Network.enable")
    devtools.send("Network.emulateNetworkConditions", SLOW_PHONE)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    return devtools


def _shown(window: Page, what: str) -> float:
    return float(window.evaluate(f"bench.shown.{what}"))


def _heap(window: Page) -> float:
    devtools = _devtools(window)
    devtools.send("HeapProfiler.collectGarbage")
    return float(devtools.send("Runtime.getHeapUsage")["usedSize"]) / 1e6


def _scrolled(window: Page) -> dict[str, float]:
    """Turn the wheel through the whole list."""
    window.mouse.move(500, 500)
    window.evaluate("bench.record()")
    while not window.evaluate("scrollY + innerHeight >= document.documentElement.scrollHeight - 2"):
        for _ in range(10):
            window.mouse.wheel(0, 1000)
    recorded = window.evaluate("bench.recorded()")
    return _summary(recorded["times"]) | {"blank": recorded["blank"]}


def _inputs(browser: Browser, url: str, accounts: list[Account], samples: int) -> tuple[dict[str, Any], float]:
    """Add, toggle and delete, with few and many tasks in turn; and after how many ms a write is answered."""
    paints: dict[str, dict[str, list[float]]] = {str(each.size): {name: [] for name in INPUTS} for each in accounts}
    cpu: dict[str, dict[str, list[float]]] = {size: {name: [] for name in INPUTS} for size in paints}
    answers: list[float] = []
    with ExitStack() as stack:
        windows = [stack.enter_context(_window(browser, url, each)) for each in accounts]
        devtools = [_devtools(each) for each in windows]
        for each in devtools:
            each.send("Performance.enable", {"timeDomain": "threadTicks"})
        windows[0].on("requestfinished", lambda request: _keep_answer(request, answers))
        for number in range(samples):
            for account, window, tools in zip(accounts, windows, devtools, strict=True):
                for name, act in INPUTS.items():
                    before = _cpu(tools)
                    paints[str(account.size)][name].append(act(window, number))
                    cpu[str(account.size)][name].append(_cpu(tools) - before)
            time.sleep(4 * DELAY)  # the answers come; the next inputs meet those of the last
    inputs = {
        size: {name: {"paint": _summary(each), "cpu": _summary(cpu[size][name])} for name, each in of.items()}
        for size, of in paints.items()
    }
    return inputs, statistics.median(answers or [0.0])


def _cpu(devtools: CDPSession) -> float:
    """Milliseconds of CPU that the page's thread has used, whatever else the machine does."""
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration")) * 1e3


def _keep_answer(request: Any, answers: list[float]) -> None:
    if request.method != "GET":
        answers.append(request.timing["responseStart"] - request.timing["requestStart"])


def _add(window: Page, number: int) -> float:
    title = f"Added as number {number}"
    window.evaluate("scrollTo(0, 0)")
    window.get_by_role("textbox", name="New task").focus()
    window.keyboard.insert_text(title)
    window.evaluate(
        "title => bench.arm('keydown', () => document.querySelector('.row .title')?.textContent === title)", title
    )
    window.keyboard.press("Enter")
    return _measured(window)


def _toggle(window: Page, number: int) -> float:
    x, y = window.evaluate(
        """number => {
          const row = document.querySelectorAll(".row")[2 + (number % 8)]
          const was = row.classList.contains("completed")
          const id = row.dataset.id
          bench.arm("click", () =>
            document.querySelector(`.row[data-id="${id}"]`)?.classList.contains("completed") === !was)
          const box = row.querySelector("input").getBoundingClientRect()
          return [box.x + box.width / 2, box.y + box.height / 2]
        }""",
        number,
    )
    window.mouse.click(x, y)
    return _measured(window)


def _delete(window: Page, number: int) -> float:  # noqa: ARG001 # called like the others
    window.evaluate(
        """() => {
          const row = document.querySelector(".row.current") ?? document.querySelector(".row")
          const id = row.dataset.id
          bench.arm("keydown", () => !document.querySelector(`.row[data-id="${id}"]`))
        }"""
    )
    window.keyboard.press("d")
    return _measured(window)


INPUTS = {"add": _add, "toggle": _toggle, "delete": _delete}


def _measured(window: Page) -> float:
    return float(window.evaluate("bench.measured()"))


def _summary(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    at = {
        name: ordered[min(len(ordered) - 1, int(len(ordered) * part))] for name, part in (("p50", 0.5), ("p95", 0.95))
    }
    return {"count": len(ordered), **{name: round(each, 1) for name, each in at.items()}, "max": round(ordered[-1], 1)}
