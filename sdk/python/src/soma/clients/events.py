"""Operations of `events`.

Generated from the OpenAPI document by `npm run docs`; do not edit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal, NotRequired, TypedDict, cast

from soma.clients.transport import ControlFrame, Frames, Request, Transport, in_path


class TopicAliasesItem(TypedDict):
    name: str
    types: list[str]
    exceptTypes: list[str]
    source: NotRequired[str]


class TopicPartitionsItem(TypedDict):
    part: int
    head: int
    oldest: int


class Topic(TypedDict):
    topic: Literal["action-requests", "action-results", "business-facts", "system-events", "plan-events", "task-events", "notification-events", "billing-events", "conversation", "memory", "audit", "dead-letter"]
    openToTenants: bool
    retentionMs: int
    maxEventBytes: int
    aliases: list[TopicAliasesItem]
    oldestAt: str | None
    bytes: int
    partitions: list[TopicPartitionsItem]


class SubscriptionStartAt(TypedDict):
    time: str


class SubscriptionStartAt2(TypedDict):
    sequence: str
    topic: str


class SubscriptionFilter(TypedDict):
    planId: NotRequired[str]
    sessionId: NotRequired[str]
    correlationId: NotRequired[str]
    source: NotRequired[str]
    subject: NotRequired[str]
    userId: NotRequired[str]


class SubscriptionBackoff(TypedDict):
    baseMs: int
    factor: float
    maxMs: int


class SubscriptionPush(TypedDict):
    url: str
    format: Literal["cloudevent", "data"]
    signing: Literal["hmac", "ed25519"]
    secretRef: str
    publicKey: NotRequired[str]
    verifiedAt: str


class Subscription(TypedDict):
    id: str
    name: str
    mode: Literal["group", "broadcast"]
    startAt: Literal["latest", "earliest"] | SubscriptionStartAt | SubscriptionStartAt2
    topics: list[str]
    types: list[str]
    versions: dict[str, str]
    filter: SubscriptionFilter
    ordered: bool
    leaseMs: int
    maxAttempts: int
    backoff: SubscriptionBackoff
    onDeadLetter: Literal["continue", "block"]
    idleTtlMs: int
    memberGraceMs: int
    push: NotRequired[SubscriptionPush]
    state: Literal["active", "paused", "suspended"]
    ownerId: str
    createdAt: str
    version: int


class DeadLetterAttemptsItem(TypedDict):
    at: str
    memberId: str | None
    durationMs: float | None
    problem: dict[str, Any]


class DeadLetterResolution(TypedDict):
    byId: str
    at: str
    note: str


class DeadLetter(TypedDict):
    deliveryId: str
    group: str
    topic: str
    type: str
    key: str
    eventId: str
    event: dict[str, Any]
    attempts: list[DeadLetterAttemptsItem]
    problem: dict[str, Any]
    handler: str | None
    traceparent: str | None
    firstFailedAt: str
    deadAt: str
    state: Literal["open", "replaying", "replayed", "discarded"]
    resolution: DeadLetterResolution | None


ReplayFilter = TypedDict(
    "ReplayFilter",
    {
        "topics": "NotRequired[list[str]]",
        "types": "NotRequired[list[str]]",
        "key": "NotRequired[str]",
        "from": "NotRequired[str]",
        "to": "NotRequired[str]",
        "ratePerSecond": "int",
        "note": "NotRequired[str]",
    },
)


class Replay(TypedDict):
    id: str
    target: str
    filter: ReplayFilter
    dryRun: bool
    state: Literal["running", "completed", "cancelled"]
    matched: int
    delivered: int
    createdById: str
    createdAt: str
    endedAt: str | None


class SubscriptionPush2(TypedDict):
    url: str
    format: Literal["cloudevent", "data"]
    signing: Literal["hmac", "ed25519"]
    secretRef: str
    publicKey: NotRequired[str]
    verifiedAt: str
    secret: NotRequired[str]


class Subscription2(TypedDict):
    id: str
    name: str
    mode: Literal["group", "broadcast"]
    startAt: Literal["latest", "earliest"] | SubscriptionStartAt | SubscriptionStartAt2
    topics: list[str]
    types: list[str]
    versions: dict[str, str]
    filter: SubscriptionFilter
    ordered: bool
    leaseMs: int
    maxAttempts: int
    backoff: SubscriptionBackoff
    onDeadLetter: Literal["continue", "block"]
    idleTtlMs: int
    memberGraceMs: int
    push: NotRequired[SubscriptionPush2]
    state: Literal["active", "paused", "suspended"]
    ownerId: str
    createdAt: str
    version: int


class EventsPublishBody(TypedDict):
    id: NotRequired[str]
    source: NotRequired[str]
    type: str
    topic: NotRequired[str]
    time: NotRequired[str]
    subject: NotRequired[str]
    dataContentType: NotRequired[str]
    dataSchema: NotRequired[str]
    data: NotRequired[Any]
    dataBase64: NotRequired[str]
    dataRef: NotRequired[str]
    tenantId: NotRequired[str]
    userId: NotRequired[str]
    spaceId: NotRequired[str]
    sessionId: NotRequired[str]
    planId: NotRequired[str]
    taskId: NotRequired[str]
    goalId: NotRequired[str]
    personaId: NotRequired[str]
    capsuleId: NotRequired[str]
    correlationId: NotRequired[str]
    causationId: NotRequired[str]
    traceparent: NotRequired[str]
    tracestate: NotRequired[str]
    responseType: NotRequired[str]
    responseTopic: NotRequired[str]
    responseSchema: NotRequired[str]
    outcome: NotRequired[Literal["ok", "failed"]]
    partitionKey: NotRequired[str]
    expiryTime: NotRequired[str]
    deliverAt: NotRequired[str]
    extensions: NotRequired[dict[str, str | int | bool]]


class EventsPublishAnswerWarningsItem(TypedDict):
    code: str
    detail: str


class EventsPublishAnswer(TypedDict):
    eventId: str
    topic: str
    sequence: NotRequired[str]
    recordedAt: str
    duplicate: bool
    warnings: list[EventsPublishAnswerWarningsItem]


class EventsListAnswer(TypedDict):
    items: list[dict[str, Any]]
    nextCursor: str | None


class EventsValidateAnswer(TypedDict):
    valid: bool
    dataSchema: NotRequired[str]
    warnings: list[EventsPublishAnswerWarningsItem]
    problem: NotRequired[dict[str, Any]]


class EventsPublishBatchBody(TypedDict):
    events: list[dict[str, Any]]


class EventsPublishBatchAnswerResultsItem(TypedDict):
    index: int
    eventId: NotRequired[str]
    status: Literal["accepted", "duplicate", "refused"]
    problem: NotRequired[dict[str, Any]]


class EventsPublishBatchAnswer(TypedDict):
    results: list[EventsPublishBatchAnswerResultsItem]


class EventsRequestBody(TypedDict):
    id: NotRequired[str]
    source: NotRequired[str]
    type: str
    topic: NotRequired[str]
    time: NotRequired[str]
    subject: NotRequired[str]
    dataContentType: NotRequired[str]
    dataSchema: NotRequired[str]
    data: NotRequired[Any]
    dataBase64: NotRequired[str]
    dataRef: NotRequired[str]
    tenantId: NotRequired[str]
    userId: NotRequired[str]
    spaceId: NotRequired[str]
    sessionId: NotRequired[str]
    planId: NotRequired[str]
    taskId: NotRequired[str]
    goalId: NotRequired[str]
    personaId: NotRequired[str]
    capsuleId: NotRequired[str]
    correlationId: NotRequired[str]
    causationId: NotRequired[str]
    traceparent: NotRequired[str]
    tracestate: NotRequired[str]
    responseType: str
    responseTopic: NotRequired[str]
    responseSchema: NotRequired[str]
    outcome: NotRequired[Literal["ok", "failed"]]
    partitionKey: NotRequired[str]
    expiryTime: NotRequired[str]
    deliverAt: NotRequired[str]
    extensions: NotRequired[dict[str, str | int | bool]]
    timeoutMs: NotRequired[int]
    requireConsumer: NotRequired[bool]


class EventsStreamEventFrame(TypedDict):
    event: Literal["event"]
    data: dict[str, Any]
    id: NotRequired[str]


class TopicsListAnswer(TypedDict):
    items: list[Topic]


class TopicsUpdateBody(TypedDict):
    retentionMs: NotRequired[int | None]
    maxEventBytes: NotRequired[int | None]


class SubscriptionsCreateBodyPush(TypedDict):
    url: str
    format: NotRequired[Literal["cloudevent", "data"]]
    signing: NotRequired[Literal["hmac", "ed25519"]]


class SubscriptionsCreateBodyBackoff(TypedDict):
    baseMs: NotRequired[int]
    factor: NotRequired[float]
    maxMs: NotRequired[int]


class SubscriptionsCreateBody(TypedDict):
    name: str
    mode: NotRequired[Literal["group", "broadcast"]]
    startAt: NotRequired[Literal["latest", "earliest"] | SubscriptionStartAt | SubscriptionStartAt2]
    push: NotRequired[SubscriptionsCreateBodyPush]
    topics: list[str]
    types: NotRequired[list[str]]
    versions: NotRequired[dict[str, str]]
    filter: NotRequired[SubscriptionFilter]
    ordered: NotRequired[bool]
    leaseMs: NotRequired[int]
    maxAttempts: NotRequired[int]
    backoff: NotRequired[SubscriptionsCreateBodyBackoff]
    onDeadLetter: NotRequired[Literal["continue", "block"]]
    idleTtlMs: NotRequired[int]
    memberGraceMs: NotRequired[int]


class SubscriptionsListAnswer(TypedDict):
    items: list[Subscription]
    nextCursor: str | None


class SubscriptionsUpdateBodyPush(TypedDict):
    url: NotRequired[str]
    format: NotRequired[Literal["cloudevent", "data"]]


class SubscriptionsUpdateBody(TypedDict):
    topics: NotRequired[list[str]]
    types: NotRequired[list[str]]
    versions: NotRequired[dict[str, str]]
    filter: NotRequired[SubscriptionFilter]
    ordered: NotRequired[bool]
    leaseMs: NotRequired[int]
    maxAttempts: NotRequired[int]
    backoff: NotRequired[SubscriptionsCreateBodyBackoff]
    onDeadLetter: NotRequired[Literal["continue", "block"]]
    idleTtlMs: NotRequired[int]
    memberGraceMs: NotRequired[int]
    push: NotRequired[SubscriptionsUpdateBodyPush]


class SubscriptionsRotateSecretBody(TypedDict):
    signing: NotRequired[Literal["hmac", "ed25519"]]
    overlapMs: NotRequired[int]


class SubscriptionsPauseBody(TypedDict):
    note: NotRequired[str]


class SubscriptionsSeekBody(TypedDict):
    to: Literal["latest", "earliest"] | SubscriptionStartAt | SubscriptionStartAt2
    note: str


class DeliveriesStreamDelivery(TypedDict):
    deliveryId: str
    attempt: int
    leaseUntil: str
    redelivered: bool
    event: dict[str, Any]


class DeliveriesStreamDeliveryFrame(TypedDict):
    event: Literal["delivery"]
    data: DeliveriesStreamDelivery
    id: NotRequired[str]


class DeliveriesStreamLeaseLost(TypedDict):
    deliveryId: str
    reason: Literal["expired", "replaced", "revoked"]


class DeliveriesStreamLeaseLostFrame(TypedDict):
    event: Literal["lease-lost"]
    data: DeliveriesStreamLeaseLost
    id: NotRequired[str]


class DeliveriesPullBody(TypedDict):
    memberId: str
    max: NotRequired[int]
    waitMs: NotRequired[int]


class DeliveriesPullAnswer(TypedDict):
    deliveries: list[DeliveriesStreamDelivery]


class DeliveriesSettleBodyAcksItem(TypedDict):
    deliveryId: str
    attempt: int
    emits: NotRequired[list[dict[str, Any]]]


class DeliveriesSettleBodyNacksItem(TypedDict):
    deliveryId: str
    attempt: int
    retryAfterMs: NotRequired[int]
    problem: NotRequired[dict[str, Any]]
    dead: NotRequired[bool]
    release: NotRequired[bool]


class DeliveriesSettleBodyExtendsItem(TypedDict):
    deliveryId: str
    attempt: int
    leaseMs: int


class DeliveriesSettleBody(TypedDict):
    memberId: str
    acks: NotRequired[list[DeliveriesSettleBodyAcksItem]]
    nacks: NotRequired[list[DeliveriesSettleBodyNacksItem]]
    extends: NotRequired[list[DeliveriesSettleBodyExtendsItem]]
    credits: NotRequired[int]


class DeliveriesSettleAnswerLostItem(TypedDict):
    deliveryId: str
    reason: Literal["expired", "unknown"]


class DeliveriesSettleAnswerRefusedItem(TypedDict):
    deliveryId: str
    problem: dict[str, Any]


class DeliveriesSettleAnswerExtendedItem(TypedDict):
    deliveryId: str
    leaseUntil: str


class DeliveriesSettleAnswer(TypedDict):
    settled: list[str]
    lost: list[DeliveriesSettleAnswerLostItem]
    refused: list[DeliveriesSettleAnswerRefusedItem]
    extended: list[DeliveriesSettleAnswerExtendedItem]


class DeliveriesListAnswerItemsItem(TypedDict):
    deliveryId: str
    subscriptionId: str
    topic: str
    key: str
    attempt: int
    memberId: str | None
    leaseUntil: str | None
    dueAt: str
    state: Literal["leased", "retrying", "parked"]
    sequence: str


class DeliveriesListAnswer(TypedDict):
    items: list[DeliveriesListAnswerItemsItem]
    nextCursor: str | None


class DeliveriesContextAnswer(TypedDict):
    eventId: str
    correlationId: NotRequired[str]
    userId: NotRequired[str]
    spaceId: str
    sessionId: NotRequired[str]
    planId: NotRequired[str]
    taskId: NotRequired[str]
    leaseUntil: str


class LagListAnswerItemsItem(TypedDict):
    subscriptionId: str
    name: str
    memberId: NotRequired[str]
    topic: str
    part: int
    head: int
    position: int
    lag: int
    oldestAgeMs: int | None
    inFlight: int
    retrying: int
    parked: int
    deadLetters: int
    isLagging: bool


class LagListAnswer(TypedDict):
    lagSloMs: int
    items: list[LagListAnswerItemsItem]


class ConnectionsListAnswerItemsItem(TypedDict):
    kind: Literal["member", "tail"]
    principalId: str
    subscriptionId: NotRequired[str]
    memberId: NotRequired[str]
    credits: NotRequired[int]
    inFlight: NotRequired[int]
    agentInstanceId: NotRequired[str]
    connectedAt: str


class ConnectionsListAnswer(TypedDict):
    items: list[ConnectionsListAnswerItemsItem]


class DeadLettersListAnswer(TypedDict):
    items: list[DeadLetter]
    nextCursor: str | None


class DeadLettersPurgeAnswer(TypedDict):
    purged: int


class DeadLettersCausesAnswerItemsItem(TypedDict):
    code: str
    type: str
    group: str
    count: int
    firstDeadAt: str
    lastDeadAt: str


class DeadLettersCausesAnswer(TypedDict):
    items: list[DeadLettersCausesAnswerItemsItem]


class DeadLettersReplayBody(TypedDict):
    note: str
    data: NotRequired[Any]
    dryRun: NotRequired[bool]


DeadLettersReplayManyBodyFilter = TypedDict(
    "DeadLettersReplayManyBodyFilter",
    {
        "subscriptionId": "NotRequired[str]",
        "moduleGroup": "NotRequired[str]",
        "topic": "NotRequired[str]",
        "type": "NotRequired[str]",
        "code": "NotRequired[str]",
        "from": "NotRequired[str]",
        "to": "NotRequired[str]",
    },
)


class DeadLettersReplayManyBody(TypedDict):
    filter: DeadLettersReplayManyBodyFilter
    note: str
    max: NotRequired[int]
    ratePerSecond: NotRequired[int]
    dryRun: NotRequired[bool]


class DeadLettersReplayManyAnswerHandlersItem(TypedDict):
    group: str
    handler: str | None
    count: int


class DeadLettersReplayManyAnswer(TypedDict):
    matched: int
    replayed: int
    handlers: list[DeadLettersReplayManyAnswerHandlersItem]


class DeadLettersDiscardBody(TypedDict):
    note: str


ReplaysCreateBody = TypedDict(
    "ReplaysCreateBody",
    {
        "subscriptionId": "NotRequired[str]",
        "moduleGroup": "NotRequired[str]",
        "topics": "NotRequired[list[str]]",
        "types": "NotRequired[list[str]]",
        "key": "NotRequired[str]",
        "from": "NotRequired[str]",
        "to": "NotRequired[str]",
        "ratePerSecond": "NotRequired[int]",
        "note": "NotRequired[str]",
        "dryRun": "NotRequired[bool]",
    },
)


class EventsOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def publish(
        self,
        *,
        body: EventsPublishBody,
        idempotency_key: str | None = None,
    ) -> EventsPublishAnswer:
        """Publishes one event; 201 means that it is durable.

        Problems of its own: type-reserved, unknown-topic, unknown-event-type, schema-mismatch, event-id-reused.
        """
        answer = await self._transport.call(Request(
            "POST",
            "/v1/events",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(EventsPublishAnswer, answer)

    async def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        topic: str | None = None,
        type: str | None = None,
        plan_id: str | None = None,
        session_id: str | None = None,
        correlation_id: str | None = None,
        id: str | None = None,
        source: str | None = None,
        key: str | None = None,
        user_id: str | None = None,
        data_schema: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        fields: Literal["headers", "all"] | None = None,
    ) -> EventsListAnswer:
        """Lists events of the log, newest first. Who holds event:read-own alone sees its own user’s.

        Problems of its own: position-trimmed, unknown-topic.
        """
        answer = await self._transport.call(Request(
            "GET",
            "/v1/events",
            query={
                "limit": limit,
                "cursor": cursor,
                "topic": topic,
                "type": type,
                "planId": plan_id,
                "sessionId": session_id,
                "correlationId": correlation_id,
                "id": id,
                "source": source,
                "key": key,
                "userId": user_id,
                "dataSchema": data_schema,
                "from": from_,
                "to": to,
                "fields": fields,
            },
        ))
        return cast(EventsListAnswer, answer)

    async def list_all(
        self,
        *,
        limit: int | None = None,
        topic: str | None = None,
        type: str | None = None,
        plan_id: str | None = None,
        session_id: str | None = None,
        correlation_id: str | None = None,
        id: str | None = None,
        source: str | None = None,
        key: str | None = None,
        user_id: str | None = None,
        data_schema: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        fields: Literal["headers", "all"] | None = None,
    ) -> AsyncIterator[dict[str, Any]]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(limit=limit, topic=topic, type=type, plan_id=plan_id, session_id=session_id, correlation_id=correlation_id, id=id, source=source, key=key, user_id=user_id, data_schema=data_schema, from_=from_, to=to, fields=fields, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    async def validate(
        self,
        *,
        body: EventsPublishBody,
        idempotency_key: str | None = None,
    ) -> EventsValidateAnswer:
        """Says whether an event would be accepted, and if not why; stores nothing. A reuse of its id is not looked for."""
        answer = await self._transport.call(Request(
            "POST",
            "/v1/events/validate",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(EventsValidateAnswer, answer)

    async def publish_batch(
        self,
        *,
        body: EventsPublishBatchBody,
        atomic: str | None = None,
        idempotency_key: str | None = None,
    ) -> EventsPublishBatchAnswer:
        """Publishes up to 500 events, all or none; with atomic=false each stands alone.

        Problems of its own: type-reserved, unknown-topic, unknown-event-type, schema-mismatch, event-id-reused.
        """
        answer = await self._transport.call(Request(
            "POST",
            "/v1/events/batch",
            query={
                "atomic": atomic,
            },
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(EventsPublishBatchAnswer, answer)

    async def request(
        self,
        *,
        body: EventsRequestBody,
        idempotency_key: str | None = None,
    ) -> dict[str, Any]:
        """Publishes a request and answers its first reply: type, topic and correlation as the request names them.

        Problems of its own: type-reserved, no-consumer, unknown-topic, unknown-event-type, schema-mismatch, event-id-reused, response-timeout.
        """
        answer = await self._transport.call(Request(
            "POST",
            "/v1/events/request",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast("dict[str, Any]", answer)

    async def get(
        self,
        event_id: str,
        *,
        source: str | None = None,
    ) -> dict[str, Any]:
        """Reads one event; `source` chooses where two share an id."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/events/{in_path(event_id)}",
            query={
                "source": source,
            },
        ))
        return cast("dict[str, Any]", answer)

    async def stream(
        self,
        *,
        topics: str | None = None,
        types: str | None = None,
        plan_id: str | None = None,
        session_id: str | None = None,
        correlation_id: str | None = None,
        from_: str | None = None,
        last_event_id: str | None = None,
    ) -> Frames[EventsStreamEventFrame | ControlFrame]:
        """Follows the log as SSE: history from `from`, then live, without acks. Resumes by Last-Event-ID.

        Problems of its own: position-trimmed, unknown-topic.
        """
        return Frames(await self._transport.open(Request(
            "GET",
            "/v1/events/stream",
            query={
                "topics": topics,
                "types": types,
                "planId": plan_id,
                "sessionId": session_id,
                "correlationId": correlation_id,
                "from": from_,
            },
            headers={
                "last-event-id": last_event_id,
            },
        )))


class DialectEventsOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def publish(
        self,
        *,
        body: EventsPublishBody,
        idempotency_key: str | None = None,
    ) -> EventsPublishAnswer:
        """Publishes an event that came in a foreign dialect, whose types nobody has to register: what does not fit is a warning, whatever the setting says.

        Problems of its own: type-reserved, unknown-topic, unknown-event-type, schema-mismatch, event-id-reused.
        """
        answer = await self._transport.call(Request(
            "POST",
            "/v1/events/dialect",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(EventsPublishAnswer, answer)


class ScheduledOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> EventsListAnswer:
        """Lists events that wait for their deliverAt, in due order: own ones, with event:manage all."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/events/scheduled",
            query={
                "limit": limit,
                "cursor": cursor,
            },
        ))
        return cast(EventsListAnswer, answer)

    async def list_all(
        self,
        *,
        limit: int | None = None,
    ) -> AsyncIterator[dict[str, Any]]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(limit=limit, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    async def delete(
        self,
        event_id: str,
        *,
        source: str | None = None,
    ) -> None:
        """Takes an event back before it is due; once it is recorded that is a conflict. Its id stays used inside the dedupe window. `source` chooses where two share an id."""
        await self._transport.call(Request(
            "DELETE",
            f"/v1/events/scheduled/{in_path(event_id)}",
            query={
                "source": source,
            },
        ))


class TopicsOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self,
    ) -> TopicsListAnswer:
        """Lists the topics with partitions, heads, retention and aliases."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/events/topics",
        ))
        return cast(TopicsListAnswer, answer)

    async def get(
        self,
        topic: str,
    ) -> Topic:
        """Reads one topic, by its name or an alias.

        Problems of its own: unknown-topic.
        """
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/events/topics/{in_path(topic)}",
        ))
        return cast(Topic, answer)

    async def update(
        self,
        topic: Literal["action-requests", "action-results", "business-facts", "system-events", "plan-events", "task-events", "notification-events", "billing-events", "conversation", "memory", "audit", "dead-letter"],
        *,
        body: TopicsUpdateBody,
    ) -> Topic:
        """Sets retention and largest event of a topic for all tenants, in every process; null goes back to the configuration. In the tenant platform alone."""
        answer = await self._transport.call(Request(
            "PATCH",
            f"/v1/events/topics/{in_path(topic)}",
            body=body,
        ))
        return cast(Topic, answer)


class SubscriptionsOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self,
        *,
        body: SubscriptionsCreateBody,
        idempotency_key: str | None = None,
    ) -> Subscription2:
        """Creates a durable group of readers. A taken name is a conflict that carries its subscriptionId.

        Problems of its own: position-trimmed, unknown-topic, address-refused, handshake-failed.
        """
        answer = await self._transport.call(Request(
            "POST",
            "/v1/events/subscriptions",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Subscription2, answer)

    async def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        name: str | None = None,
    ) -> SubscriptionsListAnswer:
        """Lists the subscriptions of the tenant: own ones, with subscription:manage or event:read all."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/events/subscriptions",
            query={
                "limit": limit,
                "cursor": cursor,
                "name": name,
            },
        ))
        return cast(SubscriptionsListAnswer, answer)

    async def list_all(
        self,
        *,
        limit: int | None = None,
        name: str | None = None,
    ) -> AsyncIterator[Subscription]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(limit=limit, name=name, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    async def get(
        self,
        subscription_id: str,
    ) -> Subscription:
        """Reads one subscription."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/events/subscriptions/{in_path(subscription_id)}",
        ))
        return cast(Subscription, answer)

    async def update(
        self,
        subscription_id: str,
        *,
        body: SubscriptionsUpdateBody,
        if_match: int | str,
    ) -> Subscription:
        """Changes what a subscription reads and how; its place in the log stays.

        Problems of its own: unknown-topic, address-refused, handshake-failed.
        """
        answer = await self._transport.call(Request(
            "PATCH",
            f"/v1/events/subscriptions/{in_path(subscription_id)}",
            headers={
                "if-match": if_match,
            },
            body=body,
        ))
        return cast(Subscription, answer)

    async def delete(
        self,
        subscription_id: str,
        *,
        if_match: int | str,
    ) -> None:
        """Deletes a subscription with its place and unfinished deliveries; dead letters stay."""
        await self._transport.call(Request(
            "DELETE",
            f"/v1/events/subscriptions/{in_path(subscription_id)}",
            headers={
                "if-match": if_match,
            },
        ))

    async def rotate_secret(
        self,
        subscription_id: str,
        *,
        body: SubscriptionsRotateSecretBody,
        idempotency_key: str | None = None,
    ) -> Subscription2:
        """Makes another signing key for a pushed subscription; until the overlap ends posts are signed with both. A secret is in this answer alone."""
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/events/subscriptions/{in_path(subscription_id)}/rotate-secret",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Subscription2, answer)

    async def pause(
        self,
        subscription_id: str,
        *,
        body: SubscriptionsPauseBody,
        idempotency_key: str | None = None,
    ) -> Subscription:
        """Stops handing out; deliveries in hand may finish."""
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/events/subscriptions/{in_path(subscription_id)}/pause",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Subscription, answer)

    async def seek(
        self,
        subscription_id: str,
        *,
        body: SubscriptionsSeekBody,
        idempotency_key: str | None = None,
    ) -> Subscription:
        """Moves a group in the log: back delivers again, forward skips. Unfinished deliveries end, late acks of them are lost; replayed dead letters stay.

        Problems of its own: position-trimmed, unknown-topic.
        """
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/events/subscriptions/{in_path(subscription_id)}/seek",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Subscription, answer)

    async def resume(
        self,
        subscription_id: str,
        *,
        body: SubscriptionsPauseBody,
        idempotency_key: str | None = None,
    ) -> Subscription:
        """Goes on handing out from where it stopped."""
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/events/subscriptions/{in_path(subscription_id)}/resume",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Subscription, answer)


class DeliveriesOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def stream(
        self,
        subscription_id: str,
        *,
        member_id: str,
        credits: int | None = None,
        agent_instance_id: str | None = None,
        last_event_id: str | None = None,
    ) -> Frames[DeliveriesStreamDeliveryFrame | DeliveriesStreamLeaseLostFrame | ControlFrame]:
        """Joins the group as a member and receives deliveries as SSE, as many unsettled ones as there are credits."""
        return Frames(await self._transport.open(Request(
            "GET",
            f"/v1/events/subscriptions/{in_path(subscription_id)}/stream",
            query={
                "memberId": member_id,
                "credits": credits,
                "agentInstanceId": agent_instance_id,
            },
            headers={
                "last-event-id": last_event_id,
            },
        )))

    async def pull(
        self,
        subscription_id: str,
        *,
        body: DeliveriesPullBody,
        idempotency_key: str | None = None,
    ) -> DeliveriesPullAnswer:
        """Takes up to `max` deliveries, waiting up to `waitMs` for the first."""
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/events/subscriptions/{in_path(subscription_id)}/pull",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(DeliveriesPullAnswer, answer)

    async def settle(
        self,
        subscription_id: str,
        *,
        body: DeliveriesSettleBody,
        idempotency_key: str | None = None,
    ) -> DeliveriesSettleAnswer:
        """Acknowledges, refuses or extends deliveries in one transaction with the events that acks publish."""
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/events/subscriptions/{in_path(subscription_id)}/settle",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(DeliveriesSettleAnswer, answer)

    async def list(
        self,
        subscription_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        state: Literal["leased", "retrying", "parked"] | None = None,
        key: str | None = None,
    ) -> DeliveriesListAnswer:
        """Lists the unfinished deliveries of a subscription in log order."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/events/subscriptions/{in_path(subscription_id)}/deliveries",
            query={
                "limit": limit,
                "cursor": cursor,
                "state": state,
                "key": key,
            },
        ))
        return cast(DeliveriesListAnswer, answer)

    async def list_all(
        self,
        subscription_id: str,
        *,
        limit: int | None = None,
        state: Literal["leased", "retrying", "parked"] | None = None,
        key: str | None = None,
    ) -> AsyncIterator[DeliveriesListAnswerItemsItem]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(subscription_id, limit=limit, state=state, key=key, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    async def context(
        self,
        delivery_id: str,
    ) -> DeliveriesContextAnswer:
        """Whose work a delivery is, while it is leased to the calling principal: for `Soma-Delivery`."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/events/deliveries/{in_path(delivery_id)}/context",
        ))
        return cast(DeliveriesContextAnswer, answer)


class LagOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self,
        *,
        subscription_id: str | None = None,
        topic: str | None = None,
    ) -> LagListAnswer:
        """How far each subscription is behind, by partition.

        Problems of its own: unknown-topic.
        """
        answer = await self._transport.call(Request(
            "GET",
            "/v1/events/lag",
            query={
                "subscriptionId": subscription_id,
                "topic": topic,
            },
        ))
        return cast(LagListAnswer, answer)


class ConnectionsOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self,
    ) -> ConnectionsListAnswer:
        """The members and tails of the tenant that are connected to this process."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/events/connections",
        ))
        return cast(ConnectionsListAnswer, answer)


class DeadLettersOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        subscription_id: str | None = None,
        module_group: str | None = None,
        topic: str | None = None,
        type: str | None = None,
        code: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        state: Literal["open", "replaying", "replayed", "discarded"] | None = None,
    ) -> DeadLettersListAnswer:
        """Lists dead letters, newest first."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/events/dead-letters",
            query={
                "limit": limit,
                "cursor": cursor,
                "subscriptionId": subscription_id,
                "moduleGroup": module_group,
                "topic": topic,
                "type": type,
                "code": code,
                "from": from_,
                "to": to,
                "state": state,
            },
        ))
        return cast(DeadLettersListAnswer, answer)

    async def list_all(
        self,
        *,
        limit: int | None = None,
        subscription_id: str | None = None,
        module_group: str | None = None,
        topic: str | None = None,
        type: str | None = None,
        code: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        state: Literal["open", "replaying", "replayed", "discarded"] | None = None,
    ) -> AsyncIterator[DeadLetter]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(limit=limit, subscription_id=subscription_id, module_group=module_group, topic=topic, type=type, code=code, from_=from_, to=to, state=state, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    async def purge(
        self,
        *,
        note: str,
        subscription_id: str | None = None,
        module_group: str | None = None,
        topic: str | None = None,
        type: str | None = None,
        code: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        state: Literal["open", "replayed", "discarded"] | None = None,
    ) -> DeadLettersPurgeAnswer:
        """Deletes the dead letters that a filter finds, with a note that says why; never all by omission."""
        answer = await self._transport.call(Request(
            "DELETE",
            "/v1/events/dead-letters",
            query={
                "subscriptionId": subscription_id,
                "moduleGroup": module_group,
                "topic": topic,
                "type": type,
                "code": code,
                "from": from_,
                "to": to,
                "state": state,
                "note": note,
            },
        ))
        return cast(DeadLettersPurgeAnswer, answer)

    async def causes(
        self,
        *,
        subscription_id: str | None = None,
        module_group: str | None = None,
        topic: str | None = None,
        type: str | None = None,
        code: str | None = None,
        from_: str | None = None,
        to: str | None = None,
    ) -> DeadLettersCausesAnswer:
        """Open dead letters grouped by cause: problem code, type and group."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/events/dead-letters/causes",
            query={
                "subscriptionId": subscription_id,
                "moduleGroup": module_group,
                "topic": topic,
                "type": type,
                "code": code,
                "from": from_,
                "to": to,
            },
        ))
        return cast(DeadLettersCausesAnswer, answer)

    async def get(
        self,
        delivery_id: str,
    ) -> DeadLetter:
        """Reads one dead letter with its envelope and every attempt."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/events/dead-letters/{in_path(delivery_id)}",
        ))
        return cast(DeadLetter, answer)

    async def replay(
        self,
        delivery_id: str,
        *,
        body: DeadLettersReplayBody,
        idempotency_key: str | None = None,
    ) -> DeadLetter:
        """Delivers a dead letter again, to its own group alone; edited data makes it a new event that the old one caused.

        Problems of its own: unknown-event-type, schema-mismatch.
        """
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/events/dead-letters/{in_path(delivery_id)}/replay",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(DeadLetter, answer)

    async def replay_many(
        self,
        *,
        body: DeadLettersReplayManyBody,
        idempotency_key: str | None = None,
    ) -> DeadLettersReplayManyAnswer:
        """Delivers the open dead letters that a filter finds again, each to its own group alone."""
        answer = await self._transport.call(Request(
            "POST",
            "/v1/events/dead-letters/replay",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(DeadLettersReplayManyAnswer, answer)

    async def discard(
        self,
        delivery_id: str,
        *,
        body: DeadLettersDiscardBody,
        idempotency_key: str | None = None,
    ) -> DeadLetter:
        """Gives a dead letter up, with a note that says why."""
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/events/dead-letters/{in_path(delivery_id)}/discard",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(DeadLetter, answer)


class ReplaysOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self,
        *,
        body: ReplaysCreateBody,
        idempotency_key: str | None = None,
    ) -> Replay:
        """Delivers a stretch of the log again, to one group alone, beside live traffic: events carry replayid and the cursor stays.

        Problems of its own: position-trimmed, unknown-topic.
        """
        answer = await self._transport.call(Request(
            "POST",
            "/v1/events/replays",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Replay, answer)

    async def get(
        self,
        replay_id: str,
    ) -> Replay:
        """Reads how far a replay is."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/events/replays/{in_path(replay_id)}",
        ))
        return cast(Replay, answer)

    async def cancel(
        self,
        replay_id: str,
        *,
        idempotency_key: str | None = None,
    ) -> Replay:
        """Ends a replay: what it put before the group and nobody has in hand is taken back."""
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/events/replays/{in_path(replay_id)}/cancel",
            headers={
                "idempotency-key": idempotency_key,
            },
        ))
        return cast(Replay, answer)


class EventsClient:
    """Every operation of `events`."""

    def __init__(self, transport: Transport) -> None:
        self.events = EventsOperations(transport)
        self.dialect_events = DialectEventsOperations(transport)
        self.scheduled = ScheduledOperations(transport)
        self.topics = TopicsOperations(transport)
        self.subscriptions = SubscriptionsOperations(transport)
        self.deliveries = DeliveriesOperations(transport)
        self.lag = LagOperations(transport)
        self.connections = ConnectionsOperations(transport)
        self.dead_letters = DeadLettersOperations(transport)
        self.replays = ReplaysOperations(transport)
