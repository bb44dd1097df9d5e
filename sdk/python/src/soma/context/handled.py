"""What handlers of tools, events, transitions and decisions get."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from soma.context.plan_context import Trigger
from soma.run.handling import Envelope, Handling

Data = TypeVar("Data")


@dataclass(frozen=True, slots=True)
class InvocationContext(Generic[Data]):
    """A request to a tool; what the handler returns is the reply."""

    request_id: str
    type: str
    data: Data
    correlation_id: str
    response_type: str | None
    user_id: str | None


@dataclass(frozen=True, slots=True)
class EventContext(Generic[Data]):
    """A fact or any other event that an agent listens to."""

    type: str
    topic: str
    data: Data
    event_id: str
    correlation_id: str
    plan_id: str | None
    session_id: str | None
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class TransitionContext(Trigger):
    """A reply that moves one of the planner's plans. Give it to `plan.execute_next`."""

    type: str
    outcome: Literal["ok", "failed"]
    problem: Any


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """What was decided at a gate that a plan of this planner waits for. `key` is the one under which it was opened;
    `instructions` say what to do otherwise, with `revise`; `edited`: the decider changed the payload."""

    gate_id: str
    key: str
    outcome: Literal["approved", "rejected", "revise", "expired", "cancelled"]
    instructions: str | None
    edited: bool
    _handling: Handling

    async def payload(self) -> Any:
        """What was approved, with the changes of the decider."""
        return (await self._handling.clients.governance.gates.get(self.gate_id))["payload"]
