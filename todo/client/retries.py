"""How often, and after how long, a request is sent again."""

import math
import random
import time
from dataclasses import dataclass

from todo.client.errors import ApiError, ClientError


@dataclass(frozen=True)
class Retry:
    """Bounds on sending a request again, in seconds but for `attempts`."""

    attempts: int | None = 8
    """How often a request is sent at most, the first time included; None for any number."""
    total: float = 60.0
    """No attempt begins later than this after the first one began."""
    first_wait: float = 0.1
    """Before the second attempt; it doubles from one to the next."""
    longest_wait: float = 10.0
    """Without a Retry-After, which is waited for as long as `total` allows."""
    patience: float = 300.0
    """How long a stream tries to connect again, from its last sign of life."""

    @classmethod
    def without_end(cls) -> "Retry":
        """For a program that waits for its server, however long that is away."""
        return cls(attempts=None, total=math.inf, patience=math.inf)


class Attempts:
    """The attempts of one request."""

    def __init__(self, limit: int | None, total: float, retry: Retry) -> None:
        self._limit = limit
        self._total = total
        self._retry = retry
        self.begin()

    @classmethod
    def of_request(cls, retry: Retry) -> "Attempts":
        return cls(retry.attempts, retry.total, retry)

    @classmethod
    def of_stream(cls, retry: Retry) -> "Attempts":
        """Bounded by time only, from the last sign of life: `begin` is called with each."""
        return cls(None, retry.patience, retry)

    def begin(self) -> None:
        """Count from here."""
        self._made = 0
        self._until = time.monotonic() + self._total

    def wait(self, failure: ClientError) -> float | None:
        """Seconds to wait after an attempt that failed so; None where it was the last one."""
        self._made += 1
        if self._limit is not None and self._made >= self._limit:
            return None
        longest = min(self._retry.longest_wait, self._retry.first_wait * 2 ** min(self._made - 1, 20))
        seconds = longest * random.uniform(0.5, 1)  # noqa: S311 # spreads the clients, and is no secret
        if isinstance(failure, ApiError) and failure.retry_after is not None:
            seconds += failure.retry_after
        return seconds if time.monotonic() + seconds < self._until else None
