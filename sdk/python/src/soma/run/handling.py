"""One handling of one delivery: what its contexts share."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from logging import Logger
from typing import Any

from soma.clients.bound import BoundClients
from soma.define.event import AnyEvent
from soma.json_value import copy_of, present
from soma.run.derived_ids import derived_id
from soma.run.waiting import Signal


@dataclass(frozen=True, slots=True)
class AgentIdentity:
    """Who handles."""

    name: str
    version: str
    instance_id: str


# An event as it arrives: CloudEvents 1.0 JSON with the extension attributes of the platform.
Envelope = dict[str, Any]
# The fields of an event as `events.deliveries.settle` takes it.
OutgoingEvent = dict[str, Any]


@dataclass(slots=True)
class Handling:
    """Everything that a handler sends waits here until it has returned."""

    event: Envelope
    delivery_id: str
    attempt: int
    redelivered: bool
    agent: AgentIdentity
    # Act in the name of the delivery.
    clients: BoundClients
    signal: Signal
    log: Logger
    # The events that leave with the ack.
    emits: list[OutgoingEvent] = field(default_factory=list)
    # What is written to plans when the handler has returned, in order; each is safe to repeat.
    effects: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    _ordinal: int = 0

    def id(self, prefix: str, purpose: str) -> str:
        """The same when the delivery is handled again: from the event, the group, how many ids were made before, and
        what it is for."""
        ordinal, self._ordinal = self._ordinal, self._ordinal + 1
        return derived_id(prefix, self.event["id"], self.agent.name, ordinal, purpose)

    def reply_id(self, of: str, response_type: str, *again: int) -> str:
        """One for each thing that is answered, whoever answers it how often; of a task that was opened again, one for
        each generation."""
        return derived_id("evt", of, self.agent.name, "reply", response_type, *again)

    @property
    def correlation_id(self) -> str:
        return str(self.event.get("correlationid", self.event["id"]))


def follow(
    handling: Handling, *, type: str, topic: str, data: Any, id: str | None = None, **attributes: Any
) -> OutgoingEvent:
    """An event that the handled one causes: it inherits correlation, session, plan, task and trace."""
    cause = handling.event
    inherited = present(
        correlationId=cause.get("correlationid"),
        sessionId=cause.get("sessionid"),
        planId=cause.get("planid"),
        taskId=cause.get("taskid"),
        goalId=cause.get("goalid"),
    )
    return {
        **inherited,
        **present(**attributes),
        "id": id or handling.id("evt", type),
        "source": handling.agent.name,
        "type": type,
        "topic": topic,
        "data": copy_of(data),
        "causationId": cause["id"],
        "traceparent": continue_trace(cause.get("traceparent")),
    }


def response_of(event: AnyEvent) -> dict[str, str]:
    """The request attributes that a definition implies."""
    return (
        {} if event.response is None else {"responseType": event.response.type, "responseTopic": event.response.topic}
    )


def continue_trace(traceparent: str | None) -> str:
    """The `traceparent` of what goes on with a trace: the given one, or a new one where it is none."""
    match = None if traceparent is None else re.fullmatch("00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}", traceparent)
    if match is not None and match[1].strip("0") != "" and match[2].strip("0") != "":
        return match[0]
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def plan_of(handling: Handling) -> str | None:
    """The plan of the event. Other systems may stamp ids of their own."""
    plan_id = handling.event.get("planid")
    return plan_id if plan_id is not None and plan_id.startswith("plan_") else None
