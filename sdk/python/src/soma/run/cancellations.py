"""Hears that tasks in hand were cancelled, or failed by their time limit: their handlers work for nobody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from logging import Logger
from typing import Any, Final

from soma.clients.bound import BoundClients
from soma.run.waiting import Signal, full_jitter, sleep_ms

# Handlers that end sooner need not hear of anything: a stream for each would cost more than the work that it saves.
_SLOW_S: Final = 0.5
# So long a stream without work in hand is kept for the next slow handler.
_IDLE_S: Final = 30.0
# The stream begins so long before the work did: the clocks of agent and platform may differ.
_SKEW_S: Final = 5.0
_RECONNECT_BASE_MS: Final = 500
_RECONNECT_MAX_MS: Final = 30_000

# Why the signal of a handler was aborted: whatever it still says, nobody waits for it.
ENDED_ELSEWHERE: Final = "the task was cancelled or ran out of time"


class Cancellations:
    """Follows the log while there has been work in hand for half a second, from before the oldest began.

    `taken_at` answers when each that is in hand was taken, in Unix seconds."""

    def __init__(
        self,
        *,
        clients: BoundClients,
        taken_at: Callable[[], list[float]],
        on_ended: Callable[[dict[str, Any]], None],
        log: Logger,
    ) -> None:
        self._clients = clients
        self._taken_at = taken_at
        self._on_ended = on_ended
        self._log = log
        self._stopped = Signal()
        self._following: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def changed(self) -> None:
        """Call when something was taken or has ended."""
        is_busy = len(self._taken_at()) > 0
        if self._stopped.aborted or is_busy == (self._following is not None):
            self._forget_timer()
        elif self._timer is None:
            later = (_SLOW_S, self._begin) if is_busy else (_IDLE_S, self._end)
            self._timer = asyncio.get_running_loop().call_later(*later)

    def stop(self) -> None:
        self._stopped.abort("the agent stops")
        self._end()

    def _begin(self) -> None:
        self._timer = None
        self._following = asyncio.create_task(self._follow())

    def _end(self) -> None:
        self._forget_timer()
        if self._following is not None:
            self._following.cancel()
        self._following = None

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    async def _follow(self) -> None:
        failures = 0
        while not self._stopped.aborted:
            try:
                await self._connect_once()
                failures = 0
            except Exception as error:
                failures += 1
                self._log.debug("the stream of cancellations broke: %s", error)
            await sleep_ms(full_jitter(failures, _RECONNECT_BASE_MS, _RECONNECT_MAX_MS), self._stopped)

    async def _connect_once(self) -> None:
        since = min([time.time(), *self._taken_at()]) - _SKEW_S
        query: Any = {
            "topics": "task-events",
            "types": "task.cancelled,task.failed",
            "from_": datetime.fromtimestamp(since, UTC).isoformat().replace("+00:00", "Z"),
        }
        async with await self._clients.events.events.stream(**query) as frames:
            async for frame in frames:
                if frame["event"] == "event":
                    self._on_ended(frame["data"])
                elif frame["event"] == "gap":
                    self._log.warning("cancellations may have been missed: %s", frame["data"])
