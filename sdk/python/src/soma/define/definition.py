"""Everything that was said about an agent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from soma.define.event import AnyEvent, SideEffects
from soma.machine.state_machine import Machine

if TYPE_CHECKING:
    from soma.context.platform_context import HookContext

AgentKind = Literal["tool", "worker", "planner", "agent"]
Role = Literal["task", "result", "goal", "invoke", "event", "transition", "decision"]


class Backoff(TypedDict, total=False):
    """Default 1 s, doubled, at most 60 s."""

    baseMs: int
    factor: float
    maxMs: int


@dataclass(frozen=True, slots=True)
class Capability:
    """What an agent can do; `consumes` is the event that asks for it, `produces` by default its response."""

    name: str
    description: str | None = None
    consumes: AnyEvent | None = None
    produces: Sequence[AnyEvent] | None = None
    tags: Sequence[str] = ()
    side_effects: SideEffects | None = None


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """What `Worker`, `Tool`, `Planner` and `Agent` take; see there."""

    name: str
    description: str
    version: str = "1.0.0"
    capabilities: Sequence[str | Capability] = ()
    consumes: Sequence[AnyEvent] = ()
    produces: Sequence[AnyEvent] = ()
    tags: Sequence[str] = ()
    concurrency: int = 10
    lease_ms: int | None = None
    grace_ms: int = 20_000
    max_attempts: int | None = None
    backoff: Backoff | None = None
    on_dead_letter: Literal["continue", "block"] | None = None
    member_grace_ms: int | None = None
    start_at: Literal["latest", "earliest"] = "latest"
    require_registration: bool = False
    heartbeat_ms: int | None = None


@dataclass(frozen=True, slots=True)
class HandlerEntry:
    """One handler with what it listens to. `event` is None for `*`, which hears every type of its topic."""

    role: Role
    topic: str
    type: str
    event: AnyEvent | None
    handle: Callable[..., Awaitable[Any]]


Hook = Callable[["HookContext"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class AgentDefinition:
    kind: AgentKind
    options: AgentOptions
    machine: Machine | None = None
    entries: list[HandlerEntry] = field(default_factory=list)
    startup: list[Hook] = field(default_factory=list)
    shutdown: list[Hook] = field(default_factory=list)

    def add(self, entry: HandlerEntry) -> None:
        """Raises TypeError when two handlers of an agent hear the same type."""
        if any((other.type, other.topic) == (entry.type, entry.topic) for other in self.entries):
            raise TypeError(f'agent "{self.options.name}" already handles "{entry.type}" on {entry.topic}')
        self.entries.append(entry)

    def entry_of(self, event: Mapping[str, Any]) -> HandlerEntry | None:
        """The handler of an event: its own, else the one for every type of the topic."""
        own = [entry for entry in self.entries if entry.topic == event["topic"]]
        return next(
            (one for one in own if one.type == event["type"]), next((one for one in own if one.type == "*"), None)
        )
