"""What an agent can use while it handles an event."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from logging import Logger
from typing import Any, Literal, TypeVar

from soma.clients.bound import BoundClients
from soma.context.absent import absent_as_none
from soma.context.gates import Gate, open_gate
from soma.context.goal_context import GoalContext, create_from_goal
from soma.context.memory_context import MemoryContext
from soma.context.plan_context import PlanContext, restore_plan
from soma.context.task_context import TaskContext, restore_task
from soma.context.tracker_context import IdentityContext, TrackerContext
from soma.context.working_memory import WorkingMemory
from soma.define.event import EventDefinition
from soma.json_value import present
from soma.machine.state_machine import Machine
from soma.problem import Problem
from soma.run.handling import AgentIdentity, Envelope, Handling, OutgoingEvent, follow, response_of
from soma.run.waiting import Signal
from soma.sdk_problems import NO_RESPONSE_TYPE

Input = TypeVar("Input")


class RegistryContext:
    """Who is there, and which events are known."""

    def __init__(self, clients: BoundClients) -> None:
        self._clients = clients

    async def agents(self, **filters: Any) -> list[Any]:
        """Agents that fit: `kind`, `status`, `capability`, `consumes`, `produces`, `tag`, `query`."""
        page = await self._clients.registry.agents.list(**filters)
        return list(page["items"])

    async def agent(self, name: str) -> Any:
        """None when there is none."""
        return await absent_as_none(self._clients.registry.agents.get(name))

    async def event(self, topic: str, type: str) -> Any:
        """None when it is not registered."""
        return await absent_as_none(self._clients.registry.events.get(topic, type))


@dataclass(frozen=True, slots=True)
class HookContext:
    """What start and stop hooks get: no event is handled, so calls have the agent's own identity and no user."""

    agent: AgentIdentity
    registry: RegistryContext
    log: Logger


class BusContext:
    """Events in the matter of the one that is handled."""

    def __init__(self, handling: Handling) -> None:
        self._handling = handling

    async def publish(
        self,
        event: EventDefinition[Input],
        data: Input,
        *,
        immediate: bool = False,
        correlation_id: str | None = None,
        subject: str | None = None,
        partition_key: str | None = None,
        response_type: str | None = None,
        response_topic: str | None = None,
        deliver_at: str | None = None,
        expiry_time: str | None = None,
    ) -> str:
        """Leaves with the ack, after everything that was published before it; `immediate` sends it at once. Answers the
        event's id."""
        options = present(
            correlationId=correlation_id,
            subject=subject,
            partitionKey=partition_key,
            responseType=response_type,
            responseTopic=response_topic,
            deliverAt=deliver_at,
            expiryTime=expiry_time,
        )
        made = self._outgoing(event, data, options)
        if immediate:
            await self._publish_now(made)
        else:
            self._handling.emits.append(made)
        return str(made["id"])

    async def announce(self, event: EventDefinition[Input], data: Input) -> str:
        """Publishes a fact, with the ack."""
        return await self.publish(event, data)

    async def request(self, event: EventDefinition[Input], data: Input, *, timeout_ms: int = 30_000) -> Envelope | None:
        """Publishes now and waits here for the reply; None when none came in time."""
        id = self._handling.id("evt", event.type)
        made = self._outgoing(event, data, {"correlationId": id}, id=id)
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                return await self._answer_to(made)
        except TimeoutError:
            return None

    def respond(self, data: Any) -> None:
        """Answers the handled event: type, topic and correlation are the requester's. Raises `no-response-type`."""
        event = self._handling.event
        response_type = event.get("responsetype")
        if response_type is None:
            raise NO_RESPONSE_TYPE.create(f"{event['type']} {event['id']} has no responsetype")
        reply = follow(
            self._handling,
            id=self._handling.reply_id(event["id"], response_type),
            type=response_type,
            topic=event.get("responsetopic", "action-results"),
            data=data,
            outcome="ok",
        )
        self._handling.emits.append(reply)

    def _outgoing(
        self, event: EventDefinition[Any], data: Any, options: Mapping[str, Any], id: str | None = None
    ) -> OutgoingEvent:
        attributes = {**response_of(event), **options}
        return follow(self._handling, type=event.type, topic=event.topic, data=event.dump(data), id=id, **attributes)

    async def _publish_now(self, event: Any) -> None:
        """A repeated handler publishes under the same id: what its first run said stands."""
        try:
            await self._handling.clients.events.events.publish(body=event)
        except Problem as error:
            if error.code != "event-id-reused":
                raise

    async def _answer_to(self, event: Any) -> Envelope | None:
        events = self._handling.clients.events.events
        # The tail begins a little in the past, so that a reply between the request and the first read is seen.
        since = datetime.now(UTC) - timedelta(seconds=5)
        await self._publish_now(event)
        tail: Any = await events.stream(
            topics=event.get("responseTopic", "action-results"),
            types=event.get("responseType"),
            correlation_id=event["correlationId"],
            from_=since.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        )
        async with tail:
            async for frame in tail:
                if frame["event"] == "event":
                    reply: Envelope = frame["data"]
                    return reply
                if frame["event"] != "gap":
                    return None
        return None


