"""Agents: what they are told, and start, stop and run."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Literal, TypedDict, TypeVar, Unpack, overload

from soma.clients.transport import TokenProvider
from soma.context.goal_context import GoalContext
from soma.context.handled import DecisionContext, EventContext, InvocationContext, TransitionContext
from soma.context.plan_context import PlanContext, gate_decision_type
from soma.context.platform_context import PlatformContext
from soma.context.result_context import ResultContext
from soma.context.task_context import TaskContext
from soma.define.definition import (
    AgentDefinition,
    AgentKind,
    AgentOptions,
    Backoff,
    Capability,
    HandlerEntry,
    Hook,
    Role,
)
from soma.define.event import AnyEvent, EventDefinition, Topic
from soma.machine.state_machine import Machine, State, define_state_machine
from soma.run.environment import read_environment
from soma.run.runtime import RunningAgent, StartOptions, start_agent

Data = TypeVar("Data")
Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Any]])
# Handlers are `async`: one that blocks would stop every other of the process.
TaskHandler = Callable[[TaskContext[Data], PlatformContext], Awaitable[None]]
ResultHandler = Callable[[ResultContext[Data], PlatformContext], Awaitable[None]]
GoalHandler = Callable[[GoalContext[Data], PlatformContext], Awaitable[None]]
InvokeHandler = Callable[[InvocationContext[Data], PlatformContext], Awaitable[Any]]
EventHandler = Callable[[EventContext[Data], PlatformContext], Awaitable[None]]
TransitionHandler = Callable[[TransitionContext, PlanContext, PlatformContext], Awaitable[None]]
DecisionHandler = Callable[[DecisionContext, PlanContext, PlatformContext], Awaitable[None]]


class AgentParts(TypedDict, total=False):
    """What may be said about any agent beside its name and description."""

    # Semver. Default 1.0.0.
    version: str
    capabilities: list[str | Capability]
    # Events it handles beside those of its handlers, and publishes beside the responses of what it handles.
    consumes: list[AnyEvent]
    produces: list[AnyEvent]
    tags: list[str]
    # Handlers at the same time, over all keys. Default 10.
    concurrency: int
    # How long a delivery stays its own without a sign of life. Default 30,000.
    lease_ms: int
    # How long `stop` waits for handlers in hand. Default 20,000.
    grace_ms: int
    # How often an event is tried before it is a dead letter. Default 5.
    max_attempts: int
    backoff: Backoff
    on_dead_letter: Literal["continue", "block"]
    # How long deliveries in hand wait for this process after its stream broke, before others get them. Default 10,000.
    member_grace_ms: int
    # Where its group begins to read when it is made. Default `latest`.
    start_at: Literal["latest", "earliest"]
    # Refuse to start without a registration. Default False: it is tried again while work is taken.
    require_registration: bool
    # Default: what the registry asks for, 30,000.
    heartbeat_ms: int


class AgentBase:
    """`name` (`[a-z0-9][a-z0-9._-]{0,127}`) is that in the registry and of the group; all replicas share it."""

    _kind: AgentKind = "agent"

    def __init__(self, name: str, description: str, **parts: Unpack[AgentParts]) -> None:
        self._begin(AgentOptions(name, description, **parts))

    def _begin(self, options: AgentOptions, machine: Machine | None = None) -> None:
        if re.fullmatch("[a-z0-9][a-z0-9._-]{0,127}", options.name) is None:
            raise TypeError(
                f'agent name "{options.name}" must be 1-128 of a-z, 0-9, dot, underscore and hyphen, first no sign'
            )
        self.name = options.name
        self.definition = AgentDefinition(self._kind, options, machine)
        self._running: asyncio.Task[RunningAgent] | None = None

    @overload
    def on_event(self, event: EventDefinition[Data]) -> Callable[[EventHandler[Data]], EventHandler[Data]]: ...

    @overload
    def on_event(self, event: Literal["*"], topic: Topic) -> Callable[[EventHandler[Any]], EventHandler[Any]]: ...

    def on_event(self, event: Any, topic: Topic | None = None) -> Any:
        """Hears an event of any kind. `"*"` with a topic hears all of it."""
        if event != "*":
            return self._hears("event", event)
        if topic is None:
            raise TypeError('"*" is heard on a topic')
        return self._adds("event", topic, "*", None)

    def on_startup(self, hook: Hook) -> Hook:
        """Runs after the registration, before the first event."""
        self.definition.startup.append(hook)
        return hook

    def on_shutdown(self, hook: Hook) -> Hook:
        """Runs when the last handler has ended."""
        self.definition.shutdown.append(hook)
        return hook

    async def start(
        self,
        *,
        url: str | None = None,
        api_key: str | None = None,
        token: TokenProvider | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> RunningAgent:
        """Registers, opens the stream of its group and takes work."""
        return await self._start(StartOptions(url, api_key, token, headers))

    async def stop(self) -> None:
        """Ends what `start` began: no new work, handlers in hand finish or are handed back, then it deregisters."""
        running, self._running = self._running, None
        if running is not None:
            await (await running).stop()

    def run(self, *, url: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        """`start`, then `stop` at SIGINT or SIGTERM. Reads SOMA_URL, SOMA_API_KEY and SOMA_TOKEN. Raises the problem
        that ended the agent."""
        options = read_environment()
        asyncio.run(self._run(replace(options, url=url or options.url, headers=headers)))

    async def _start(self, options: StartOptions) -> RunningAgent:
        if self._running is None:
            self._running = asyncio.create_task(start_agent(self.definition, options))
        running = self._running
        try:
            return await running
        except BaseException:
            self._running = None
            raise

    async def _run(self, options: StartOptions) -> None:
        ending = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, ending.set)
        ended, started = asyncio.create_task(ending.wait()), asyncio.create_task(self._start(options))
        await asyncio.wait([ended, started], return_when=asyncio.FIRST_COMPLETED)
        if not started.done():
            started.cancel()
            return
        agent = started.result()
        await asyncio.wait([ended, agent.failed], return_when=asyncio.FIRST_COMPLETED)
        problem = agent.failed.result() if agent.failed.done() else None
        if problem is not None:
            raise problem
        await self.stop()

    def _hears(self, role: Role, event: EventDefinition[Any]) -> Callable[[Handler], Handler]:
        if not isinstance(event, EventDefinition):
            raise TypeError(f'handle "{event}" by its definition; "*" is for on_event alone')
        return self._adds(role, event.topic, event.type, event)

    def _adds(self, role: Role, topic: str, type: str, event: AnyEvent | None) -> Callable[[Handler], Handler]:
        def add(handle: Handler) -> Handler:
            self.definition.add(HandlerEntry(role, topic, type, event, handle))
            return handle

        return add


class Agent(AgentBase):
    """A plain handler of events, that may take tasks as well."""

    def on_task(self, event: EventDefinition[Data]) -> Callable[[TaskHandler[Data]], TaskHandler[Data]]:
        """Takes the tasks of a request."""
        return self._hears("task", event)

    def on_result(self, event: EventDefinition[Data]) -> Callable[[ResultHandler[Data]], ResultHandler[Data]]:
        """Replies to what this agent has delegated; replies to others never reach it."""
        return self._hears("result", event)


class Worker(Agent):
    """A stateful worker: takes tasks, may delegate, answers once."""

    _kind = "worker"


class Tool(AgentBase):
    """A stateless tool: what its handler returns is the reply."""

    _kind = "tool"

    def on_invoke(self, event: EventDefinition[Data]) -> Callable[[InvokeHandler[Data]], InvokeHandler[Data]]:
        """Answers a request."""
        return self._hears("invoke", event)


class Planner(AgentBase):
    """Owns plans: takes goals, delegates, and decides what comes next. With a state machine, plans follow it."""

    _kind = "planner"

    def __init__(
        self,
        name: str,
        description: str,
        *,
        state_machine: Machine | Mapping[str, State] | None = None,
        **parts: Unpack[AgentParts],
    ) -> None:
        machine = define_state_machine(state_machine) if isinstance(state_machine, Mapping) else state_machine
        self._begin(AgentOptions(name, description, **parts), machine)

    def on_goal(self, event: EventDefinition[Data]) -> Callable[[GoalHandler[Data]], GoalHandler[Data]]:
        """Takes the goals of a request."""
        return self._hears("goal", event)

    def on_result(self, event: EventDefinition[Data]) -> Callable[[ResultHandler[Data]], ResultHandler[Data]]:
        """Replies to what this planner has delegated."""
        return self._hears("result", event)

    def on_transition(self) -> Callable[[TransitionHandler], TransitionHandler]:
        """Replies that move a plan of this planner by its state machine, with the state they lead to."""
        machine = self.definition.machine
        if machine is None:
            raise TypeError(f'planner "{self.name}" has no state machine')

        def add(handle: TransitionHandler) -> TransitionHandler:
            for event in machine.triggers:
                self._hears("transition", event)(handle)
            return handle

        return add

    def on_decision(self) -> Callable[[DecisionHandler], DecisionHandler]:
        """Decisions at gates that plans of this planner wait for."""
        return self._adds("decision", "action-results", gate_decision_type(self.name), None)
