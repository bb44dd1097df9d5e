"""Operations of `memory`.

Generated from the OpenAPI document by `npm run docs`; do not edit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal, NotRequired, TypedDict, cast

from soma.clients.transport import Request, Transport, in_path


class FactScope(TypedDict):
    type: Literal["user"]


class FactScope2(TypedDict):
    type: Literal["plan"]
    id: str


class FactScope3(TypedDict):
    type: Literal["space"]


class FactScope4(TypedDict):
    type: Literal["tenant"]


class FactSource(TypedDict):
    kind: Literal["human", "agent", "tool", "document", "event", "import", "consolidation"]
    ref: str
    actor: NotRequired[str]
    traceId: NotRequired[str]
    correlationId: NotRequired[str]
    constitutionHash: NotRequired[str]


class Fact(TypedDict):
    kind: Literal["fact"]
    id: str
    scope: FactScope | FactScope2 | FactScope3 | FactScope4
    ownerId: str
    content: str
    contentHash: str
    language: str
    tags: list[str]
    metadata: dict[str, Any]
    importance: float
    trust: Literal["untrusted", "low", "normal", "trusted", "verified"]
    source: NotRequired[FactSource]
    recordedAt: str
    expiresAt: NotRequired[str]
    form: Literal["statement", "passage", "summary"]
    collection: str
    status: Literal["live", "superseded", "disputed"]
    externalId: NotRequired[str]
    subject: NotRequired[str]
    predicate: NotRequired[str]
    exclusive: bool
    confidence: float
    validFrom: str
    validTo: NotRequired[str]
    closedAt: NotRequired[str]
    supersededAt: NotRequired[str]
    replacedBy: NotRequired[str]
    updatedAt: str
    version: int


class Episode(TypedDict):
    kind: Literal["episode"]
    id: str
    scope: FactScope | FactScope2 | FactScope3 | FactScope4
    ownerId: str
    content: str
    contentHash: str
    language: str
    tags: list[str]
    metadata: dict[str, Any]
    importance: float
    trust: Literal["untrusted", "low", "normal", "trusted", "verified"]
    source: NotRequired[FactSource]
    recordedAt: str
    expiresAt: NotRequired[str]
    agentId: str
    sessionId: NotRequired[str]
    planId: NotRequired[str]
    taskId: NotRequired[str]
    role: Literal["user", "assistant", "system", "tool", "event", "summary"]
    seq: int
    occurredAt: str


class Procedure(TypedDict):
    kind: Literal["procedure"]
    id: str
    scope: FactScope | FactScope2 | FactScope3 | FactScope4
    ownerId: str
    content: str
    contentHash: str
    language: str
    tags: list[str]
    metadata: dict[str, Any]
    importance: float
    trust: Literal["untrusted", "low", "normal", "trusted", "verified"]
    source: NotRequired[FactSource]
    recordedAt: str
    expiresAt: NotRequired[str]
    agentId: str
    name: str
    version: int
    type: Literal["system-prompt", "few-shot", "rule", "skill"]
    status: Literal["draft", "active", "retired"]
    trigger: str
    parameters: NotRequired[dict[str, Any]]
    trialShare: NotRequired[float]
    uses: int
    wins: int
    approvedBy: NotRequired[str]
    activatedAt: NotRequired[str]
    updatedAt: str


class Working(TypedDict):
    scope: FactScope | FactScope2 | FactScope3 | FactScope4
    key: str
    value: Any
    keep: bool
    version: int
    writer: str
    updatedAt: str
    expiresAt: NotRequired[str]


class UsageScopesItemFacts(TypedDict):
    items: int
    bytes: int


class UsageScopesItem(TypedDict):
    type: Literal["user", "space", "tenant"]
    facts: UsageScopesItemFacts
    episodes: UsageScopesItemFacts
    procedures: UsageScopesItemFacts
    working: UsageScopesItemFacts


class UsageLimits(TypedDict):
    maxItemsPerTenant: int
    maxItemsPerUser: int
    workingMaxKeys: int
    workingMaxBytes: int


class Usage(TypedDict):
    scopes: list[UsageScopesItem]
    limits: UsageLimits


class Fact2(TypedDict):
    fact: Fact
    replacedIds: list[str]


class Link(TypedDict):
    id: str
    scope: FactScope | FactScope2 | FactScope3 | FactScope4
    ownerId: str
    fromId: str
    relation: str
    toId: str
    strength: float
    properties: dict[str, Any]
    validFrom: str
    createdAt: str
    updatedAt: str


class ItemsRememberBodyItemsItemSource(TypedDict):
    kind: NotRequired[Literal["human", "agent", "tool", "document", "event", "import", "consolidation"]]
    ref: NotRequired[str]


class ItemsRememberBodyItemsItem(TypedDict):
    kind: NotRequired[Literal["fact"]]
    scope: NotRequired[FactScope | FactScope2 | FactScope3 | FactScope4]
    tags: NotRequired[list[str]]
    metadata: NotRequired[dict[str, Any]]
    importance: NotRequired[float]
    source: NotRequired[ItemsRememberBodyItemsItemSource]
    expiresAt: NotRequired[str]
    language: NotRequired[str]
    content: str
    form: NotRequired[Literal["statement", "passage", "summary"]]
    collection: NotRequired[str]
    externalId: NotRequired[str]
    subject: NotRequired[str]
    predicate: NotRequired[str]
    exclusive: NotRequired[bool]
    confidence: NotRequired[float]
    validFrom: NotRequired[str]
    validTo: NotRequired[str]
    corrects: NotRequired[bool]


class ItemsRememberBodyItemsItem2(TypedDict):
    kind: Literal["episode"]
    scope: NotRequired[FactScope | FactScope2 | FactScope3 | FactScope4]
    tags: NotRequired[list[str]]
    metadata: NotRequired[dict[str, Any]]
    importance: NotRequired[float]
    source: NotRequired[ItemsRememberBodyItemsItemSource]
    expiresAt: NotRequired[str]
    language: NotRequired[str]
    agentId: str
    sessionId: NotRequired[str]
    planId: NotRequired[str]
    taskId: NotRequired[str]
    role: Literal["user", "assistant", "system", "tool", "event", "summary"]
    content: str
    occurredAt: NotRequired[str]


class ItemsRememberBodyItemsItem3(TypedDict):
    kind: Literal["procedure"]
    scope: NotRequired[FactScope | FactScope2 | FactScope3 | FactScope4]
    tags: NotRequired[list[str]]
    metadata: NotRequired[dict[str, Any]]
    importance: NotRequired[float]
    source: NotRequired[ItemsRememberBodyItemsItemSource]
    expiresAt: NotRequired[str]
    language: NotRequired[str]
    agentId: str
    name: str
    type: Literal["system-prompt", "few-shot", "rule", "skill"]
    trigger: str
    content: str
    parameters: NotRequired[dict[str, Any]]
    trialShare: NotRequired[float]


class ItemsRememberBodyItemsItem4(TypedDict):
    kind: Literal["working"]
    scope: NotRequired[FactScope | FactScope2 | FactScope3 | FactScope4]
    key: str
    value: Any
    ttlMs: NotRequired[int]
    keep: NotRequired[bool]


class ItemsRememberBody(TypedDict):
    items: list[ItemsRememberBodyItemsItem | ItemsRememberBodyItemsItem2 | ItemsRememberBodyItemsItem3 | ItemsRememberBodyItemsItem4]
    atomic: NotRequired[bool]


class ItemsRememberAnswerResultsItemProblem(TypedDict):
    code: str
    detail: str
    status: int
    retryable: bool
    errors: NotRequired[Any]


class ItemsRememberAnswerResultsItem(TypedDict):
    index: int
    kind: Literal["fact", "episode", "procedure", "working"]
    id: NotRequired[str]
    outcome: Literal["stored", "touched", "replaced", "disputed", "refused"]
    version: NotRequired[int]
    replacedIds: list[str]
    warnings: list[str]
    problem: NotRequired[ItemsRememberAnswerResultsItemProblem]


class ItemsRememberAnswer(TypedDict):
    results: list[ItemsRememberAnswerResultsItem]
    durability: Literal["durable"]


ItemsRecallBody = TypedDict(
    "ItemsRecallBody",
    {
        "query": "str",
        "kinds": "NotRequired[list[Literal[\"fact\", \"episode\", \"procedure\"]]]",
        "scopes": "NotRequired[list[FactScope | FactScope2 | FactScope3 | FactScope4]]",
        "collections": "NotRequired[list[str]]",
        "tags": "NotRequired[list[str]]",
        "agentId": "NotRequired[str]",
        "sessionId": "NotRequired[str]",
        "planId": "NotRequired[str]",
        "from": "NotRequired[str]",
        "to": "NotRequired[str]",
        "asOf": "NotRequired[str]",
        "validAt": "NotRequired[str]",
        "minRelevance": "NotRequired[float]",
        "minTrust": "NotRequired[Literal[\"untrusted\", \"low\", \"normal\", \"trusted\", \"verified\"]]",
        "limit": "NotRequired[int]",
    },
)


class ItemsRecallAnswerHitsItemParts(TypedDict):
    lexical: float
    salience: float
    confidence: float
    recency: float


class ItemsRecallAnswerHitsItemRanks(TypedDict):
    lexical: NotRequired[int]


class ItemsRecallAnswerHitsItem(TypedDict):
    item: Fact | Episode | Procedure
    score: float
    relevance: float
    parts: ItemsRecallAnswerHitsItemParts
    ranks: ItemsRecallAnswerHitsItemRanks
    layer: Literal["episodic", "semantic", "procedural"]
    excerpt: str


ItemsRecallAnswerUnderstoodCorrectedItem = TypedDict(
    "ItemsRecallAnswerUnderstoodCorrectedItem",
    {
        "from": "str",
        "to": "str",
    },
)


class ItemsRecallAnswerUnderstood(TypedDict):
    terms: list[str]
    corrected: list[ItemsRecallAnswerUnderstoodCorrectedItem]


class ItemsRecallAnswer(TypedDict):
    hits: list[ItemsRecallAnswerHitsItem]
    degraded: list[str]
    isStale: bool
    understood: ItemsRecallAnswerUnderstood
    tookMs: int


class ItemsListAnswer(TypedDict):
    items: list[Fact | Episode | Procedure]
    nextCursor: str | None


class ItemsForgetBodySelectSubject(TypedDict):
    userId: str
    spaceId: NotRequired[str]


class ItemsForgetBodySelectEveryone(TypedDict):
    spaceId: NotRequired[str]


class ItemsForgetBodySelect(TypedDict):
    itemIds: NotRequired[list[str]]
    subject: NotRequired[ItemsForgetBodySelectSubject]
    everyone: NotRequired[ItemsForgetBodySelectEveryone]
    sessionId: NotRequired[str]
    planId: NotRequired[str]
    sourceRef: NotRequired[str]


class ItemsForgetBody(TypedDict):
    select: ItemsForgetBodySelect
    dryRun: NotRequired[bool]
    reason: NotRequired[str]


class ItemsForgetAnswer(TypedDict):
    dryRun: bool
    counts: dict[str, int]
    itemIds: list[str]


ItemsRetrieveBody = TypedDict(
    "ItemsRetrieveBody",
    {
        "query": "str",
        "kinds": "NotRequired[list[Literal[\"fact\", \"episode\", \"procedure\"]]]",
        "scopes": "NotRequired[list[FactScope | FactScope2 | FactScope3 | FactScope4]]",
        "collections": "NotRequired[list[str]]",
        "tags": "NotRequired[list[str]]",
        "agentId": "NotRequired[str]",
        "sessionId": "NotRequired[str]",
        "planId": "NotRequired[str]",
        "from": "NotRequired[str]",
        "to": "NotRequired[str]",
        "asOf": "NotRequired[str]",
        "validAt": "NotRequired[str]",
        "minRelevance": "NotRequired[float]",
        "minTrust": "NotRequired[Literal[\"untrusted\", \"low\", \"normal\", \"trusted\", \"verified\"]]",
        "limit": "NotRequired[int]",
        "budgetTokens": "NotRequired[int]",
    },
)


class ItemsRetrieveAnswerPassagesItem(TypedDict):
    n: int
    text: str
    tokens: int
    score: float
    itemIds: list[str]
    source: NotRequired[FactSource]
    trust: Literal["untrusted", "low", "normal", "trusted", "verified"]
    validFrom: str
    validTo: NotRequired[str]


class ItemsRetrieveAnswer(TypedDict):
    passages: list[ItemsRetrieveAnswerPassagesItem]
    answerable: bool
    bestRelevance: float
    degraded: list[str]


class ContextBuildBodySectionsItem(TypedDict):
    kind: Literal["procedures", "summary", "facts", "episodes", "working"]
    share: NotRequired[float]


class ContextBuildBody(TypedDict):
    budgetTokens: int
    query: NotRequired[str]
    agentId: NotRequired[str]
    sessionId: NotRequired[str]
    planId: NotRequired[str]
    sections: NotRequired[list[ContextBuildBodySectionsItem]]
    minTrust: NotRequired[Literal["untrusted", "low", "normal", "trusted", "verified"]]


class ContextBuildAnswerBlocksItem(TypedDict):
    kind: Literal["procedures", "summary", "facts", "episodes", "working"]
    text: str
    tokens: int
    itemIds: list[str]


class ContextBuildAnswerCitationsItem(TypedDict):
    n: int
    itemId: NotRequired[str]
    workingKey: NotRequired[str]
    trust: NotRequired[Literal["untrusted", "low", "normal", "trusted", "verified"]]


class ContextBuildAnswerDroppedItem(TypedDict):
    itemId: str
    why: Literal["budget", "cut", "duplicate"]


class ContextBuildAnswer(TypedDict):
    blocks: list[ContextBuildAnswerBlocksItem]
    text: str
    tokens: int
    stableTokens: int
    citations: list[ContextBuildAnswerCitationsItem]
    dropped: list[ContextBuildAnswerDroppedItem]
    minTrust: NotRequired[Literal["untrusted", "low", "normal", "trusted", "verified"]]
    degraded: list[str]


class FactsCreateBody(TypedDict):
    scope: NotRequired[FactScope | FactScope2 | FactScope3 | FactScope4]
    tags: NotRequired[list[str]]
    metadata: NotRequired[dict[str, Any]]
    importance: NotRequired[float]
    source: NotRequired[ItemsRememberBodyItemsItemSource]
    expiresAt: NotRequired[str]
    language: NotRequired[str]
    content: str
    form: NotRequired[Literal["statement", "passage", "summary"]]
    collection: NotRequired[str]
    externalId: NotRequired[str]
    subject: NotRequired[str]
    predicate: NotRequired[str]
    exclusive: NotRequired[bool]
    confidence: NotRequired[float]
    validFrom: NotRequired[str]
    validTo: NotRequired[str]
    corrects: NotRequired[bool]


class FactsListAnswer(TypedDict):
    items: list[Fact]
    nextCursor: str | None


class FactsUpdateBody(TypedDict):
    content: NotRequired[str]
    tags: NotRequired[list[str]]
    metadata: NotRequired[dict[str, Any]]
    importance: NotRequired[float]
    confidence: NotRequired[float]
    validTo: NotRequired[str]
    expiresAt: NotRequired[str]


class EpisodesCreateBody(TypedDict):
    scope: NotRequired[FactScope | FactScope2 | FactScope3 | FactScope4]
    tags: NotRequired[list[str]]
    metadata: NotRequired[dict[str, Any]]
    importance: NotRequired[float]
    source: NotRequired[ItemsRememberBodyItemsItemSource]
    expiresAt: NotRequired[str]
    language: NotRequired[str]
    agentId: str
    sessionId: NotRequired[str]
    planId: NotRequired[str]
    taskId: NotRequired[str]
    role: Literal["user", "assistant", "system", "tool", "event", "summary"]
    content: str
    occurredAt: NotRequired[str]


class EpisodesListAnswer(TypedDict):
    items: list[Episode]
    nextCursor: str | None


class EpisodesWindowAnswer(TypedDict):
    items: list[Episode]


class ProceduresCreateBody(TypedDict):
    scope: NotRequired[FactScope | FactScope2 | FactScope3 | FactScope4]
    tags: NotRequired[list[str]]
    metadata: NotRequired[dict[str, Any]]
    importance: NotRequired[float]
    source: NotRequired[ItemsRememberBodyItemsItemSource]
    expiresAt: NotRequired[str]
    language: NotRequired[str]
    agentId: str
    name: str
    type: Literal["system-prompt", "few-shot", "rule", "skill"]
    trigger: str
    content: str
    parameters: NotRequired[dict[str, Any]]
    trialShare: NotRequired[float]


class ProceduresListAnswer(TypedDict):
    items: list[Procedure]
    nextCursor: str | None


class ProceduresSelectBody(TypedDict):
    agentId: str
    context: str
    types: NotRequired[list[Literal["system-prompt", "few-shot", "rule", "skill"]]]
    limit: NotRequired[int]
    planId: NotRequired[str]
    taskId: NotRequired[str]


class ProceduresSelectAnswerProceduresItem(TypedDict):
    procedure: Procedure
    score: float
    relevance: float
    why: Literal["rule", "ranked"]
    isTrial: bool


class ProceduresSelectAnswer(TypedDict):
    procedures: list[ProceduresSelectAnswerProceduresItem]


class FeedbackCreateBody(TypedDict):
    itemIds: list[str]
    outcome: Literal["useful", "useless", "wrong"]
    planId: NotRequired[str]


class WorkingListAnswer(TypedDict):
    items: list[Working]
    nextCursor: str | None


class WorkingClearAnswer(TypedDict):
    deleted: int


class WorkingPutBody(TypedDict):
    value: Any
    ttlMs: NotRequired[int]
    keep: NotRequired[bool]


class WorkingApplyBody(TypedDict):
    op: Literal["increment"]
    by: NotRequired[float]
    ttlMs: NotRequired[int]


class WorkingApplyBody2(TypedDict):
    op: Literal["append"]
    value: Any
    maxItems: NotRequired[int]
    ttlMs: NotRequired[int]


class WorkingApplyBody3(TypedDict):
    op: Literal["merge"]
    patch: Any
    ttlMs: NotRequired[int]


class WorkingApplyBody4(TypedDict):
    op: Literal["remove"]
    value: Any
    ttlMs: NotRequired[int]


class LinksCreateBody(TypedDict):
    fromId: str
    relation: str
    toId: str
    strength: NotRequired[float]
    properties: NotRequired[dict[str, Any]]
    planId: NotRequired[str]


class LinksListAnswer(TypedDict):
    items: list[Link]
    nextCursor: str | None


class LinksExpandBody(TypedDict):
    startIds: list[str]
    hops: NotRequired[int]
    relations: NotRequired[list[str]]
    planId: NotRequired[str]
    limit: NotRequired[int]


class LinksExpandAnswerNodesItem(TypedDict):
    item: Fact | Episode | Procedure
    path: list[str]
    score: float
    hops: int


class LinksExpandAnswer(TypedDict):
    nodes: list[LinksExpandAnswerNodesItem]


class ItemsOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def remember(
        self,
        *,
        body: ItemsRememberBody,
        idempotency_key: str | None = None,
    ) -> ItemsRememberAnswer:
        """Stores facts, episodes, drafts of procedures and working items. What was stored already is touched, a new value replaces the old one of its key.

        Problems of its own: memory-key-taken, memory-scope-closed, quota-exceeded.
        """
        answer = await self._transport.call(Request(
            "POST",
            "/v1/memory/remember",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(ItemsRememberAnswer, answer)

    async def recall(
        self,
        *,
        body: ItemsRecallBody,
        idempotency_key: str | None = None,
    ) -> ItemsRecallAnswer:
        """Finds items by words among all that the caller may read, best first, each with the parts of its score."""
        answer = await self._transport.call(Request(
            "POST",
            "/v1/memory/recall",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(ItemsRecallAnswer, answer)

    async def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        kind: Literal["fact", "episode", "procedure"] | None = None,
        scope: Literal["user", "space", "tenant", "plan"] | None = None,
        plan_id: str | None = None,
        status: Literal["live", "superseded", "disputed"] | None = None,
        agent_id: str | None = None,
        session_id: str | None = None,
        tag: str | None = None,
        source_ref: str | None = None,
        from_: str | None = None,
        to: str | None = None,
    ) -> ItemsListAnswer:
        """Facts, episodes and procedures that the caller may read, newest first."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/memory/items",
            query={
                "limit": limit,
                "cursor": cursor,
                "kind": kind,
                "scope": scope,
                "planId": plan_id,
                "status": status,
                "agentId": agent_id,
                "sessionId": session_id,
                "tag": tag,
                "sourceRef": source_ref,
                "from": from_,
                "to": to,
            },
        ))
        return cast(ItemsListAnswer, answer)

    async def list_all(
        self,
        *,
        limit: int | None = None,
        kind: Literal["fact", "episode", "procedure"] | None = None,
        scope: Literal["user", "space", "tenant", "plan"] | None = None,
        plan_id: str | None = None,
        status: Literal["live", "superseded", "disputed"] | None = None,
        agent_id: str | None = None,
        session_id: str | None = None,
        tag: str | None = None,
        source_ref: str | None = None,
        from_: str | None = None,
        to: str | None = None,
    ) -> AsyncIterator[Fact | Episode | Procedure]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(limit=limit, kind=kind, scope=scope, plan_id=plan_id, status=status, agent_id=agent_id, session_id=session_id, tag=tag, source_ref=source_ref, from_=from_, to=to, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    async def get(
        self,
        item_id: str,
        *,
        plan_id: str | None = None,
    ) -> Fact | Episode | Procedure:
        """One fact, episode or procedure."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/memory/items/{in_path(item_id)}",
            query={
                "planId": plan_id,
            },
        ))
        return cast("Fact | Episode | Procedure", answer)

    async def history(
        self,
        item_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        plan_id: str | None = None,
    ) -> ItemsListAnswer:
        """All values that the key of a fact had, newest first, each with both clocks; of another item itself alone."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/memory/items/{in_path(item_id)}/history",
            query={
                "limit": limit,
                "cursor": cursor,
                "planId": plan_id,
            },
        ))
        return cast(ItemsListAnswer, answer)

    async def history_all(
        self,
        item_id: str,
        *,
        limit: int | None = None,
        plan_id: str | None = None,
    ) -> AsyncIterator[Fact | Episode | Procedure]:
        """Every item of `history`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.history(item_id, limit=limit, plan_id=plan_id, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    async def forget(
        self,
        *,
        body: ItemsForgetBody,
        idempotency_key: str | None = None,
    ) -> ItemsForgetAnswer:
        """Erases items with their words and links: named ones, a person's, those of a session, plan or source. What others own needs memory:manage."""
        answer = await self._transport.call(Request(
            "POST",
            "/v1/memory/forget",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(ItemsForgetAnswer, answer)

    async def retrieve(
        self,
        *,
        body: ItemsRetrieveBody,
        idempotency_key: str | None = None,
    ) -> ItemsRetrieveAnswer:
        """Passages for an answer: neighbours joined, near duplicates dropped, numbered and cited, never over the budget; and whether they answer at all."""
        answer = await self._transport.call(Request(
            "POST",
            "/v1/memory/retrieve",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(ItemsRetrieveAnswer, answer)


class ContextOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def build(
        self,
        *,
        body: ContextBuildBody,
        idempotency_key: str | None = None,
    ) -> ContextBuildAnswer:
        """What a model should know for its next step, cited and fenced, never over the budget."""
        answer = await self._transport.call(Request(
            "POST",
            "/v1/memory/context",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(ContextBuildAnswer, answer)


class FactsOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self,
        *,
        body: FactsCreateBody,
        idempotency_key: str | None = None,
    ) -> Fact2:
        """Stores one fact; what was stored already is touched.

        Problems of its own: memory-key-taken, memory-scope-closed, quota-exceeded.
        """
        answer = await self._transport.call(Request(
            "POST",
            "/v1/memory/facts",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Fact2, answer)

    async def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        plan_id: str | None = None,
        scope: Literal["user", "space", "tenant", "plan"] | None = None,
        collection: str | None = None,
        status: Literal["live", "superseded", "disputed"] | None = None,
        external_id: str | None = None,
        subject: str | None = None,
        predicate: str | None = None,
        tag: str | None = None,
        from_: str | None = None,
        to: str | None = None,
    ) -> FactsListAnswer:
        """Facts that the caller may read, newest first."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/memory/facts",
            query={
                "limit": limit,
                "cursor": cursor,
                "planId": plan_id,
                "scope": scope,
                "collection": collection,
                "status": status,
                "externalId": external_id,
                "subject": subject,
                "predicate": predicate,
                "tag": tag,
                "from": from_,
                "to": to,
            },
        ))
        return cast(FactsListAnswer, answer)

    async def list_all(
        self,
        *,
        limit: int | None = None,
        plan_id: str | None = None,
        scope: Literal["user", "space", "tenant", "plan"] | None = None,
        collection: str | None = None,
        status: Literal["live", "superseded", "disputed"] | None = None,
        external_id: str | None = None,
        subject: str | None = None,
        predicate: str | None = None,
        tag: str | None = None,
        from_: str | None = None,
        to: str | None = None,
    ) -> AsyncIterator[Fact]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(limit=limit, plan_id=plan_id, scope=scope, collection=collection, status=status, external_id=external_id, subject=subject, predicate=predicate, tag=tag, from_=from_, to=to, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    async def get(
        self,
        fact_id: str,
        *,
        plan_id: str | None = None,
    ) -> Fact:
        """One fact."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/memory/facts/{in_path(fact_id)}",
            query={
                "planId": plan_id,
            },
        ))
        return cast(Fact, answer)

    async def update(
        self,
        fact_id: str,
        *,
        body: FactsUpdateBody,
        if_match: int | str,
        plan_id: str | None = None,
    ) -> Fact2:
        """Changes a fact in place; new content makes a new fact that supersedes it.

        Problems of its own: memory-key-taken, memory-scope-closed, quota-exceeded.
        """
        answer = await self._transport.call(Request(
            "PATCH",
            f"/v1/memory/facts/{in_path(fact_id)}",
            query={
                "planId": plan_id,
            },
            headers={
                "if-match": if_match,
            },
            body=body,
        ))
        return cast(Fact2, answer)

    async def delete(
        self,
        fact_id: str,
        *,
        if_match: int | str,
        plan_id: str | None = None,
    ) -> None:
        """Erases a fact with its words and links."""
        await self._transport.call(Request(
            "DELETE",
            f"/v1/memory/facts/{in_path(fact_id)}",
            query={
                "planId": plan_id,
            },
            headers={
                "if-match": if_match,
            },
        ))


class EpisodesOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self,
        *,
        body: EpisodesCreateBody,
        idempotency_key: str | None = None,
    ) -> Episode:
        """Records what happened; the same source recorded twice is one episode.

        Problems of its own: memory-key-taken, memory-scope-closed, quota-exceeded.
        """
        answer = await self._transport.call(Request(
            "POST",
            "/v1/memory/episodes",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Episode, answer)

    async def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        agent_id: str | None = None,
        session_id: str | None = None,
        plan_id: str | None = None,
        role: Literal["user", "assistant", "system", "tool", "event", "summary"] | None = None,
        from_: str | None = None,
        to: str | None = None,
        order: Literal["newest", "oldest"] | None = None,
    ) -> EpisodesListAnswer:
        """Episodes that the caller may read, newest first: of an agent, session or plan, or of a time."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/memory/episodes",
            query={
                "limit": limit,
                "cursor": cursor,
                "agentId": agent_id,
                "sessionId": session_id,
                "planId": plan_id,
                "role": role,
                "from": from_,
                "to": to,
                "order": order,
            },
        ))
        return cast(EpisodesListAnswer, answer)

    async def list_all(
        self,
        *,
        limit: int | None = None,
        agent_id: str | None = None,
        session_id: str | None = None,
        plan_id: str | None = None,
        role: Literal["user", "assistant", "system", "tool", "event", "summary"] | None = None,
        from_: str | None = None,
        to: str | None = None,
        order: Literal["newest", "oldest"] | None = None,
    ) -> AsyncIterator[Episode]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(limit=limit, agent_id=agent_id, session_id=session_id, plan_id=plan_id, role=role, from_=from_, to=to, order=order, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    async def get(
        self,
        episode_id: str,
        *,
        plan_id: str | None = None,
    ) -> Episode:
        """One episode."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/memory/episodes/{in_path(episode_id)}",
            query={
                "planId": plan_id,
            },
        ))
        return cast(Episode, answer)

    async def window(
        self,
        episode_id: str,
        *,
        plan_id: str | None = None,
        before: int | None = None,
        after: int | None = None,
    ) -> EpisodesWindowAnswer:
        """An episode with its neighbours of the same scope, agent and session, in the order they happened."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/memory/episodes/{in_path(episode_id)}/window",
            query={
                "planId": plan_id,
                "before": before,
                "after": after,
            },
        ))
        return cast(EpisodesWindowAnswer, answer)


class ProceduresOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self,
        *,
        body: ProceduresCreateBody,
        idempotency_key: str | None = None,
    ) -> Procedure:
        """Drafts a version of a procedure. The same as the newest version is touched.

        Problems of its own: memory-key-taken, memory-scope-closed, quota-exceeded.
        """
        answer = await self._transport.call(Request(
            "POST",
            "/v1/memory/procedures",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Procedure, answer)

    async def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        plan_id: str | None = None,
        scope: Literal["user", "space", "tenant", "plan"] | None = None,
        agent_id: str | None = None,
        name: str | None = None,
        type: Literal["system-prompt", "few-shot", "rule", "skill"] | None = None,
        status: Literal["draft", "active", "retired"] | None = None,
        tag: str | None = None,
    ) -> ProceduresListAnswer:
        """Versions of procedures that the caller may read, newest first."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/memory/procedures",
            query={
                "limit": limit,
                "cursor": cursor,
                "planId": plan_id,
                "scope": scope,
                "agentId": agent_id,
                "name": name,
                "type": type,
                "status": status,
                "tag": tag,
            },
        ))
        return cast(ProceduresListAnswer, answer)

    async def list_all(
        self,
        *,
        limit: int | None = None,
        plan_id: str | None = None,
        scope: Literal["user", "space", "tenant", "plan"] | None = None,
        agent_id: str | None = None,
        name: str | None = None,
        type: Literal["system-prompt", "few-shot", "rule", "skill"] | None = None,
        status: Literal["draft", "active", "retired"] | None = None,
        tag: str | None = None,
    ) -> AsyncIterator[Procedure]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(limit=limit, plan_id=plan_id, scope=scope, agent_id=agent_id, name=name, type=type, status=status, tag=tag, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    async def get(
        self,
        procedure_id: str,
        *,
        plan_id: str | None = None,
    ) -> Procedure:
        """One version of a procedure."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/memory/procedures/{in_path(procedure_id)}",
            query={
                "planId": plan_id,
            },
        ))
        return cast(Procedure, answer)

    async def activate(
        self,
        procedure_id: str,
        *,
        plan_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Procedure:
        """Lets a version be used, in place of the active one. A retired version again: rolls back.

        Problems of its own: memory-key-taken, memory-scope-closed.
        """
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/memory/procedures/{in_path(procedure_id)}/activate",
            query={
                "planId": plan_id,
            },
            headers={
                "idempotency-key": idempotency_key,
            },
        ))
        return cast(Procedure, answer)

    async def retire(
        self,
        procedure_id: str,
        *,
        plan_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Procedure:
        """Lets a version be used no more; of a draft: refuses it and ends its trial.

        Problems of its own: memory-key-taken, memory-scope-closed.
        """
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/memory/procedures/{in_path(procedure_id)}/retire",
            query={
                "planId": plan_id,
            },
            headers={
                "idempotency-key": idempotency_key,
            },
        ))
        return cast(Procedure, answer)

    async def select(
        self,
        *,
        body: ProceduresSelectBody,
        idempotency_key: str | None = None,
    ) -> ProceduresSelectAnswer:
        """Active procedures of an agent for what it is about to do: rules by tag, at most 100, then the best by words."""
        answer = await self._transport.call(Request(
            "POST",
            "/v1/memory/procedures/select",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(ProceduresSelectAnswer, answer)


class FeedbackOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self,
        *,
        body: FeedbackCreateBody,
        idempotency_key: str | None = None,
    ) -> None:
        """Counts a use of each of these procedures, and a win where it was useful."""
        await self._transport.call(Request(
            "POST",
            "/v1/memory/feedback",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))


class WorkingOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self,
        scope_type: Literal["plan", "user"],
        scope_id: str | Literal["me"],
        *,
        limit: int | None = None,
        cursor: str | None = None,
        prefix: str | None = None,
    ) -> WorkingListAnswer:
        """The working items of a scope, by key."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/memory/working/{in_path(scope_type)}/{in_path(scope_id)}",
            query={
                "limit": limit,
                "cursor": cursor,
                "prefix": prefix,
            },
        ))
        return cast(WorkingListAnswer, answer)

    async def list_all(
        self,
        scope_type: Literal["plan", "user"],
        scope_id: str | Literal["me"],
        *,
        limit: int | None = None,
        prefix: str | None = None,
    ) -> AsyncIterator[Working]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(scope_type, scope_id, limit=limit, prefix=prefix, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    async def clear(
        self,
        scope_type: Literal["plan", "user"],
        scope_id: str | Literal["me"],
    ) -> WorkingClearAnswer:
        """Deletes all working items of a scope.

        Problems of its own: memory-scope-closed, quota-exceeded.
        """
        answer = await self._transport.call(Request(
            "DELETE",
            f"/v1/memory/working/{in_path(scope_type)}/{in_path(scope_id)}",
        ))
        return cast(WorkingClearAnswer, answer)

    async def get(
        self,
        scope_type: Literal["plan", "user"],
        scope_id: str | Literal["me"],
        key: str,
    ) -> Working:
        """One working item."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/memory/working/{in_path(scope_type)}/{in_path(scope_id)}/{in_path(key)}",
        ))
        return cast(Working, answer)

    async def put(
        self,
        scope_type: Literal["plan", "user"],
        scope_id: str | Literal["me"],
        key: str,
        *,
        body: WorkingPutBody,
        if_match: int | str | None = None,
    ) -> Working:
        """Stores a value. With If-Match only over that version, "0" where nothing is; without it the last write wins.

        Problems of its own: memory-scope-closed, quota-exceeded.
        """
        answer = await self._transport.call(Request(
            "PUT",
            f"/v1/memory/working/{in_path(scope_type)}/{in_path(scope_id)}/{in_path(key)}",
            headers={
                "if-match": if_match,
            },
            body=body,
        ))
        return cast(Working, answer)

    async def delete(
        self,
        scope_type: Literal["plan", "user"],
        scope_id: str | Literal["me"],
        key: str,
        *,
        if_match: int | str | None = None,
    ) -> None:
        """Deletes a working item; with If-Match only that version.

        Problems of its own: memory-scope-closed, quota-exceeded.
        """
        await self._transport.call(Request(
            "DELETE",
            f"/v1/memory/working/{in_path(scope_type)}/{in_path(scope_id)}/{in_path(key)}",
            headers={
                "if-match": if_match,
            },
        ))

    async def apply(
        self,
        scope_type: Literal["plan", "user"],
        scope_id: str | Literal["me"],
        key: str,
        *,
        body: WorkingApplyBody | WorkingApplyBody2 | WorkingApplyBody3 | WorkingApplyBody4,
        idempotency_key: str | None = None,
    ) -> Working:
        """Changes a value in one step, however many do so at once: adds to a number or list, merges an object, removes from a list.

        Problems of its own: memory-scope-closed, quota-exceeded.
        """
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/memory/working/{in_path(scope_type)}/{in_path(scope_id)}/{in_path(key)}/apply",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Working, answer)


class LinksOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self,
        *,
        body: LinksCreateBody,
        idempotency_key: str | None = None,
    ) -> Link:
        """Links two items. The same link again is reinforced, or set to the strength that is given.

        Problems of its own: memory-scope-closed.
        """
        answer = await self._transport.call(Request(
            "POST",
            "/v1/memory/links",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Link, answer)

    async def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        from_id: str | None = None,
        to_id: str | None = None,
        relation: str | None = None,
        plan_id: str | None = None,
    ) -> LinksListAnswer:
        """Links whose ends the caller may read both, newest first."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/memory/links",
            query={
                "limit": limit,
                "cursor": cursor,
                "fromId": from_id,
                "toId": to_id,
                "relation": relation,
                "planId": plan_id,
            },
        ))
        return cast(LinksListAnswer, answer)

    async def list_all(
        self,
        *,
        limit: int | None = None,
        from_id: str | None = None,
        to_id: str | None = None,
        relation: str | None = None,
        plan_id: str | None = None,
    ) -> AsyncIterator[Link]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(limit=limit, from_id=from_id, to_id=to_id, relation=relation, plan_id=plan_id, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    async def delete(
        self,
        link_id: str,
        *,
        plan_id: str | None = None,
    ) -> None:
        """Deletes a link."""
        await self._transport.call(Request(
            "DELETE",
            f"/v1/memory/links/{in_path(link_id)}",
            query={
                "planId": plan_id,
            },
        ))

    async def expand(
        self,
        *,
        body: LinksExpandBody,
        idempotency_key: str | None = None,
    ) -> LinksExpandAnswer:
        """Walks links from items, the strongest first, halving the score a hop; nothing is seen or passed that the caller may not read."""
        answer = await self._transport.call(Request(
            "POST",
            "/v1/memory/expand",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(LinksExpandAnswer, answer)


class UsageOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get(
        self,
    ) -> Usage:
        """How much memory the scopes of the caller hold, by kind, with the limits."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/memory/usage",
        ))
        return cast(Usage, answer)


class MemoryClient:
    """Every operation of `memory`."""

    def __init__(self, transport: Transport) -> None:
        self.items = ItemsOperations(transport)
        self.context = ContextOperations(transport)
        self.facts = FactsOperations(transport)
        self.episodes = EpisodesOperations(transport)
        self.procedures = ProceduresOperations(transport)
        self.feedback = FeedbackOperations(transport)
        self.working = WorkingOperations(transport)
        self.links = LinksOperations(transport)
        self.usage = UsageOperations(transport)
