"""Operations of `registry`.

Generated from the OpenAPI document by `npm run docs`; do not edit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal, NotRequired, TypedDict, cast

from soma.clients.transport import Request, Transport, in_path


class AgentCapabilitiesItemConsumes(TypedDict):
    topic: str
    type: str
    range: NotRequired[str]


class AgentCapabilitiesItemExamplesItem(TypedDict):
    input: Any
    output: NotRequired[Any]
    note: NotRequired[str]


class AgentCapabilitiesItemCost(TypedDict):
    costMicros: int
    currency: str
    per: Literal["call", "token"]


class AgentCapabilitiesItem(TypedDict):
    name: str
    description: str
    consumes: NotRequired[AgentCapabilitiesItemConsumes]
    produces: list[AgentCapabilitiesItemConsumes]
    tags: list[str]
    examples: list[AgentCapabilitiesItemExamplesItem]
    cost: NotRequired[AgentCapabilitiesItemCost]
    p95Ms: NotRequired[float]
    sideEffects: Literal["none", "reversible", "irreversible"]
    requires: list[str]
    concurrency: NotRequired[int]
    versions: list[str]


class AgentInstancesItemSdk(TypedDict):
    language: str
    version: str


class AgentInstancesItemLoad(TypedDict):
    inFlight: int
    credits: int


class AgentInstancesItem(TypedDict):
    instanceId: str
    agentVersion: str
    sdk: NotRequired[AgentInstancesItemSdk]
    startedAt: str
    lastSeenAt: str
    expiresAt: str
    health: Literal["healthy", "degraded", "unhealthy", "draining"]
    healthDetail: NotRequired[str]
    suspectSince: NotRequired[str]
    load: NotRequired[AgentInstancesItemLoad]
    region: NotRequired[str]
    digest: str


class Agent(TypedDict):
    agentId: str
    name: str
    kind: Literal["tool", "worker", "planner", "agent"]
    description: str
    ownerId: str
    personaId: NotRequired[str]
    tags: list[str]
    capabilities: list[AgentCapabilitiesItem]
    consumes: list[AgentCapabilitiesItemConsumes]
    produces: list[AgentCapabilitiesItemConsumes]
    versions: list[str]
    status: Literal["live", "degraded", "draining", "suspect", "expired", "deregistered"]
    instances: list[AgentInstancesItem]
    createdAt: str
    lastSeenAt: str
    version: int


class EventSchema(TypedDict):
    name: str
    version: str


class EventResponseSchema(TypedDict):
    jsonSchema: bool | dict[str, Any]


class Event(TypedDict):
    topic: Literal["action-requests", "action-results", "business-facts", "system-events", "plan-events", "task-events", "notification-events", "billing-events", "conversation", "memory", "audit", "dead-letter"]
    type: str
    version: str
    kind: Literal["request", "reply", "fact"]
    description: str
    purpose: NotRequired[str]
    schema: EventSchema
    jsonSchema: bool | dict[str, Any]
    bundled: NotRequired[bool | dict[str, Any]]
    responseType: NotRequired[str]
    responseTopic: NotRequired[Literal["action-requests", "action-results", "business-facts", "system-events", "plan-events", "task-events", "notification-events", "billing-events", "conversation", "memory", "audit", "dead-letter"]]
    responseSchema: NotRequired[EventSchema | EventResponseSchema]
    sideEffects: Literal["none", "reversible", "irreversible"]
    examples: list[Any]
    tags: list[str]
    visibility: Literal["tenant", "platform"]
    status: Literal["draft", "active", "deprecated", "retired"]
    ownerId: str
    ownerAgent: NotRequired[str]
    replacedBy: NotRequired[str]
    sunsetAt: NotRequired[str]
    digest: str
    createdAt: str
    consumers: int
    producers: int


class Schema(TypedDict):
    schemaId: str
    name: str
    version: str
    jsonSchema: bool | dict[str, Any]
    bundled: NotRequired[bool | dict[str, Any]]
    digest: str
    description: str
    ownerId: str
    status: Literal["active", "deprecated", "retired"]
    visibility: Literal["tenant", "platform"]
    createdAt: str


class GraphNodesItem(TypedDict):
    id: str
    kind: Literal["agent", "event"]
    name: str
    topic: NotRequired[Literal["action-requests", "action-results", "business-facts", "system-events", "plan-events", "task-events", "notification-events", "billing-events", "conversation", "memory", "audit", "dead-letter"]]
    isDefined: NotRequired[bool]


GraphEdgesItem = TypedDict(
    "GraphEdgesItem",
    {
        "from": "str",
        "to": "str",
        "kind": "Literal[\"produces\", \"consumed-by\", \"answered-by\"]",
        "inCycle": "bool",
    },
)


class Graph(TypedDict):
    nodes: list[GraphNodesItem]
    edges: list[GraphEdgesItem]
    withoutConsumer: list[str]
    withoutProducer: list[str]


class Heartbeat(TypedDict):
    alive: list[str]
    unknown: list[str]
    heartbeatMs: int


class InstancesRegisterBodyCapabilitiesItem(TypedDict):
    name: str
    description: NotRequired[str]
    consumes: NotRequired[AgentCapabilitiesItemConsumes]
    produces: NotRequired[list[AgentCapabilitiesItemConsumes]]
    tags: NotRequired[list[str]]
    examples: NotRequired[list[AgentCapabilitiesItemExamplesItem]]
    cost: NotRequired[AgentCapabilitiesItemCost]
    p95Ms: NotRequired[float]
    sideEffects: NotRequired[Literal["none", "reversible", "irreversible"]]
    requires: NotRequired[list[str]]
    concurrency: NotRequired[int]


class InstancesRegisterBodyEventsItem(TypedDict):
    topic: str
    type: str
    version: NotRequired[str]
    kind: NotRequired[Literal["request", "reply", "fact"]]
    description: str
    purpose: NotRequired[str]
    schema: EventSchema | EventResponseSchema
    responseType: NotRequired[str]
    responseTopic: NotRequired[str]
    responseSchema: NotRequired[EventSchema | EventResponseSchema]
    sideEffects: NotRequired[Literal["none", "reversible", "irreversible"]]
    examples: NotRequired[list[Any]]
    tags: NotRequired[list[str]]


class InstancesRegisterBodySchemasItem(TypedDict):
    name: str
    version: str
    jsonSchema: bool | dict[str, Any]
    description: NotRequired[str]


class InstancesRegisterBody(TypedDict):
    kind: Literal["tool", "worker", "planner", "agent"]
    description: str
    agentVersion: str
    personaId: NotRequired[str]
    tags: NotRequired[list[str]]
    capabilities: NotRequired[list[str | InstancesRegisterBodyCapabilitiesItem]]
    consumes: NotRequired[list[AgentCapabilitiesItemConsumes]]
    produces: NotRequired[list[AgentCapabilitiesItemConsumes]]
    events: NotRequired[list[InstancesRegisterBodyEventsItem]]
    schemas: NotRequired[list[InstancesRegisterBodySchemasItem]]
    sdk: NotRequired[AgentInstancesItemSdk]
    health: NotRequired[Literal["healthy", "degraded", "unhealthy", "draining"]]
    load: NotRequired[AgentInstancesItemLoad]
    region: NotRequired[str]
    leaseMs: NotRequired[int]


class InstancesRegisterAnswerWarningsItem(TypedDict):
    code: str
    detail: str
    pointer: NotRequired[str]


class InstancesRegisterAnswer(TypedDict):
    agent: Agent
    instance: AgentInstancesItem
    leaseMs: int
    heartbeatMs: int
    warnings: list[InstancesRegisterAnswerWarningsItem]


class InstancesHeartbeatBody(TypedDict):
    health: NotRequired[Literal["healthy", "degraded", "unhealthy", "draining"]]
    healthDetail: NotRequired[str]
    load: NotRequired[AgentInstancesItemLoad]
    digest: NotRequired[str]


class InstancesHeartbeatAnswer(TypedDict):
    expiresAt: str
    known: bool


class HeartbeatsCreateBodyInstancesItemStream(TypedDict):
    id: str
    state: Literal["open", "broken"]


class HeartbeatsCreateBodyInstancesItem(TypedDict):
    instanceId: str
    health: NotRequired[Literal["healthy", "degraded", "unhealthy", "draining"]]
    load: NotRequired[AgentInstancesItemLoad]
    stream: NotRequired[HeartbeatsCreateBodyInstancesItemStream]


class HeartbeatsCreateBody(TypedDict):
    instances: list[HeartbeatsCreateBodyInstancesItem]


class AgentsListAnswer(TypedDict):
    items: list[Agent]
    nextCursor: str | None


class AgentsUpdateBody(TypedDict):
    description: NotRequired[str]
    tags: NotRequired[list[str]]
    ownerId: NotRequired[str]


class EventsListAnswer(TypedDict):
    items: list[Event]
    nextCursor: str | None


class EventsDeprecateBody(TypedDict):
    replacedBy: NotRequired[str]
    sunsetAt: NotRequired[str]
    note: str


class EventsRetireBody(TypedDict):
    force: NotRequired[bool]
    note: str


class EventsImpactBody(TypedDict):
    schema: bool | dict[str, Any]


class EventsImpactAnswerReportChangesItem(TypedDict):
    pointer: str
    change: Literal["text-changed", "property-added", "properties-opened", "open-enum-value-added", "enum-opened", "constraint-relaxed", "enum-value-added", "branch-added", "required-removed", "required-added", "property-removed", "property-renamed", "retyped", "constraint-tightened", "enum-value-removed", "branch-removed", "properties-closed", "default-changed", "format-added", "topic-changed", "response-type-changed", "kind-changed", "event-removed", "undecidable"]
    level: Literal["none", "patch", "minor", "major"]
    why: str
    counterexample: NotRequired[Any]


class EventsImpactAnswerReport(TypedDict):
    level: Literal["none", "patch", "minor", "major"]
    changes: list[EventsImpactAnswerReportChangesItem]


class EventsImpactAnswerBreaksItem(TypedDict):
    agent: str
    version: str
    why: str


class EventsImpactAnswer(TypedDict):
    report: EventsImpactAnswerReport
    needs: str
    breaks: list[EventsImpactAnswerBreaksItem]


class SchemasListAnswer(TypedDict):
    items: list[Schema]
    nextCursor: str | None


class SchemasVersionsAnswer(TypedDict):
    items: list[Schema]


class SchemasCheckBody(TypedDict):
    old: NotRequired[bool | dict[str, Any]]
    name: NotRequired[str]
    new: bool | dict[str, Any]
    kind: NotRequired[Literal["request", "reply", "fact"]]


class DiscoverySearchBody(TypedDict):
    query: str
    want: NotRequired[list[Literal["event", "agent", "capability"]]]
    topics: NotRequired[list[str]]
    tags: NotRequired[list[str]]
    actionable: NotRequired[bool]
    limit: NotRequired[int]
    maxTokens: NotRequired[int]
    format: NotRequired[Literal["full", "llm"]]


class DiscoverySearchAnswerItemsItemReply(TypedDict):
    type: str
    topic: Literal["action-requests", "action-results", "business-facts", "system-events", "plan-events", "task-events", "notification-events", "billing-events", "conversation", "memory", "audit", "dead-letter"]
    schema: NotRequired[bool | dict[str, Any]]


class DiscoverySearchAnswerItemsItemScoreParts(TypedDict):
    lexical: float
    vector: NotRequired[float]


class DiscoverySearchAnswerItemsItem(TypedDict):
    kind: Literal["event"]
    name: str
    topic: Literal["action-requests", "action-results", "business-facts", "system-events", "plan-events", "task-events", "notification-events", "billing-events", "conversation", "memory", "audit", "dead-letter"]
    type: str
    version: str
    purpose: NotRequired[str]
    requiredFields: list[str]
    parameters: bool | dict[str, Any]
    example: NotRequired[Any]
    reply: NotRequired[DiscoverySearchAnswerItemsItemReply]
    sideEffects: Literal["none", "reversible", "irreversible"]
    consumers: list[str]
    ownerId: str
    description: str
    suspicious: bool
    score: float
    scoreParts: DiscoverySearchAnswerItemsItemScoreParts


class DiscoverySearchAnswerItemsItem2(TypedDict):
    kind: Literal["agent"]
    name: str
    capabilities: list[str]
    ownerId: str
    description: str
    suspicious: bool
    score: float
    scoreParts: DiscoverySearchAnswerItemsItemScoreParts


class DiscoverySearchAnswerItemsItemConsumes(TypedDict):
    topic: str
    type: str


class DiscoverySearchAnswerItemsItem3(TypedDict):
    kind: Literal["capability"]
    name: str
    agent: str
    consumes: NotRequired[DiscoverySearchAnswerItemsItemConsumes]
    ownerId: str
    description: str
    suspicious: bool
    score: float
    scoreParts: DiscoverySearchAnswerItemsItemScoreParts


class DiscoverySearchAnswerLlmToolsItemFunction(TypedDict):
    name: str
    description: str
    parameters: bool | dict[str, Any]


class DiscoverySearchAnswerLlmToolsItem(TypedDict):
    type: Literal["function"]
    function: DiscoverySearchAnswerLlmToolsItemFunction


class DiscoverySearchAnswerLlmNamesValue(TypedDict):
    topic: Literal["action-requests", "action-results", "business-facts", "system-events", "plan-events", "task-events", "notification-events", "billing-events", "conversation", "memory", "audit", "dead-letter"]
    type: str
    version: str


class DiscoverySearchAnswerLlm(TypedDict):
    text: str
    tools: list[DiscoverySearchAnswerLlmToolsItem]
    names: dict[str, DiscoverySearchAnswerLlmNamesValue]


class DiscoverySearchAnswer(TypedDict):
    items: list[DiscoverySearchAnswerItemsItem | DiscoverySearchAnswerItemsItem2 | DiscoverySearchAnswerItemsItem3]
    hidden: Literal[0]
    asOf: str
    degraded: bool
    llm: NotRequired[DiscoverySearchAnswerLlm]


class InstancesOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def register(
        self,
        name: str,
        instance_id: str,
        *,
        body: InstancesRegisterBody,
    ) -> InstancesRegisterAnswer:
        """Registers schemas, event definitions, the agent, its capabilities and this process of it: all or nothing.

        Problems of its own: type-reserved, name-owned, schema-exists, schema-invalid, schema-incompatible, unknown-topic.
        """
        answer = await self._transport.call(Request(
            "PUT",
            f"/v1/registry/agents/{in_path(name)}/instances/{in_path(instance_id)}",
            body=body,
        ))
        return cast(InstancesRegisterAnswer, answer)

    async def deregister(
        self,
        name: str,
        instance_id: str,
        *,
        reason: str | None = None,
    ) -> None:
        """Ends an instance; the agent ends with its last one."""
        await self._transport.call(Request(
            "DELETE",
            f"/v1/registry/agents/{in_path(name)}/instances/{in_path(instance_id)}",
            query={
                "reason": reason,
            },
        ))

    async def heartbeat(
        self,
        name: str,
        instance_id: str,
        *,
        body: InstancesHeartbeatBody,
        idempotency_key: str | None = None,
    ) -> InstancesHeartbeatAnswer:
        """A sign of life. `known: false` or `not-found`: register in full."""
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/registry/agents/{in_path(name)}/instances/{in_path(instance_id)}/heartbeat",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(InstancesHeartbeatAnswer, answer)


class HeartbeatsOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self,
        *,
        body: HeartbeatsCreateBody,
        idempotency_key: str | None = None,
    ) -> Heartbeat:
        """Signs of life of many instances at once."""
        answer = await self._transport.call(Request(
            "POST",
            "/v1/registry/heartbeats",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Heartbeat, answer)


class AgentsOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        name: str | None = None,
        kind: Literal["tool", "worker", "planner", "agent"] | None = None,
        status: Literal["live", "degraded", "draining", "suspect", "expired", "deregistered"] | None = None,
        capability: str | None = None,
        consumes: str | None = None,
        produces: str | None = None,
        tag: str | None = None,
        query: str | None = None,
        include_expired: str | None = None,
    ) -> AgentsListAnswer:
        """Lists agents with their instances. Filters combine with AND and match exactly."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/registry/agents",
            query={
                "limit": limit,
                "cursor": cursor,
                "name": name,
                "kind": kind,
                "status": status,
                "capability": capability,
                "consumes": consumes,
                "produces": produces,
                "tag": tag,
                "query": query,
                "includeExpired": include_expired,
            },
        ))
        return cast(AgentsListAnswer, answer)

    async def list_all(
        self,
        *,
        limit: int | None = None,
        name: str | None = None,
        kind: Literal["tool", "worker", "planner", "agent"] | None = None,
        status: Literal["live", "degraded", "draining", "suspect", "expired", "deregistered"] | None = None,
        capability: str | None = None,
        consumes: str | None = None,
        produces: str | None = None,
        tag: str | None = None,
        query: str | None = None,
        include_expired: str | None = None,
    ) -> AsyncIterator[Agent]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(limit=limit, name=name, kind=kind, status=status, capability=capability, consumes=consumes, produces=produces, tag=tag, query=query, include_expired=include_expired, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    async def get(
        self,
        name: str,
    ) -> Agent:
        """One agent by name, also one that ended in the last 24 h."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/registry/agents/{in_path(name)}",
        ))
        return cast(Agent, answer)

    async def update(
        self,
        name: str,
        *,
        body: AgentsUpdateBody,
        if_match: int | str,
    ) -> Agent:
        """Words an agent anew until it says something else itself, or transfers its name with the events that it defined. For its owner, and with `agent:manage`.

        Problems of its own: name-owned.
        """
        answer = await self._transport.call(Request(
            "PATCH",
            f"/v1/registry/agents/{in_path(name)}",
            headers={
                "if-match": if_match,
            },
            body=body,
        ))
        return cast(Agent, answer)

    async def delete(
        self,
        name: str,
    ) -> None:
        """Forgets an agent that has ended and frees its name; one that lives is a `conflict`.

        Problems of its own: name-owned.
        """
        await self._transport.call(Request(
            "DELETE",
            f"/v1/registry/agents/{in_path(name)}",
        ))


class EventsOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self,
        *,
        body: InstancesRegisterBodyEventsItem,
        idempotency_key: str | None = None,
    ) -> Event:
        """Defines one version of an event type; the same content again changes nothing.

        Problems of its own: type-reserved, name-owned, schema-exists, schema-invalid, schema-incompatible, unknown-topic.
        """
        answer = await self._transport.call(Request(
            "POST",
            "/v1/registry/events",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Event, answer)

    async def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        topic: str | None = None,
        type: str | None = None,
        kind: Literal["request", "reply", "fact"] | None = None,
        tag: str | None = None,
        status: Literal["draft", "active", "deprecated", "retired"] | None = None,
        visibility: Literal["tenant", "platform"] | None = None,
        producer: str | None = None,
        consumer: str | None = None,
        actionable: str | None = None,
        query: str | None = None,
    ) -> EventsListAnswer:
        """Lists event definitions, those of the platform included."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/registry/events",
            query={
                "limit": limit,
                "cursor": cursor,
                "topic": topic,
                "type": type,
                "kind": kind,
                "tag": tag,
                "status": status,
                "visibility": visibility,
                "producer": producer,
                "consumer": consumer,
                "actionable": actionable,
                "query": query,
            },
        ))
        return cast(EventsListAnswer, answer)

    async def list_all(
        self,
        *,
        limit: int | None = None,
        topic: str | None = None,
        type: str | None = None,
        kind: Literal["request", "reply", "fact"] | None = None,
        tag: str | None = None,
        status: Literal["draft", "active", "deprecated", "retired"] | None = None,
        visibility: Literal["tenant", "platform"] | None = None,
        producer: str | None = None,
        consumer: str | None = None,
        actionable: str | None = None,
        query: str | None = None,
    ) -> AsyncIterator[Event]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(limit=limit, topic=topic, type=type, kind=kind, tag=tag, status=status, visibility=visibility, producer=producer, consumer=consumer, actionable=actionable, query=query, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    async def get(
        self,
        topic: str,
        type: str,
        *,
        schema: str | None = None,
    ) -> Event:
        """The latest active version of an event type: the own one, else that of the platform. Absent: `not-found` with the nearest names in `nearest`.

        Problems of its own: unknown-topic.
        """
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/registry/events/{in_path(topic)}/{in_path(type)}",
            query={
                "schema": schema,
            },
        ))
        return cast(Event, answer)

    async def get_version(
        self,
        topic: str,
        type: str,
        version: str,
    ) -> Event:
        """One version of an event type.

        Problems of its own: unknown-topic.
        """
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/registry/events/{in_path(topic)}/{in_path(type)}/versions/{in_path(version)}",
        ))
        return cast(Event, answer)

    async def deprecate(
        self,
        topic: str,
        type: str,
        version: str,
        *,
        body: EventsDeprecateBody,
        idempotency_key: str | None = None,
    ) -> Event:
        """Announces the end of a version: publishers are warned, and refused after `sunsetAt`.

        Problems of its own: name-owned, unknown-topic.
        """
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/registry/events/{in_path(topic)}/{in_path(type)}/versions/{in_path(version)}/deprecate",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Event, answer)

    async def retire(
        self,
        topic: str,
        type: str,
        version: str,
        *,
        body: EventsRetireBody,
        idempotency_key: str | None = None,
    ) -> Event:
        """Ends a version. Live consumers of it are a `conflict` that names them, unless `force`.

        Problems of its own: name-owned, unknown-topic.
        """
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/registry/events/{in_path(topic)}/{in_path(type)}/versions/{in_path(version)}/retire",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Event, answer)

    async def impact(
        self,
        topic: str,
        type: str,
        *,
        body: EventsImpactBody,
        idempotency_key: str | None = None,
    ) -> EventsImpactAnswer:
        """Who would break if the data of this type had the proposed schema; stores nothing.

        Problems of its own: schema-invalid, unknown-topic.
        """
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/registry/events/{in_path(topic)}/{in_path(type)}/impact",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(EventsImpactAnswer, answer)


class SchemasOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self,
        *,
        body: InstancesRegisterBodySchemasItem,
        idempotency_key: str | None = None,
    ) -> Schema:
        """Registers one immutable version of a schema; the same content again changes nothing.

        Problems of its own: name-owned, schema-exists, schema-invalid, schema-incompatible.
        """
        answer = await self._transport.call(Request(
            "POST",
            "/v1/registry/schemas",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Schema, answer)

    async def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        owner_id: str | None = None,
        status: Literal["active", "deprecated", "retired"] | None = None,
    ) -> SchemasListAnswer:
        """Lists the latest version of each schema."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/registry/schemas",
            query={
                "limit": limit,
                "cursor": cursor,
                "ownerId": owner_id,
                "status": status,
            },
        ))
        return cast(SchemasListAnswer, answer)

    async def list_all(
        self,
        *,
        limit: int | None = None,
        owner_id: str | None = None,
        status: Literal["active", "deprecated", "retired"] | None = None,
    ) -> AsyncIterator[Schema]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(limit=limit, owner_id=owner_id, status=status, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    async def get(
        self,
        name: str,
    ) -> Schema:
        """The highest active version of a schema; pre-releases only when nothing else is there."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/registry/schemas/{in_path(name)}",
        ))
        return cast(Schema, answer)

    async def versions(
        self,
        name: str,
    ) -> SchemasVersionsAnswer:
        """All versions of a schema, highest first."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/registry/schemas/{in_path(name)}/versions",
        ))
        return cast(SchemasVersionsAnswer, answer)

    async def get_version(
        self,
        name: str,
        version: str,
    ) -> Schema:
        """One version of a schema."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/registry/schemas/{in_path(name)}/versions/{in_path(version)}",
        ))
        return cast(Schema, answer)

    async def check(
        self,
        *,
        body: SchemasCheckBody,
        idempotency_key: str | None = None,
    ) -> EventsImpactAnswerReport:
        """Says what a new schema changes for those who read and write its documents; stores nothing.

        Problems of its own: schema-invalid.
        """
        answer = await self._transport.call(Request(
            "POST",
            "/v1/registry/schemas/check",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(EventsImpactAnswerReport, answer)


class AsyncapiOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get(
        self,
        *,
        agent: str | None = None,
        topic: str | None = None,
    ) -> dict[str, Any]:
        """The registry as an AsyncAPI 3 document: topics as channels, definitions as messages, what each live agent sends and receives as operations.

        Problems of its own: unknown-topic.
        """
        answer = await self._transport.call(Request(
            "GET",
            "/v1/registry/asyncapi",
            query={
                "agent": agent,
                "topic": topic,
            },
        ))
        return cast("dict[str, Any]", answer)


class GraphOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get(
        self,
        *,
        agent: str | None = None,
        type: str | None = None,
        depth: int | None = None,
    ) -> Graph:
        """What live agents declare to produce and consume, as a graph; with an agent or a type, what is near it."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/registry/graph",
            query={
                "agent": agent,
                "type": type,
                "depth": depth,
            },
        ))
        return cast(Graph, answer)


class DiscoveryOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def search(
        self,
        *,
        body: DiscoverySearchBody,
        idempotency_key: str | None = None,
    ) -> DiscoverySearchAnswer:
        """Which events, agents and capabilities get one what a question in plain words asks for.

        Problems of its own: unknown-topic.
        """
        answer = await self._transport.call(Request(
            "POST",
            "/v1/registry/discover",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(DiscoverySearchAnswer, answer)


class RegistryClient:
    """Every operation of `registry`."""

    def __init__(self, transport: Transport) -> None:
        self.instances = InstancesOperations(transport)
        self.heartbeats = HeartbeatsOperations(transport)
        self.agents = AgentsOperations(transport)
        self.events = EventsOperations(transport)
        self.schemas = SchemasOperations(transport)
        self.asyncapi = AsyncapiOperations(transport)
        self.graph = GraphOperations(transport)
        self.discovery = DiscoveryOperations(transport)
