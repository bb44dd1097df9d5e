"""Settles deliveries: one request carries what has gathered while the last one was under way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from logging import Logger
from typing import Any, Final, Literal

from soma.clients.bound import BoundClients
from soma.json_value import present
from soma.problem import Problem
from soma.run.handling import OutgoingEvent
from soma.run.waiting import Signal, full_jitter, sleep_ms

# Emits make entries heavy, so a request has at most so many.
_MAXIMUM_ENTRIES: Final = 50
_RETRY_BASE_MS: Final = 250
_RETRY_MAX_MS: Final = 15_000


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a delivery ends; `release` hands it back unhandled."""

    kind: Literal["ack", "nack", "release"]
    emits: Sequence[OutgoingEvent] = ()
    problem: dict[str, Any] | None = None
    dead: bool = False


@dataclass(frozen=True, slots=True)
class SettleAnswer:
    outcome: Literal["settled", "lost", "refused"]
    problem: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Pending:
    delivery: dict[str, Any]
    settlement: Settlement
    answer: asyncio.Future[SettleAnswer]


class Settler:
    """Settles, as long as it takes: while the platform is away it is tried again, until `closed`."""

    def __init__(
        self, *, clients: BoundClients, subscription_id: str, member_id: str, log: Logger, closed: Signal
    ) -> None:
        self._clients = clients
        self._subscription_id = subscription_id
        self._member_id = member_id
        self._log = log
        self._closed = closed
        self._pending: list[_Pending] = []
        self._pump: asyncio.Task[None] | None = None

    async def settle(self, delivery_id: str, attempt: int, settlement: Settlement) -> SettleAnswer:
        answer: asyncio.Future[SettleAnswer] = asyncio.get_running_loop().create_future()
        self._pending.append(_Pending({"deliveryId": delivery_id, "attempt": attempt}, settlement, answer))
        if self._pump is None:
            self._pump = asyncio.create_task(self._pump_all())
        return await answer

    async def extend(self, deliveries: Sequence[tuple[str, int]], lease_ms: int) -> list[str]:
        """Extends leases; those that are gone are answered."""
        if not deliveries:
            return []
        extends = [{"deliveryId": id, "attempt": attempt, "leaseMs": lease_ms} for id, attempt in deliveries]
        answer = await self._call(extends=extends)
        return [lost["deliveryId"] for lost in answer["lost"]]

    async def set_credits(self, credits: int) -> None:
        """Changes how many deliveries may be in hand; 0 drains."""
        await self._call(credits=credits)

    async def _call(self, **body: Any) -> Any:
        made: Any = {"memberId": self._member_id, **body}
        return await self._clients.events.deliveries.settle(self._subscription_id, body=made)

    async def _pump_all(self) -> None:
        try:
            while self._pending:
                batch, self._pending = self._pending[:_MAXIMUM_ENTRIES], self._pending[_MAXIMUM_ENTRIES:]
                await self._send(batch)
        finally:
            self._pump = None

    async def _send(self, batch: Sequence[_Pending]) -> None:
        attempt = 0
        while True:
            try:
                _answer_all(batch, await self._call(**_body_of(batch)))
                return
            except Exception as error:
                is_hopeless = self._closed.aborted or not _is_worth_repeating(error)
                if is_hopeless and len(batch) > 1 and not self._closed.aborted:
                    for one in batch:
                        await self._send([one])
                    return
                if is_hopeless:
                    self._log.error("%d deliveries could not be settled: %s", len(batch), error)
                    for pending in batch:
                        _resolve(pending, SettleAnswer("lost"))
                    return
            await sleep_ms(full_jitter(attempt, _RETRY_BASE_MS, _RETRY_MAX_MS), self._closed)
            attempt += 1


def _is_worth_repeating(error: Exception) -> bool:
    """An answer that will be the same next time is not asked for again."""
    return isinstance(error, Problem) and (error.retryable or error.status == 401)


def _body_of(batch: Sequence[_Pending]) -> dict[str, Any]:
    acks: list[Any] = []
    nacks: list[Any] = []
    for pending in batch:
        settlement = pending.settlement
        if settlement.kind == "ack":
            acks.append({**pending.delivery, "emits": list(settlement.emits)})
        elif settlement.kind == "release":
            nacks.append({**pending.delivery, "release": True})
        else:
            nacks.append({**pending.delivery, **present(problem=settlement.problem, dead=settlement.dead or None)})
    return {"acks": acks, "nacks": nacks}


def _answer_all(batch: Sequence[_Pending], answer: Any) -> None:
    refused = {one["deliveryId"]: one["problem"] for one in answer["refused"]}
    lost = {one["deliveryId"] for one in answer["lost"]}
    for pending in batch:
        delivery_id = pending.delivery["deliveryId"]
        if delivery_id in refused:
            _resolve(pending, SettleAnswer("refused", refused[delivery_id]))
        else:
            _resolve(pending, SettleAnswer("lost" if delivery_id in lost else "settled"))


def _resolve(pending: _Pending, answer: SettleAnswer) -> None:
    if not pending.answer.done():
        pending.answer.set_result(answer)
