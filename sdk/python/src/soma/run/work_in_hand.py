"""What an agent has in hand.

The group hands out at most one event of a key at a time, so everything that arrives may run at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from logging import Logger
from typing import Any, Final

from soma.clients.bound import BoundClients
from soma.define.definition import AgentDefinition
from soma.run.cancellations import ENDED_ELSEWHERE, Cancellations
from soma.run.handle_delivery import handle_delivery
from soma.run.handling import Handling
from soma.run.lease_guard import LeaseGuard
from soma.run.settler import Settlement, Settler
from soma.run.task_of_request import task_of_request
from soma.run.waiting import Signal

# A platform that is away when the agent stops finds out by itself when the leases end.
_HAND_BACK_S: Final = 5.0


@dataclass(slots=True)
class _Held:
    delivery: Any
    signal: Signal
    # Unix seconds.
    taken_at: float
    task: asyncio.Task[None] | None = None
    # What its handler makes counts no more.
    is_lost: bool = False


class WorkInHand:
    def __init__(
        self,
        *,
        definition: AgentDefinition,
        settler: Settler,
        guard: LeaseGuard,
        lease_ms: int,
        agent_name: str,
        clients: BoundClients,
        begin: Callable[[Any, Signal], Handling],
        log: Logger,
    ) -> None:
        self._definition = definition
        self._settler = settler
        self._guard = guard
        self._lease_ms = lease_ms
        self._agent_name = agent_name
        self._begin = begin
        self._log = log
        self._held: dict[str, _Held] = {}
        self._keeper: asyncio.Task[None] | None = None
        self._cancellations = Cancellations(
            clients=clients,
            taken_at=lambda: [held.taken_at for held in self._held.values()],
            on_ended=self._abandon,
            log=log,
        )

    @property
    def count(self) -> int:
        return len(self._held)

    def take(self, delivery: Any) -> None:
        """Handles a delivery. One that is in hand already (sent again after a reconnect) is not begun twice."""
        known = self._held.get(delivery["deliveryId"])
        if known is not None and known.delivery["attempt"] == delivery["attempt"]:
            return
        held = _Held(delivery, Signal(), time.time())
        self._held[delivery["deliveryId"]] = held
        held.task = asyncio.create_task(self._handle(held))
        self._changed()
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep_leases())

    def lose(self, delivery_id: str) -> None:
        """Aborts the handler of a delivery whose lease is gone."""
        held = self._held.get(delivery_id)
        if held is not None:
            held.is_lost = True
            self._log.warning("the lease of %s (%s) was lost", delivery_id, held.delivery["event"]["type"])
            held.signal.abort("the lease was lost")

    async def drain(self, grace_ms: int) -> None:
        """Waits for the handlers; what has not ended after the grace is aborted and handed back, with no attempt
        burned."""
        tasks = [held.task for held in self._held.values() if held.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=grace_ms / 1000)
        unfinished = list(self._held.values())
        for held in unfinished:
            held.is_lost = True
            held.signal.abort("the agent stops")
        handed_back = [asyncio.create_task(self._settle(held, Settlement("release"))) for held in unfinished]
        if handed_back:
            await asyncio.wait(handed_back, timeout=_HAND_BACK_S)
        if self._keeper is not None:
            self._keeper.cancel()
        self._cancellations.stop()
        self._guard.stop()

    def _abandon(self, ended: dict[str, Any]) -> None:
        task_id, ended_at = ended.get("taskid"), datetime.fromisoformat(ended["time"])
        for held in self._held.values():
            event = held.delivery["event"]
            known, is_planned = task_of_request(event, self._agent_name)
            # What `plans` asked for after the end is a new try of the task.
            is_new = is_planned and datetime.fromisoformat(event["time"]) > ended_at
            if event["topic"] == "action-requests" and known == task_id and not is_new:
                self._log.info("the task %s in hand was ended elsewhere", task_id)
                held.signal.abort(ENDED_ELSEWHERE)

    def _changed(self) -> None:
        self._cancellations.changed()
        self._guard.holds([held.delivery for held in self._held.values()])

    async def _handle(self, held: _Held) -> None:
        try:
            settlement = await handle_delivery(self._definition, lambda: self._begin(held.delivery, held.signal))
            if not held.is_lost:
                await self._settle(held, settlement)
        except Exception:
            self._log.exception("a delivery could not be settled")
        finally:
            if self._held.get(held.delivery["deliveryId"]) is held:
                del self._held[held.delivery["deliveryId"]]
            self._changed()

    async def _settle(self, held: _Held, settlement: Settlement) -> None:
        delivery_id, attempt, type = (
            held.delivery["deliveryId"],
            held.delivery["attempt"],
            held.delivery["event"]["type"],
        )
        answer = await self._settler.settle(delivery_id, attempt, settlement)
        if answer.outcome == "lost":
            self._log.warning("the delivery %s (%s) was settled too late", delivery_id, type)
        elif answer.outcome == "refused":
            self._log.warning("what the handler of %s sent was refused: %s", type, answer.problem)
            again = Settlement("nack", problem={**answer.problem, "retryable": True})
            await self._settler.settle(delivery_id, attempt, again)

    async def _keep_leases(self) -> None:
        try:
            while self._held:
                await asyncio.sleep(self._lease_ms / 2000)
                await self._extend()
        finally:
            self._keeper = None

    async def _extend(self) -> None:
        deliveries = [(id, held.delivery["attempt"]) for id, held in self._held.items()]
        try:
            for delivery_id in await self._settler.extend(deliveries, self._lease_ms):
                self.lose(delivery_id)
        except Exception as error:
            self._log.warning("leases could not be extended: %s", error)
