"""Event streams through the proxies in between. This check needs a token."""

from collections.abc import Iterator

import httpx

from todo.doctor.finding import Finding, ok, problem
from todo.doctor.transport import PROXIES, TIMEOUT, trusted

SILENCE = 20.0
"""Seconds without a byte after which a stream is taken to be buffered: a comment comes every 15."""


def check(url: str, token: str) -> Iterator[Finding]:
    """Whether an event stream comes piece by piece, with an access token or API token; it waits for the second piece.

    The first one shows nothing: a proxy that buffers passes it on together with the headers.
    """
    url = url.rstrip("/")
    headers = {"Authorization": f"Bearer {token}"}
    timeout = httpx.Timeout(TIMEOUT, read=SILENCE)
    pieces = 0
    try:
        with httpx.Client(timeout=timeout, trust_env=False, verify=trusted(), headers=headers) as client:
            me = client.get(f"{url}/api/auth/me")
            if me.status_code != 200:
                yield problem("event stream", f"the token is answered {me.status_code}", "give a valid one")
                return
            with client.stream("GET", f"{url}/api/{me.json()['id']}/changes/stream") as response:
                if response.status_code != 200:
                    yield problem("event stream", f"it is answered {response.status_code}", PROXIES)
                    return
                for pieces, _ in enumerate(response.iter_raw(), 1):
                    if pieces == 2:
                        break
    except httpx.ReadTimeout:
        pass
    except (ValueError, LookupError, TypeError):
        yield problem("event stream", "/api/auth/me is answered by something else than todo", PROXIES)
        return
    except httpx.HTTPError as error:
        yield problem("event stream", f"broken off: {str(error) or type(error).__name__}", PROXIES)
        return
    if pieces == 2:
        yield ok("event stream", "comes piece by piece: nothing buffers it, or ends it when it is silent")
    else:
        yield problem("event stream", f"nothing more came for {SILENCE:g} s: a proxy buffers it", PROXIES)
