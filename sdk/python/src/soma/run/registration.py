"""Registers an agent, keeps trying, and gives signs of life."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from logging import Logger
from typing import Any, Final

from soma.clients.bound import BoundClients
from soma.define.definition import AgentDefinition, Capability
from soma.define.event import AnyEvent
from soma.json_value import present
from soma.problem import Problem
from soma.run.handling import AgentIdentity, response_of
from soma.run.waiting import Signal, full_jitter, sleep_ms
from soma.sdk_problems import REGISTRATION_FAILED

SDK_VERSION: Final = "0.1.0"
_RETRY_BASE_MS: Final = 500
_RETRY_MAX_MS: Final = 30_000
_DEFAULT_HEARTBEAT_MS: Final = 30_000


class Registration:
    """When the registry has forgotten the instance, it registers in full again. `first` ends with the first try."""

    def __init__(
        self,
        *,
        definition: AgentDefinition,
        identity: AgentIdentity,
        clients: BoundClients,
        log: Logger,
        load: Callable[[], Any],
    ) -> None:
        self._definition = definition
        self._identity = identity
        self._instances = clients.registry.instances
        self._log = log
        self._load = load
        self._stopped = Signal()
        self.first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._loop = asyncio.create_task(self._keep_alive())

    async def stop(self) -> None:
        self._stopped.abort("the agent stops")
        await self._loop
        try:
            await self._instances.deregister(self._identity.name, self._identity.instance_id, reason="stopped")
        except Problem as error:
            self._log.warning("the instance could not be deregistered; its lease ends by itself: %s", error)

    async def _keep_alive(self) -> None:
        registered: tuple[str, float] | None = None
        failures = 0
        while not self._stopped.aborted:
            try:
                registered = await (self._register() if registered is None else self._heartbeat(registered))
                failures = 0
                self._settle_first(None)
            except Exception as error:
                failures += 1
                if isinstance(error, Problem) and error.code == "not-found":
                    registered = None
                else:
                    self._log.warning("the registry did not answer: %s", error)
                self._settle_first(error)
            if registered is None and failures == 0:
                continue
            await sleep_ms(_pause_ms(registered, failures), self._stopped)

    def _settle_first(self, error: Exception | None) -> None:
        if self.first.done():
            return
        if error is None or not self._definition.options.require_registration:
            self.first.set_result(None)
            return
        failure = REGISTRATION_FAILED.create(str(error))
        failure.__cause__ = error
        self.first.set_exception(failure)

    async def _register(self) -> tuple[str, float]:
        body: Any = {**registration_of(self._definition), "load": self._load()}
        answer: Any = await self._instances.register(self._identity.name, self._identity.instance_id, body=body)
        for warning in answer["warnings"]:
            self._log.warning("registration: %s", warning)
        asked = self._definition.options.heartbeat_ms or answer.get("heartbeatMs") or _DEFAULT_HEARTBEAT_MS
        return answer["instance"]["digest"], asked

    async def _heartbeat(self, registered: tuple[str, float]) -> tuple[str, float] | None:
        body: Any = {"digest": registered[0], "load": self._load()}
        answer = await self._instances.heartbeat(self._identity.name, self._identity.instance_id, body=body)
        return registered if answer["known"] else None


def _pause_ms(registered: tuple[str, float] | None, failures: int) -> float:
    """Heartbeats with ±10 % of jitter, so that replicas started together do not stay together."""
    if failures > 0 or registered is None:
        return full_jitter(failures, _RETRY_BASE_MS, _RETRY_MAX_MS)
    return registered[1] * random.uniform(0.9, 1.1)


def registration_of(definition: AgentDefinition) -> Any:
    """What the agent says about itself, gathered from its options and handlers."""
    options, machine = definition.options, definition.machine
    handled = [entry for entry in definition.entries if entry.event is not None]
    requests = [entry.event for entry in handled if entry.role in ("task", "invoke", "goal")]
    machine_events = [] if machine is None else machine.events
    consumes = _unique([*(entry.event for entry in handled), *options.consumes])
    produces = _unique(
        [
            *options.produces,
            *(event.response for event in requests if event is not None),
            *(event for event in machine_events if event.response is not None),
        ]
    )
    events = _unique([*consumes, *produces, *(event.response for event in (*consumes, *produces)), *machine_events])
    return {
        "kind": definition.kind,
        "description": options.description,
        "agentVersion": options.version,
        "tags": list(options.tags),
        "capabilities": [_capability_of(one) for one in options.capabilities],
        "consumes": [_reference_of(event) for event in consumes],
        "produces": [_reference_of(event) for event in produces],
        "events": [*(_definition_of(event, requests) for event in events), *_decision_definitions(definition)],
        "sdk": {"language": "python", "version": SDK_VERSION},
    }


def _unique(events: Iterable[AnyEvent | None]) -> list[AnyEvent]:
    return list({(event.topic, event.type): event for event in events if event is not None}.values())


def _reference_of(event: AnyEvent) -> dict[str, str]:
    return {"topic": event.topic, "type": event.type, "range": f"^{event.version.split('.')[0]}"}


def _capability_of(capability: str | Capability) -> Any:
    if isinstance(capability, str):
        return capability
    asked = capability.consumes
    replies = capability.produces
    if replies is None:
        replies = [] if asked is None or asked.response is None else [asked.response]
    return present(
        name=capability.name,
        description=capability.description,
        consumes=None if asked is None else _reference_of(asked),
        produces=[_reference_of(event) for event in replies],
        tags=list(capability.tags) or None,
        sideEffects=capability.side_effects,
    )


def _definition_of(event: AnyEvent, requests: Sequence[AnyEvent | None]) -> Any:
    is_request = event.response is not None or event in requests
    return present(
        topic=event.topic,
        type=event.type,
        version=event.version,
        kind="request" if is_request else "reply" if event.topic == "action-results" else "fact",
        description=event.description,
        purpose=event.purpose,
        schema={"jsonSchema": event.json_schema},
        **response_of(event),
        sideEffects=event.side_effects,
        examples=event.examples,
        tags=event.tags,
    )


def _decision_definitions(definition: AgentDefinition) -> list[dict[str, Any]]:
    """Decisions of gates reach the agent as an event of its own."""
    return [
        {
            "topic": entry.topic,
            "type": entry.type,
            "version": "1.0.0",
            "kind": "reply",
            "description": f"A decision at a gate that {definition.options.name} waits for.",
            "schema": {"jsonSchema": {"type": "object"}},
        }
        for entry in definition.entries
        if entry.role == "decision"
    ]
