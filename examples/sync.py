"""Keep a local copy of a user's tasks up to date. It needs httpx, which `make install` puts into .venv:
.venv/bin/python examples/sync.py http://127.0.0.1:8000 "$USER_ID" "$TOKEN" copy.json"""

import json
import sys
import time
from pathlib import Path

import httpx


def follow(http: httpx.Client, path: Path) -> None:
    copy = json.loads(path.read_text()) if path.exists() else None
    while True:
        try:
            if copy is None:  # start with the list: its ETag, W/"42", is a revision that it includes
                listed = http.get("/tasks").raise_for_status()
                tasks = {task["id"]: task for task in listed.json()}
                copy = {"revision": int(listed.headers["ETag"].strip('W/"')), "tasks": tasks}

            answer = http.get("/changes", params={"since": copy["revision"], "compact": True})
            if answer.status_code == 410:  # not connected for too long: start again with the list
                copy = None
                continue
            happened = answer.raise_for_status().json()
            for change in happened["changes"]:
                copy["tasks"].pop(change["task_id"], None)
                if change["task"] and "deleted_at" not in change["task"]:
                    copy["tasks"][change["task_id"]] = change["task"]
            copy["revision"] = happened["revision"]
            path.with_suffix(".new").write_text(json.dumps(copy))
            path.with_suffix(".new").replace(path)  # complete or unchanged, even if this process is killed

            if not happened["more"]:  # wait for a change, or for the end of the stream
                with http.stream("GET", "/changes/stream", params={"since": copy["revision"]}) as stream:
                    next((line for line in stream.iter_lines() if line.startswith("event:")), None)
        except (httpx.TransportError, httpx.HTTPStatusError) as error:
            answered = getattr(error, "response", None)
            if answered is not None and answered.status_code not in {429, 502, 503, 504}:
                raise
            sys.stderr.write(f"sync: {error or 'no answer'}; trying again\n")
            time.sleep(1)  # retry from the same revision


if len(sys.argv) != 5:
    sys.exit(__doc__)
base, user_id, token, file = sys.argv[1:]
try:
    headers = {"Authorization": f"Bearer {token}"}
    follow(httpx.Client(base_url=f"{base}/api/{user_id}", headers=headers, timeout=30), Path(file))
except httpx.HTTPStatusError as error:
    sys.exit(f"sync: {error.response.status_code} {error.response.reason_phrase}: {error.response.text[:300]}")
except (httpx.InvalidURL, OSError, ValueError) as error:
    sys.exit(f"sync: {error}")
except KeyboardInterrupt:
    sys.exit()
