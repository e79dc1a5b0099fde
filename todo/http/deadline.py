"""A deadline that moves often: one timer of the event loop serves all of them."""

import asyncio
from collections.abc import Callable


class Deadline:
    """Calls an action at a moment that may be moved or cleared before; a timer that fires early is set again."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._at: float | None = None
        self._action: Callable[[], None] = lambda: None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_set(self) -> bool:
        """Whether an action is to be called."""
        return self._at is not None

    def set(self, seconds: float, action: Callable[[], None]) -> None:
        """Call `action` after so long, in place of an earlier one."""
        self._at, self._action = self._loop.time() + seconds, action
        if self._timer is not None and self._timer.when() > self._at:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_later(seconds, self._fire)

    def clear(self) -> None:
        """Call nothing."""
        self._at = None

    def close(self) -> None:
        """Call nothing any more."""
        self._at = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fire(self) -> None:
        self._timer = None
        if self._at is None:
            return
        left = self._at - self._loop.time()
        if left > 0.001:
            self._timer = self._loop.call_later(left, self._fire)
            return
        self._at = None
        self._action()
