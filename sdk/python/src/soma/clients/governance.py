"""Operations of `governance`.

Generated from the OpenAPI document by `npm run docs`; do not edit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal, NotRequired, TypedDict, cast

from soma.clients.transport import ControlFrame, Frames, Request, Transport, in_path


class GateSubjectResource(TypedDict):
    type: str
    id: str


class GateSubject(TypedDict):
    planId: NotRequired[str]
    taskId: NotRequired[str]
    executionId: NotRequired[str]
    sessionId: NotRequired[str]
    action: NotRequired[str]
    resource: NotRequired[GateSubjectResource]


class GateRequirementsItemDecidersItem(TypedDict):
    role: str


class GateRequirementsItemDecidersItem2(TypedDict):
    principal: str


class GateRequirementsItem(TypedDict):
    deciders: list[GateRequirementsItemDecidersItem | GateRequirementsItemDecidersItem2]
    quorum: int
    humans: int
    excludeRequester: bool


class GateEvidenceItem(TypedDict):
    label: str
    text: NotRequired[str]
    link: NotRequired[str]
    data: NotRequired[Any]
    untrusted: bool


class GateEscalationItem(TypedDict):
    deciders: list[GateRequirementsItemDecidersItem | GateRequirementsItemDecidersItem2]
    dueInMs: int


class GateVotesItem(TypedDict):
    principalId: str
    decision: Literal["approve", "reject", "revise", "abstain"]
    reason: str
    payloadHash: str
    round: int
    at: str
    edits: NotRequired[Any]


class GateCommentsItem(TypedDict):
    principalId: str
    text: str
    at: str


class Gate(TypedDict):
    gateId: str
    kind: Literal["review", "policy", "budget", "input", "effect", "break-glass", "change"]
    title: str
    status: Literal["open", "approved", "rejected", "revise", "expired", "cancelled"]
    outcome: Literal["approved", "rejected", "revise", "expired", "cancelled"] | None
    subject: GateSubject
    requirements: list[GateRequirementsItem]
    rejectPolicy: Literal["any", "majority"]
    payload: Any
    payloadHash: str
    edited: bool
    editSchema: dict[str, Any] | None
    evidence: list[GateEvidenceItem]
    requesterId: str
    round: int
    maxRevisions: int
    instructions: str | None
    openedAt: str
    dueAt: str
    timeLeftMs: int
    onExpire: Literal["deny", "escalate"]
    escalation: list[GateEscalationItem]
    escalated: int
    decidedAt: str | None
    decidedBy: list[str]
    votes: list[GateVotesItem]
    comments: list[GateCommentsItem]


class GatesOpenBodyRequirementsItem(TypedDict):
    deciders: NotRequired[list[GateRequirementsItemDecidersItem | GateRequirementsItemDecidersItem2]]
    quorum: NotRequired[int]
    humans: NotRequired[int]
    excludeRequester: NotRequired[bool]


class GatesOpenBodyEvidenceItem(TypedDict):
    label: str
    text: NotRequired[str]
    link: NotRequired[str]
    data: NotRequired[Any]
    untrusted: NotRequired[bool]


class GatesOpenBody(TypedDict):
    gateId: NotRequired[str]
    kind: Literal["review", "policy", "budget", "input", "effect", "break-glass", "change"]
    title: str
    subject: NotRequired[GateSubject]
    payload: Any
    editSchema: NotRequired[dict[str, Any]]
    requirements: NotRequired[list[GatesOpenBodyRequirementsItem]]
    rejectPolicy: NotRequired[Literal["any", "majority"]]
    dueAt: NotRequired[str]
    onExpire: NotRequired[Literal["deny", "escalate"]]
    escalation: NotRequired[list[GateEscalationItem]]
    maxRevisions: NotRequired[int]
    evidence: NotRequired[list[GatesOpenBodyEvidenceItem]]


class GatesListAnswer(TypedDict):
    items: list[Gate]
    nextCursor: str | None


class GatesStreamGateFrame(TypedDict):
    event: Literal["gate"]
    data: Gate
    id: NotRequired[str]


class GatesDecideBody(TypedDict):
    decision: Literal["approve", "reject", "revise", "abstain"]
    payloadHash: str
    reason: NotRequired[str]
    edits: NotRequired[Any]
    instructions: NotRequired[str]


class GatesDecideManyBodyVotesItem(TypedDict):
    decision: Literal["approve", "reject", "revise", "abstain"]
    payloadHash: str
    reason: NotRequired[str]
    edits: NotRequired[Any]
    instructions: NotRequired[str]
    gateId: str


class GatesDecideManyBody(TypedDict):
    votes: list[GatesDecideManyBodyVotesItem]


class GatesDecideManyAnswerResultsItem(TypedDict):
    gateId: str
    gate: Gate


class GatesDecideManyAnswerResultsItemProblem(TypedDict):
    code: str
    detail: str
    status: int


class GatesDecideManyAnswerResultsItem2(TypedDict):
    gateId: str
    problem: GatesDecideManyAnswerResultsItemProblem


class GatesDecideManyAnswer(TypedDict):
    results: list[GatesDecideManyAnswerResultsItem | GatesDecideManyAnswerResultsItem2]


class GatesCommentBody(TypedDict):
    text: str


class GatesCancelBody(TypedDict):
    reason: NotRequired[str]


class GatesOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def open(
        self,
        *,
        body: GatesOpenBody,
        idempotency_key: str | None = None,
    ) -> Gate:
        """Opens a gate: a durable wait for a decision."""
        answer = await self._transport.call(Request(
            "POST",
            "/v1/governance/gates",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Gate, answer)

    async def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        mine: str | None = None,
        status: Literal["open", "approved", "rejected", "revise", "expired", "cancelled"] | None = None,
        kind: Literal["review", "policy", "budget", "input", "effect", "break-glass", "change"] | None = None,
        plan_id: str | None = None,
    ) -> GatesListAnswer:
        """Lists gates, newest first."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/governance/gates",
            query={
                "limit": limit,
                "cursor": cursor,
                "mine": mine,
                "status": status,
                "kind": kind,
                "planId": plan_id,
            },
        ))
        return cast(GatesListAnswer, answer)

    async def list_all(
        self,
        *,
        limit: int | None = None,
        mine: str | None = None,
        status: Literal["open", "approved", "rejected", "revise", "expired", "cancelled"] | None = None,
        kind: Literal["review", "policy", "budget", "input", "effect", "break-glass", "change"] | None = None,
        plan_id: str | None = None,
    ) -> AsyncIterator[Gate]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(limit=limit, mine=mine, status=status, kind=kind, plan_id=plan_id, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    async def stream(
        self,
        *,
        plan_id: str | None = None,
        last_event_id: str | None = None,
    ) -> Frames[GatesStreamGateFrame | ControlFrame]:
        """Streams gates as they are opened, voted on and decided: each frame is the whole gate."""
        return Frames(await self._transport.open(Request(
            "GET",
            "/v1/governance/gates/stream",
            query={
                "planId": plan_id,
            },
            headers={
                "last-event-id": last_event_id,
            },
        )))

    async def get(
        self,
        gate_id: str,
    ) -> Gate:
        """Reads a gate with its votes and the time left."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/governance/gates/{in_path(gate_id)}",
        ))
        return cast(Gate, answer)

    async def decide(
        self,
        gate_id: str,
        *,
        body: GatesDecideBody,
        idempotency_key: str | None = None,
    ) -> Gate:
        """Votes at a gate. A decider may change a vote until the gate is decided.

        Problems of its own: not-a-decider, payload-changed, gate-closed.
        """
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/governance/gates/{in_path(gate_id)}/decide",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Gate, answer)

    async def decide_many(
        self,
        *,
        body: GatesDecideManyBody,
        idempotency_key: str | None = None,
    ) -> GatesDecideManyAnswer:
        """Votes at many gates, each on its own: one that fails stops no other.

        Problems of its own: not-a-decider, payload-changed, gate-closed.
        """
        answer = await self._transport.call(Request(
            "POST",
            "/v1/governance/gates/decide",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(GatesDecideManyAnswer, answer)

    async def comment(
        self,
        gate_id: str,
        *,
        body: GatesCommentBody,
        idempotency_key: str | None = None,
    ) -> Gate:
        """Adds a comment for the other deciders.

        Problems of its own: gate-closed.
        """
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/governance/gates/{in_path(gate_id)}/comment",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Gate, answer)

    async def cancel(
        self,
        gate_id: str,
        *,
        body: GatesCancelBody,
        idempotency_key: str | None = None,
    ) -> Gate:
        """Closes an open gate without a decision.

        Problems of its own: gate-closed.
        """
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/governance/gates/{in_path(gate_id)}/cancel",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Gate, answer)


class GovernanceClient:
    """Every operation of `governance`."""

    def __init__(self, transport: Transport) -> None:
        self.gates = GatesOperations(transport)
