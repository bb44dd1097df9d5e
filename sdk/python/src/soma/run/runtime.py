"""Starts one process of an agent."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from soma.clients.bound import BoundClients
from soma.clients.transport import Connection, TokenProvider
from soma.context.platform_context import HookContext, RegistryContext
from soma.define.definition import AgentDefinition, Hook
from soma.problem import Problem
from soma.run.delivery_stream import DeliveryStream
from soma.run.handling import AgentIdentity, Handling
from soma.run.lease_guard import LeaseGuard
from soma.run.registration import Registration
from soma.run.settler import Settler
from soma.run.subscription import ensure_subscription
from soma.run.waiting import Signal, full_jitter, sleep_ms
from soma.run.work_in_hand import WorkInHand

_RETRY_BASE_MS: Final = 250
_RETRY_MAX_MS: Final = 30_000


@dataclass(frozen=True, slots=True)
class StartOptions:
    """Where the platform is (default http://127.0.0.1:4000) and how the agent proves itself: an API key, or a token or
    what gives one for each call. `headers` are further ones, such as `X-Tenant-ID` in developer modes."""

    url: str | None = None
    api_key: str | None = None
    token: TokenProvider | None = None
    headers: Mapping[str, str] | None = None
    log: logging.Logger | None = None


class RunningAgent:
    """`failed` resolves with the problem when the agent ended by itself: its credential was refused twice. None after
    `stop`."""

    def __init__(
        self, identity: AgentIdentity, failed: asyncio.Task[Problem | None], stop: Callable[[], Awaitable[None]]
    ) -> None:
        self.identity = identity
        self.failed = failed
        self._stop = stop
        self._stopping: asyncio.Future[None] | None = None

    async def stop(self) -> None:
        """No new work, handlers in hand finish or are handed back, then it deregisters."""
        if self._stopping is None:
            self._stopping = asyncio.ensure_future(self._stop())
        await self._stopping


async def start_agent(definition: AgentDefinition, options: StartOptions) -> RunningAgent:
    """Registers, runs the start hooks, opens the stream of the group, keeps leases and registration alive."""
    if not definition.entries:
        raise TypeError(f'agent "{definition.options.name}" has no handler')
    log = options.log or logging.getLogger(f"soma.{definition.options.name}")
    identity = AgentIdentity(definition.options.name, definition.options.version, str(uuid.uuid4()))
    connection = Connection(url=options.url, api_key=options.api_key, token=options.token, headers=options.headers)
    clients = BoundClients(connection.transport())
    parts = _Parts(definition, identity, connection, clients, log)
    registration = Registration(
        definition=definition,
        identity=identity,
        clients=clients,
        log=log,
        load=lambda: {
            "inFlight": 0 if parts.work is None else parts.work.count,
            "credits": definition.options.concurrency,
        },
    )
    try:
        await registration.first
        await _run_hooks(definition.startup, parts)
        settler, stream = await _open_stream(parts)
    except BaseException:
        await registration.stop()
        await connection.aclose()
        raise

    async def stop() -> None:
        try:
            await settler.set_credits(0)
        except Problem as error:
            log.debug("credits could not be withdrawn: %s", error)
        # Nobody should find it any more while it ends what it has in hand.
        deregistered = asyncio.create_task(registration.stop())
        if parts.work is not None:
            await parts.work.drain(definition.options.grace_ms)
        await stream.stop()
        await deregistered
        await _run_hooks(definition.shutdown, parts)
        parts.closed.abort("the agent stops")
        await connection.aclose()

    return RunningAgent(identity, stream.ended, stop)


@dataclass(slots=True)
class _Parts:
    definition: AgentDefinition
    identity: AgentIdentity
    connection: Connection
    clients: BoundClients
    log: logging.Logger
    closed: Signal = field(default_factory=Signal)
    work: WorkInHand | None = None

    def begin(self, delivery: Any, signal: Signal) -> Handling:
        """A new handling of a delivery, with clients that act in its name."""
        event = delivery["event"]
        transport = self.connection.transport(delivery_id=delivery["deliveryId"], traceparent=event.get("traceparent"))
        return Handling(
            event=event,
            delivery_id=delivery["deliveryId"],
            attempt=delivery["attempt"],
            redelivered=delivery["redelivered"],
            agent=self.identity,
            clients=BoundClients(transport),
            signal=signal,
            log=self.log,
        )


async def _open_stream(parts: _Parts) -> tuple[Settler, DeliveryStream]:
    definition, clients, log = parts.definition, parts.clients, parts.log
    subscription: Any = await _until_answered(lambda: ensure_subscription(clients, definition), log)
    member_id = str(uuid.uuid4())
    settler = Settler(
        clients=clients, subscription_id=subscription["id"], member_id=member_id, log=log, closed=parts.closed
    )
    guard = LeaseGuard(
        connection=parts.connection,
        agent=parts.identity.name,
        subscription_id=subscription["id"],
        member_id=member_id,
        lease_ms=subscription["leaseMs"],
        log=log,
    )
    parts.work = WorkInHand(
        definition=definition,
        settler=settler,
        guard=guard,
        lease_ms=subscription["leaseMs"],
        agent_name=parts.identity.name,
        clients=clients,
        begin=parts.begin,
        log=log,
    )
    stream = DeliveryStream(
        clients=clients,
        subscription_id=subscription["id"],
        member_id=member_id,
        credits=definition.options.concurrency,
        agent_instance_id=parts.identity.instance_id,
        on_delivery=parts.work.take,
        on_lease_lost=parts.work.lose,
        log=log,
    )
    await stream.opened.wait()
    return settler, stream


async def _run_hooks(hooks: Sequence[Hook], parts: _Parts) -> None:
    for hook in hooks:
        await hook(HookContext(parts.identity, RegistryContext(parts.clients), parts.log))


async def _until_answered(ask: Callable[[], Awaitable[Any]], log: logging.Logger) -> Any:
    """Asks until the platform answers; a refusal is raised."""
    attempt = 0
    while True:
        try:
            return await ask()
        except Problem as error:
            if not error.retryable:
                raise
            log.warning("the platform does not answer yet: %s", error)
        await sleep_ms(full_jitter(attempt, _RETRY_BASE_MS, _RETRY_MAX_MS), Signal())
        attempt += 1
