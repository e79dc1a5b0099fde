"""The page's modules in Node.js: their pure functions, without a browser, in one process."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "todo" / "web" / "page"
NODE = shutil.which("node")
PACKAGES = {
    "preact": "export const h = () => null, useEffect = h, useMemo = h, useState = h",  # with its hooks
    "@preact/signals": "export const signal = () => null",
    "htm": "export default () => null",
}
"""What modules import to draw. No pure function calls it, so that nothing need be installed."""

EVALUATE = """
import { createInterface } from "node:readline"
for await (const line of createInterface({ input: process.stdin })) {
  const { module, expression, given, timeZone } = JSON.parse(line)
  process.env.TZ = timeZone
  try {
    const page = await import(`./${module}`)
    const value = new Function("page", "given", `return ${expression}`)(page, given)
    console.log(JSON.stringify({ value }))
  } catch (error) {
    console.log(JSON.stringify({ error: error.stack }))
  }
}
"""

needs_node = pytest.mark.skipif(NODE is None and "REQUIRE_NPM" not in os.environ, reason="needs Node.js 18")


@dataclass
class Modules:
    """The modules, in a process that reads and answers by lines of JSON."""

    process: "subprocess.Popen[bytes]"

    def evaluate(self, module: str, expression: str, given: Any = None, *, time_zone: str = "UTC") -> Any:
        """The value of a JavaScript expression of `page`, which is what the module exports, and `given`.

        Raises AssertionError with JavaScript's error, and after a minute without a value.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        question = {"module": module, "expression": expression, "given": given, "timeZone": time_zone}
        too_late = threading.Timer(60, self.process.kill)
        too_late.start()
        self.process.stdin.write(json.dumps(question).encode() + b"\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        too_late.cancel()
        assert answer, "Node.js has ended"
        value = json.loads(answer)
        assert "error" not in value, value["error"]
        return value["value"]


@contextmanager
def modules_in_node(folder: Path) -> Iterator[Modules]:
    """The modules, copied to a folder that says that they are modules, which Node.js wants to be told."""
    assert NODE, "REQUIRE_NPM is set, but Node.js is missing"
    for file in PAGE.glob("*.js"):
        shutil.copy(file, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    for name, source in PACKAGES.items():
        package = folder / "node_modules" / name
        package.mkdir(parents=True)
        (package / "index.mjs").write_text(source)
        (package / "package.json").write_text('{"exports": {".": "./index.mjs", "./hooks": "./index.mjs"}}')
    (folder / "evaluate.js").write_text(EVALUATE)
    with subprocess.Popen([NODE, "evaluate.js"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield Modules(process)
        finally:
            process.kill()
