"""Goals of planners."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, Literal, TypeVar

from soma.context.absent import ignoring_conflict
from soma.context.plan_context import PlanContext
from soma.define.event import EventDefinition
from soma.json_value import copy_of, present
from soma.machine.state_machine import Machine
from soma.run.derived_ids import derived_id
from soma.run.handling import Handling, follow, response_of

Data = TypeVar("Data")
Input = TypeVar("Input")


class GoalContext(Generic[Data]):
    """What a planner is asked to reach."""

    def __init__(self, handling: Handling, data: Data) -> None:
        event = handling.event
        self._handling = handling
        self.type: str = event["type"]
        self.data = data
        self.event_id: str = event["id"]
        self.correlation_id = handling.correlation_id
        self.response_type: str | None = event.get("responsetype")
        self.response_schema: str | None = event.get("responseschema")
        self.session_id: str | None = event.get("sessionid")
        self.user_id: str | None = event.get("userid")

    def dispatch(self, event: EventDefinition[Input], data: Input) -> str:
        """Publishes an event in the matter of the goal, with the ack. Answers its id."""
        made = follow(self._handling, type=event.type, topic=event.topic, data=event.dump(data), **response_of(event))
        self._handling.emits.append(made)
        return str(made["id"])


async def create_from_goal(
    handling: Handling,
    machine: Machine | None,
    *,
    title: str | None,
    description: str | None,
    current_state: str | None,
    state: dict[str, Any] | None,
    visibility: Literal["private", "space", "tenant"] | None,
    deadline_at: str | None,
    labels: Mapping[str, str] | None,
    key: str,
) -> PlanContext:
    """Makes the plan of a goal, or finds the one that an earlier handling of the same goal event made."""
    event, plans, name = handling.event, handling.clients.plans.plans, handling.agent.name
    plan_id = derived_id("plan", event["id"], name, key)
    goal = present(
        type=event["type"],
        eventId=event["id"],
        correlationId=handling.correlation_id,
        responseType=event.get("responsetype"),
        responseTopic=event.get("responsetopic"),
        responseSchema=event.get("responseschema"),
    )
    session_id = event.get("sessionid")
    body = present(
        planId=plan_id,
        title=title or event["type"].removesuffix(".requested"),
        description=description,
        goal={**goal, "data": event.get("data")},
        stateMachine=None if machine is None else machine.states,
        currentState=None if machine is None else current_state or machine.first,
        state=None if state is None else copy_of(state),
        visibility=visibility,
        deadlineAt=deadline_at,
        labels={**(labels or {}), "planner": name},
        sessionId=session_id if session_id is not None and session_id.startswith("ses_") else None,
    )
    # By its id alone: an Idempotency-Key that a killed server holds would refuse the repeat for a minute, and there
    # would be no plan yet.
    made = await ignoring_conflict(plans.create(body=body))
    return PlanContext(handling, await plans.get(plan_id) if made is None else made)
