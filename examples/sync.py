"""Keep a local copy of a user's tasks up to date while it runs: python examples/sync.py BASE USER_ID TOKEN copy.json"""

import json
import sys
import time
from pathlib import Path

import httpx

base, user_id, token, path = *sys.argv[1:4], Path(sys.argv[4])
copy = json.loads(path.read_text()) if path.exists() else None
http = httpx.Client(base_url=f"{base}/api/{user_id}", headers={"Authorization": f"Bearer {token}"}, timeout=30)

while True:
    try:
        if copy is None:  # start with the list: its ETag, W/"42", is a revision that it includes
            listed = http.get("/tasks").raise_for_status()
            tasks = {task["id"]: task for task in listed.json()}
            copy = {"revision": int(listed.headers["ETag"][3:-1]), "tasks": tasks}

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
    except httpx.TransportError:
        time.sleep(1)  # the server is unreachable: retry from the same revision
