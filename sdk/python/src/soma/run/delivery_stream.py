"""Follows the deliveries of a group as one member, over any number of connections.

The member id is always the same, so that leases are kept.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from logging import Logger
from typing import Any, Final

from soma.clients.bound import BoundClients
from soma.problem import Problem
from soma.run.waiting import Signal, full_jitter, sleep_ms

_RECONNECT_BASE_MS: Final = 500
_RECONNECT_MAX_MS: Final = 30_000
# A connection that has held so long counts as healthy: the next break starts with a short wait again.
_HEALTHY_S: Final = 60.0
_REFUSALS: Final = 2


class DeliveryStream:
    """`opened` resolves when the stream was open once, or was refused for good; `ended` with the problem when the
    credential was refused twice in a row, with None after `stop`."""

    def __init__(
        self,
        *,
        clients: BoundClients,
        subscription_id: str,
        member_id: str,
        credits: int,
        agent_instance_id: str,
        on_delivery: Callable[[Any], None],
        on_lease_lost: Callable[[str], None],
        log: Logger,
    ) -> None:
        self._clients = clients
        self._subscription_id = subscription_id
        self._query: Any = {"member_id": member_id, "credits": credits, "agent_instance_id": agent_instance_id}
        self._on_delivery = on_delivery
        self._on_lease_lost = on_lease_lost
        self._log = log
        self._stopped = Signal()
        self.opened = asyncio.Event()
        self._reading: asyncio.Task[int] | None = None
        self.ended = asyncio.create_task(self._loop())

    async def stop(self) -> None:
        self._stopped.abort("the agent stops")
        if self._reading is not None:
            self._reading.cancel()
        await self.ended

    async def _loop(self) -> Problem | None:
        failures = refusals = 0
        try:
            while not self._stopped.aborted:
                started_at = time.monotonic()
                pause_ms = 0
                self._reading = asyncio.create_task(self._connect_once())
                await asyncio.wait([self._reading])
                if self._stopped.aborted:
                    break
                error = self._reading.exception()
                if error is None:
                    pause_ms, refusals = self._reading.result(), 0
                else:
                    refusals = refusals + 1 if isinstance(error, Problem) and error.status == 401 else 0
                    self._log.warning("the stream broke: %s", error)
                    if refusals == _REFUSALS:
                        return error if isinstance(error, Problem) else None
                failures = 0 if time.monotonic() - started_at > _HEALTHY_S else failures + 1
                await sleep_ms(
                    max(pause_ms, full_jitter(failures - 1, _RECONNECT_BASE_MS, _RECONNECT_MAX_MS)), self._stopped
                )
            return None
        finally:
            self.opened.set()

    async def _connect_once(self) -> int:
        deliveries = self._clients.events.deliveries
        async with await deliveries.stream(self._subscription_id, **self._query) as frames:
            self.opened.set()
            async for frame in frames:
                if frame["event"] == "delivery":
                    self._on_delivery(frame["data"])
                elif frame["event"] == "lease-lost":
                    self._on_lease_lost(frame["data"]["deliveryId"])
                elif frame["event"] == "drain":
                    return frame["data"]["retryAfterMs"]
                else:
                    self._log.warning("the stream says %s: %s", frame["event"], frame["data"])
        return 0
