"""Keep a local copy of a user's tasks up to date, in an SQLite file:
.venv/bin/python examples/sync.py http://127.0.0.1:8000 "$TOKEN" copy.db"""

import sys

from todo.client import Client, ClientError, LocalCopy, Retry


def waiting(error: ClientError, seconds: float) -> None:
    sys.stderr.write(f"sync: {error} In {seconds:.1f} s: trying again\n")


if len(sys.argv) != 4:
    sys.exit(__doc__)
url, token, path = sys.argv[1:]
try:
    with Client(url, token, retry=Retry.without_end(), on_retry=waiting) as client, LocalCopy(client, path) as copy:
        for revision in copy.follow():  # for ever, until it is interrupted or the token ends
            sys.stderr.write(f"sync: {sum(1 for _ in copy.tasks())} tasks at revision {revision}\n")
except (ClientError, ValueError) as error:
    sys.exit(f"sync: {error}")
except KeyboardInterrupt:
    sys.exit()
