"""Waiting that can be ended."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable


class Signal:
    """Says once that something is over, and why. Handlers look at `aborted`, or await `wait()`."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.reason: str | None = None

    @property
    def aborted(self) -> bool:
        return self._event.is_set()

    def abort(self, reason: str) -> None:
        if not self.aborted:
            self.reason = reason
            self._event.set()

    async def wait(self) -> None:
        await self._event.wait()


async def sleep_ms(ms: float, signal: Signal) -> None:
    """Waits; ends early when the signal aborts."""
    try:
        await asyncio.wait_for(signal.wait(), ms / 1000)
    except TimeoutError:
        return


def full_jitter(attempt: int, base_ms: float, max_ms: float, draw: Callable[[], float] = random.random) -> float:
    """Anything between nothing and the doubled step
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/)."""
    return draw() * min(max_ms, base_ms * 2.0 ** min(attempt, 64))