class PlansContext:
    """Plans and tasks of this agent."""

    def __init__(self, handling: Handling, machine: Machine | None) -> None:
        self._handling = handling
        self._machine = machine

    async def create_from_goal(
        self,
        goal: GoalContext[Any],
        *,
        state_machine: Machine | None = None,
        current_state: str | None = None,
        title: str | None = None,
        description: str | None = None,
        state: dict[str, Any] | None = None,
        visibility: Literal["private", "space", "tenant"] | None = None,
        deadline_at: str | None = None,
        labels: Mapping[str, str] | None = None,
        key: str = "plan",
    ) -> PlanContext:
        """Makes the plan of the goal that is handled, once; `key` tells several plans of one goal apart. By default it
        follows the planner's own state machine, from its first state."""
        if goal.event_id != self._handling.event["id"]:
            raise ValueError("a plan is made from the goal that is being handled")
        return await create_from_goal(
            self._handling,
            state_machine or self._machine,
            title=title,
            description=description,
            current_state=current_state,
            state=state,
            visibility=visibility,
            deadline_at=deadline_at,
            labels=labels,
            key=key,
        )

    async def restore(self, plan_id: str) -> PlanContext | None:
        """None when there is no such plan of this planner."""
        return await restore_plan(self._handling, plan_id)

    async def restore_by_correlation(self, correlation_id: str) -> PlanContext | None:
        found = await absent_as_none(self._handling.clients.plans.plans.by_correlation(correlation_id))
        return None if found is None else await restore_plan(self._handling, found["plan"]["planId"])

    async def restore_task(self, task_id: str) -> TaskContext[Any] | None:
        return await restore_task(self._handling, task_id)


class GatesContext:
    """Decisions of people."""

    def __init__(self, handling: Handling) -> None:
        self._handling = handling

    async def open(self, plan_id: str, gate: Gate) -> str:
        """Opens a gate about a plan without waiting for it as a task; see `PlanContext.open_gate`."""
        return await open_gate(self._handling, plan_id, gate)

    async def get(self, gate_id: str) -> Any:
        """None when there is none."""
        return await absent_as_none(self._handling.clients.governance.gates.get(gate_id))


class PlatformContext:
    """Every call acts for the event's user, session, plan and task. `signal` aborts at cancel, lost lease, and when the
    agent stops and its grace is over."""

    def __init__(self, handling: Handling, machine: Machine | None) -> None:
        self.agent: AgentIdentity = handling.agent
        self.event: Envelope = handling.event
        self.bus = BusContext(handling)
        self.plans = PlansContext(handling, machine)
        self.gates = GatesContext(handling)
        self.registry = RegistryContext(handling.clients)
        self.memory = MemoryContext(handling)
        self.tracker = TrackerContext(handling)
        self.identity = IdentityContext(handling)
        self.signal: Signal = handling.signal
        self.log: Logger = handling.log
        self._handling = handling

    def shared(self, plan_id: str) -> WorkingMemory:
        """The working memory of a plan that this agent works in."""
        return WorkingMemory(self._handling, plan_id)
