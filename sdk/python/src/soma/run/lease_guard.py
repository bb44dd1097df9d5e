"""Leases of an agent whose handler keeps the event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from logging import Logger
from typing import Any, Final

from soma.clients.bound import BoundClients
from soma.clients.transport import Connection

_TICK_S: Final = 0.25
_BEAT_S: Final = 1.0
# The beat comes every second, and a busy loop may be late.
_SILENT_S: Final = 2.0
_WARN_S: Final = 5.0
_WARNING: Final = "a handler has kept the event loop for %d s: leases are kept, but nothing else runs. In hand: %s (%s)"


class LeaseGuard:
    """A thread that asks for the leases while the event loop stands still: they would run out, and others would do the
    work again. While the loop turns, it does nothing. It starts with the first delivery."""

    def __init__(
        self, *, connection: Connection, agent: str, subscription_id: str, member_id: str, lease_ms: int, log: Logger
    ) -> None:
        self._connection = connection
        self._agent = agent
        self._subscription_id = subscription_id
        self._member_id = member_id
        self._lease_ms = lease_ms
        self._log = log
        self._held: tuple[Any, ...] = ()
        self._headers: dict[str, str] = {}
        self._heard_at = self._kept_at = time.monotonic()
        self._thread: threading.Thread | None = None
        self._beat = asyncio.create_task(self._tell())
        self._stopped = threading.Event()

    def holds(self, deliveries: Sequence[Any]) -> None:
        """Everything in hand, whenever that changes."""
        if not self._held:
            self._kept_at = time.monotonic()
        self._held = tuple(deliveries)
        if self._thread is None and self._held:
            self._thread = threading.Thread(target=self._watch, name=f"leases of {self._agent}", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._beat.cancel()

    async def _tell(self) -> None:
        while True:
            self._heard_at = time.monotonic()
            # Asked for beforehand: the first handler may be the one that lets nothing else run.
            if self._held or not self._headers:
                try:
                    self._headers = await self._connection.headers()
                except Exception as error:
                    self._log.debug("no token for the thread that keeps leases: %s", error)
            await asyncio.sleep(_BEAT_S)

    def _watch(self) -> None:
        has_warned = False
        while not self._stopped.wait(_TICK_S):
            now, held = time.monotonic(), self._held
            silent_s = now - self._heard_at
            if silent_s < _SILENT_S or not held:
                has_warned = False
                continue
            if silent_s >= _WARN_S and not has_warned:
                has_warned = True
                self._log.warning(_WARNING, _WARN_S, self._agent, ", ".join(sorted({_type_of(one) for one in held})))
            if now - self._kept_at >= self._lease_ms / 3000:
                self._kept_at = now
                asyncio.run(self._extend(held))

    async def _extend(self, held: Sequence[Any]) -> None:
        connection = Connection(url=self._connection.url, headers=self._headers)
        extends = [
            {"deliveryId": one["deliveryId"], "attempt": one["attempt"], "leaseMs": self._lease_ms} for one in held
        ]
        body: Any = {"memberId": self._member_id, "extends": extends}
        try:
            await BoundClients(connection.transport()).events.deliveries.settle(self._subscription_id, body=body)
        except Exception as error:
            # What is lost or refused the agent hears itself, when it settles.
            self._log.debug("leases could not be kept: %s", error)
        finally:
            await connection.aclose()


def _type_of(delivery: Any) -> str:
    return str(delivery["event"]["type"])
