"""Operations of `tracker`.

Generated from the OpenAPI document by `npm run docs`; do not edit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal, NotRequired, TypedDict, cast

from soma.clients.transport import ControlFrame, Frames, Request, Transport, in_path


class PlanPlanCounts(TypedDict):
    total: int
    pending: int
    running: int
    delegated: int
    waiting: int
    completed: int
    failed: int
    cancelled: int


class PlanPlanProblem(TypedDict):
    code: str


class PlanPlanGoal(TypedDict):
    type: str


class PlanPlanCost(TypedDict):
    tokens: int
    costMicros: int
    currency: str
    calls: int


class PlanPlan(TypedDict):
    planId: str
    name: str
    driver: NotRequired[Literal["engine", "planner"]]
    origin: NotRequired[str]
    status: Literal["draft", "pending", "running", "waiting", "paused", "stopping", "completed", "failed", "cancelled"]
    currentState: NotRequired[str]
    progress: float
    counts: PlanPlanCounts
    createdAt: NotRequired[str]
    startedAt: NotRequired[str]
    updatedAt: str
    completedAt: NotRequired[str]
    problem: NotRequired[PlanPlanProblem]
    stopReason: NotRequired[str]
    parentPlanId: NotRequired[str]
    parentTaskId: NotRequired[str]
    rootPlanId: NotRequired[str]
    sessionId: NotRequired[str]
    traceId: NotRequired[str]
    goal: NotRequired[PlanPlanGoal]
    agents: list[str]
    cost: PlanPlanCost
    blockers: int
    scopeChangedAt: NotRequired[str]
    ownerId: NotRequired[str]
    constitutionHash: NotRequired[str]
    kept: NotRequired[bool]
    version: int


class Plan(TypedDict):
    asOf: str | None
    lagMs: int
    stale: bool
    plan: PlanPlan


class PlanLineageEntriesItem(TypedDict):
    at: str
    kind: Literal["event", "plan", "task", "tool", "model", "memory", "decision", "gate", "message", "delivery"]
    id: str
    type: str
    actor: NotRequired[str]
    planId: NotRequired[str]
    taskId: NotRequired[str]
    causationId: NotRequired[str]
    correlationId: NotRequired[str]
    traceId: NotRequired[str]
    attempt: NotRequired[int]
    durationMs: NotRequired[int]
    outcome: NotRequired[str]
    summary: str
    ignored: bool
    kept: NotRequired[bool]


PlanLineageEdgesItem = TypedDict(
    "PlanLineageEdgesItem",
    {
        "from": "str",
        "to": "str",
        "kind": "Literal[\"caused\", \"replied\", \"retried\", \"replayed\"]",
    },
)


class PlanLineage(TypedDict):
    asOf: str | None
    lagMs: int
    stale: bool
    entries: list[PlanLineageEntriesItem]
    edges: list[PlanLineageEdgesItem]


class PlanHierarchyPlansItem(TypedDict):
    planId: str
    name: str
    driver: NotRequired[Literal["engine", "planner"]]
    origin: NotRequired[str]
    status: Literal["draft", "pending", "running", "waiting", "paused", "stopping", "completed", "failed", "cancelled"]
    currentState: NotRequired[str]
    progress: float
    counts: PlanPlanCounts
    problem: NotRequired[PlanPlanProblem]
    parentPlanId: NotRequired[str]
    parentTaskId: NotRequired[str]
    rootPlanId: NotRequired[str]


class PlanHierarchyTasksItem(TypedDict):
    taskId: str
    planId: str
    parentTaskId: NotRequired[str]
    groupId: NotRequired[str]
    name: str
    type: NotRequired[str]
    agent: NotRequired[str]
    state: Literal["pending", "running", "delegated", "waiting", "completed", "failed", "cancelled"]


class PlanHierarchy(TypedDict):
    asOf: str | None
    lagMs: int
    stale: bool
    plans: list[PlanHierarchyPlansItem]
    tasks: list[PlanHierarchyTasksItem]
    cut: bool
    truncated: bool


class PlanEtaEtaBasis(TypedDict):
    level: Literal["type-and-agent", "type"]
    samples: int


class PlanEtaEta(TypedDict):
    p10At: str
    p50At: str
    p90At: str
    basis: PlanEtaEtaBasis
    excludes: list[str]


class PlanEta(TypedDict):
    asOf: str | None
    lagMs: int
    stale: bool
    eta: PlanEtaEta | None
    reason: NotRequired[Literal["not-enough-history", "nothing-open", "ended", "paused"]]


class TaskTaskAgent(TypedDict):
    name: str
    instanceId: NotRequired[str]
    version: NotRequired[str]


class TaskTask(TypedDict):
    taskId: str
    planId: NotRequired[str]
    key: NotRequired[str]
    name: str
    kind: NotRequired[str]
    type: NotRequired[str]
    state: Literal["pending", "running", "delegated", "waiting", "completed", "failed", "cancelled"]
    waitingFor: NotRequired[str]
    generation: int
    agent: NotRequired[TaskTaskAgent]
    parentTaskId: NotRequired[str]
    groupId: NotRequired[str]
    gateId: NotRequired[str]
    attempts: int
    progress: NotRequired[float]
    message: NotRequired[str]
    queuedMs: NotRequired[int]
    runMs: NotRequired[int]
    createdAt: NotRequired[str]
    startedAt: NotRequired[str]
    completedAt: NotRequired[str]
    updatedAt: str
    problem: NotRequired[PlanPlanProblem]
    kept: NotRequired[bool]
    version: int


class Task(TypedDict):
    asOf: str | None
    lagMs: int
    stale: bool
    task: TaskTask


class DelegationGroupGroupMembersItem(TypedDict):
    taskId: str
    name: str
    type: NotRequired[str]
    agent: NotRequired[str]
    state: Literal["pending", "running", "delegated", "waiting", "completed", "failed", "cancelled"]
    problem: NotRequired[PlanPlanProblem]


class DelegationGroupGroup(TypedDict):
    groupId: str
    planId: NotRequired[str]
    parentTaskId: NotRequired[str]
    total: int
    completed: int
    failed: int
    pending: int
    createdAt: NotRequired[str]
    completedAt: NotRequired[str]
    members: list[DelegationGroupGroupMembersItem]


class DelegationGroup(TypedDict):
    asOf: str | None
    lagMs: int
    stale: bool
    group: DelegationGroupGroup


class Trace(TypedDict):
    asOf: str | None
    lagMs: int
    stale: bool
    entries: list[PlanLineageEntriesItem]
    planIds: list[str]
    cost: PlanPlanCost


class RebuildModelsItem(TypedDict):
    model: Literal["plans", "tasks", "timeline", "correlations", "gates", "agents"]
    rows: int
    digest: str
    servedDigest: str
    isEqual: bool


class Rebuild(TypedDict):
    rebuildId: str
    tenantId: str
    kind: Literal["rebuild", "verify"]
    status: Literal["running", "completed"]
    read: int
    toRead: int
    applied: int
    failed: int
    models: list[RebuildModelsItem]
    createdAt: str
    endedAt: NotRequired[str]


class PlansListAnswer(TypedDict):
    asOf: str | None
    lagMs: int
    stale: bool
    items: list[PlanPlan]
    nextCursor: str | None


class PlanTasksListAnswer(TypedDict):
    asOf: str | None
    lagMs: int
    stale: bool
    items: list[TaskTask]
    nextCursor: str | None


class PlanTimelineListAnswer(TypedDict):
    asOf: str | None
    lagMs: int
    stale: bool
    items: list[PlanLineageEntriesItem]
    nextCursor: str | None


class PlanBlockersListAnswerItemsItemMissing(TypedDict):
    costMicros: int
    currency: str


class PlanBlockersListAnswerItemsItemMissingConsumer(TypedDict):
    topic: str
    type: str
    capability: NotRequired[str]
    lastAliveAt: NotRequired[str]


class PlanBlockersListAnswerItemsItem(TypedDict):
    taskId: str
    planId: NotRequired[str]
    name: str
    waitingFor: str
    sinceAt: str
    detail: str
    gateId: NotRequired[str]
    dueAt: NotRequired[str]
    budgetId: NotRequired[str]
    missing: NotRequired[PlanBlockersListAnswerItemsItemMissing]
    dependsOn: NotRequired[list[str]]
    ruleIds: NotRequired[list[str]]
    nextRetryAt: NotRequired[str]
    missingConsumer: NotRequired[PlanBlockersListAnswerItemsItemMissingConsumer]
    unblockBy: list[str]


class PlanBlockersListAnswer(TypedDict):
    asOf: str | None
    lagMs: int
    stale: bool
    items: list[PlanBlockersListAnswerItemsItem]
    nextCursor: str | None


class PlanStreamReadSnapshot(TypedDict):
    asOf: str | None
    lagMs: int
    stale: bool
    plan: PlanPlan
    tasks: list[TaskTask]


class PlanStreamReadSnapshotFrame(TypedDict):
    event: Literal["snapshot"]
    data: PlanStreamReadSnapshot
    id: NotRequired[str]


class PlanStreamReadPlanFrame(TypedDict):
    event: Literal["plan"]
    data: Plan
    id: NotRequired[str]


class PlanStreamReadTaskFrame(TypedDict):
    event: Literal["task"]
    data: Task
    id: NotRequired[str]


class PlanStreamReadTimeline(TypedDict):
    asOf: str | None
    lagMs: int
    stale: bool
    entry: PlanLineageEntriesItem


class PlanStreamReadTimelineFrame(TypedDict):
    event: Literal["timeline"]
    data: PlanStreamReadTimeline
    id: NotRequired[str]


class AgentsMetricsAnswerMetricsByTypeItem(TypedDict):
    type: str
    total: int
    completed: int
    failed: int
    cancelled: int
    retries: int
    deadLetters: int
    avgMs: NotRequired[int]
    p50Ms: NotRequired[int]
    p95Ms: NotRequired[int]
    queuedP50Ms: NotRequired[int]
    successRate: NotRequired[float]


class AgentsMetricsAnswerMetrics(TypedDict):
    agent: str
    period: Literal["1h", "24h", "7d", "30d"]
    total: int
    completed: int
    failed: int
    cancelled: int
    retries: int
    deadLetters: int
    avgMs: NotRequired[int]
    p50Ms: NotRequired[int]
    p95Ms: NotRequired[int]
    queuedP50Ms: NotRequired[int]
    successRate: NotRequired[float]
    byType: list[AgentsMetricsAnswerMetricsByTypeItem]


class AgentsMetricsAnswer(TypedDict):
    asOf: str | None
    lagMs: int
    stale: bool
    metrics: AgentsMetricsAnswerMetrics


class RebuildsCreateBody(TypedDict):
    tenantId: NotRequired[str]


class PlansOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        wait_for: str | None = None,
        status: Literal["draft", "pending", "running", "waiting", "paused", "stopping", "completed", "failed", "cancelled"] | None = None,
        session_id: str | None = None,
        parent_plan_id: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        query: str | None = None,
        lone_tasks: bool | str | None = None,
    ) -> PlansListAnswer:
        """Progress of plans, newest first; lone tasks only when asked for."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/tracker/plans",
            query={
                "limit": limit,
                "cursor": cursor,
                "waitFor": wait_for,
                "status": status,
                "sessionId": session_id,
                "parentPlanId": parent_plan_id,
                "from": from_,
                "to": to,
                "query": query,
                "loneTasks": lone_tasks,
            },
        ))
        return cast(PlansListAnswer, answer)

    async def list_all(
        self,
        *,
        limit: int | None = None,
        wait_for: str | None = None,
        status: Literal["draft", "pending", "running", "waiting", "paused", "stopping", "completed", "failed", "cancelled"] | None = None,
        session_id: str | None = None,
        parent_plan_id: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        query: str | None = None,
        lone_tasks: bool | str | None = None,
    ) -> AsyncIterator[PlanPlan]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(limit=limit, wait_for=wait_for, status=status, session_id=session_id, parent_plan_id=parent_plan_id, from_=from_, to=to, query=query, lone_tasks=lone_tasks, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    async def get(
        self,
        plan_id: str,
        *,
        wait_for: str | None = None,
    ) -> Plan:
        """Progress of one plan."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/tracker/plans/{in_path(plan_id)}",
            query={
                "waitFor": wait_for,
            },
        ))
        return cast(Plan, answer)


class PlanTasksOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self,
        plan_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        wait_for: str | None = None,
        state: Literal["pending", "running", "delegated", "waiting", "completed", "failed", "cancelled"] | None = None,
        agent: str | None = None,
    ) -> PlanTasksListAnswer:
        """The tasks of a plan in the order they were made."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/tracker/plans/{in_path(plan_id)}/tasks",
            query={
                "limit": limit,
                "cursor": cursor,
                "waitFor": wait_for,
                "state": state,
                "agent": agent,
            },
        ))
        return cast(PlanTasksListAnswer, answer)

    async def list_all(
        self,
        plan_id: str,
        *,
        limit: int | None = None,
        wait_for: str | None = None,
        state: Literal["pending", "running", "delegated", "waiting", "completed", "failed", "cancelled"] | None = None,
        agent: str | None = None,
    ) -> AsyncIterator[TaskTask]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(plan_id, limit=limit, wait_for=wait_for, state=state, agent=agent, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return


class PlanTimelineOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self,
        plan_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        wait_for: str | None = None,
        kinds: str | None = None,
        order: Literal["oldest", "newest"] | None = None,
    ) -> PlanTimelineListAnswer:
        """Everything that happened in a plan in log order: attempts, gates, replies, dead letters."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/tracker/plans/{in_path(plan_id)}/timeline",
            query={
                "limit": limit,
                "cursor": cursor,
                "waitFor": wait_for,
                "kinds": kinds,
                "order": order,
            },
        ))
        return cast(PlanTimelineListAnswer, answer)

    async def list_all(
        self,
        plan_id: str,
        *,
        limit: int | None = None,
        wait_for: str | None = None,
        kinds: str | None = None,
        order: Literal["oldest", "newest"] | None = None,
    ) -> AsyncIterator[PlanLineageEntriesItem]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(plan_id, limit=limit, wait_for=wait_for, kinds=kinds, order=order, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return


class PlanLineageOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get(
        self,
        plan_id: str,
        *,
        event_id: str | None = None,
        depth: int | None = None,
        wait_for: str | None = None,
    ) -> PlanLineage:
        """What caused what in a plan, roots first; with an event, its causes and its effects."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/tracker/plans/{in_path(plan_id)}/lineage",
            query={
                "eventId": event_id,
                "depth": depth,
                "waitFor": wait_for,
            },
        ))
        return cast(PlanLineage, answer)


class PlanHierarchyOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get(
        self,
        plan_id: str,
        *,
        direction: Literal["up", "down", "both"] | None = None,
        wait_for: str | None = None,
    ) -> PlanHierarchy:
        """The plans above and below a plan and the delegations inside them, flat, each with its parent; at most 10,000."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/tracker/plans/{in_path(plan_id)}/hierarchy",
            query={
                "direction": direction,
                "waitFor": wait_for,
            },
        ))
        return cast(PlanHierarchy, answer)


class PlanSubPlansOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self,
        plan_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        wait_for: str | None = None,
    ) -> PlansListAnswer:
        """Progress of the plans that a plan handed out, newest first."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/tracker/plans/{in_path(plan_id)}/sub-plans",
            query={
                "limit": limit,
                "cursor": cursor,
                "waitFor": wait_for,
            },
        ))
        return cast(PlansListAnswer, answer)

    async def list_all(
        self,
        plan_id: str,
        *,
        limit: int | None = None,
        wait_for: str | None = None,
    ) -> AsyncIterator[PlanPlan]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(plan_id, limit=limit, wait_for=wait_for, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return


class PlanEtaOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get(
        self,
        plan_id: str,
        *,
        wait_for: str | None = None,
    ) -> PlanEta:
        """When the open tasks of a plan will be done, sampled from how long such tasks took."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/tracker/plans/{in_path(plan_id)}/eta",
            query={
                "waitFor": wait_for,
            },
        ))
        return cast(PlanEta, answer)


class PlanBlockersOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self,
        plan_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        wait_for: str | None = None,
    ) -> PlanBlockersListAnswer:
        """Why the open tasks of a plan do not run, oldest first."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/tracker/plans/{in_path(plan_id)}/blockers",
            query={
                "limit": limit,
                "cursor": cursor,
                "waitFor": wait_for,
            },
        ))
        return cast(PlanBlockersListAnswer, answer)

    async def list_all(
        self,
        plan_id: str,
        *,
        limit: int | None = None,
        wait_for: str | None = None,
    ) -> AsyncIterator[PlanBlockersListAnswerItemsItem]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(plan_id, limit=limit, wait_for=wait_for, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return


class BlockersOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        wait_for: str | None = None,
        waiting_for: str | None = None,
        role: str | None = None,
        older_than_ms: int | None = None,
    ) -> PlanBlockersListAnswer:
        """Why open tasks of all visible plans do not run, oldest first."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/tracker/blockers",
            query={
                "limit": limit,
                "cursor": cursor,
                "waitFor": wait_for,
                "waitingFor": waiting_for,
                "role": role,
                "olderThanMs": older_than_ms,
            },
        ))
        return cast(PlanBlockersListAnswer, answer)

    async def list_all(
        self,
        *,
        limit: int | None = None,
        wait_for: str | None = None,
        waiting_for: str | None = None,
        role: str | None = None,
        older_than_ms: int | None = None,
    ) -> AsyncIterator[PlanBlockersListAnswerItemsItem]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(limit=limit, wait_for=wait_for, waiting_for=waiting_for, role=role, older_than_ms=older_than_ms, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return


class SessionPlansOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self,
        session_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        wait_for: str | None = None,
    ) -> PlansListAnswer:
        """Progress of the plans of a session, newest first."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/tracker/sessions/{in_path(session_id)}/plans",
            query={
                "limit": limit,
                "cursor": cursor,
                "waitFor": wait_for,
            },
        ))
        return cast(PlansListAnswer, answer)

    async def list_all(
        self,
        session_id: str,
        *,
        limit: int | None = None,
        wait_for: str | None = None,
    ) -> AsyncIterator[PlanPlan]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(session_id, limit=limit, wait_for=wait_for, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return


class PlanStreamOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def read(
        self,
        plan_id: str,
        *,
        last_event_id: str | None = None,
    ) -> Frames[PlanStreamReadSnapshotFrame | PlanStreamReadPlanFrame | PlanStreamReadTaskFrame | PlanStreamReadTimelineFrame | ControlFrame]:
        """First a snapshot of plan and tasks, then each change of plan, task and timeline."""
        return Frames(await self._transport.open(Request(
            "GET",
            f"/v1/tracker/plans/{in_path(plan_id)}/stream",
            headers={
                "last-event-id": last_event_id,
            },
        )))


class TasksOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        wait_for: str | None = None,
        plan_id: str | None = None,
        state: Literal["pending", "running", "delegated", "waiting", "completed", "failed", "cancelled"] | None = None,
        agent: str | None = None,
        type: str | None = None,
        waiting_for: str | None = None,
    ) -> PlanTasksListAnswer:
        """Tasks, newest first."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/tracker/tasks",
            query={
                "limit": limit,
                "cursor": cursor,
                "waitFor": wait_for,
                "planId": plan_id,
                "state": state,
                "agent": agent,
                "type": type,
                "waitingFor": waiting_for,
            },
        ))
        return cast(PlanTasksListAnswer, answer)

    async def list_all(
        self,
        *,
        limit: int | None = None,
        wait_for: str | None = None,
        plan_id: str | None = None,
        state: Literal["pending", "running", "delegated", "waiting", "completed", "failed", "cancelled"] | None = None,
        agent: str | None = None,
        type: str | None = None,
        waiting_for: str | None = None,
    ) -> AsyncIterator[TaskTask]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(limit=limit, wait_for=wait_for, plan_id=plan_id, state=state, agent=agent, type=type, waiting_for=waiting_for, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    async def get(
        self,
        task_id: str,
        *,
        wait_for: str | None = None,
    ) -> Task:
        """One task."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/tracker/tasks/{in_path(task_id)}",
            query={
                "waitFor": wait_for,
            },
        ))
        return cast(Task, answer)


class DelegationGroupsOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get(
        self,
        group_id: str,
        *,
        wait_for: str | None = None,
    ) -> DelegationGroup:
        """A delegation group with every member and its end."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/tracker/delegation-groups/{in_path(group_id)}",
            query={
                "waitFor": wait_for,
            },
        ))
        return cast(DelegationGroup, answer)


class TracesOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get(
        self,
        trace_id: str,
        *,
        wait_for: str | None = None,
    ) -> Trace:
        """Every record that carries a trace id, in time order."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/tracker/traces/{in_path(trace_id)}",
            query={
                "waitFor": wait_for,
            },
        ))
        return cast(Trace, answer)


class CorrelationsOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get(
        self,
        correlation_id: str,
        *,
        wait_for: str | None = None,
    ) -> Trace:
        """Every record that carries a correlation id, in time order."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/tracker/correlations/{in_path(correlation_id)}",
            query={
                "waitFor": wait_for,
            },
        ))
        return cast(Trace, answer)


class AgentsOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def metrics(
        self,
        name: str,
        *,
        period: Literal["1h", "24h", "7d", "30d"] | None = None,
        type: str | None = None,
        wait_for: str | None = None,
    ) -> AgentsMetricsAnswer:
        """What an agent has done in a period: counts, durations, retries, by type of task."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/tracker/agents/{in_path(name)}/metrics",
            query={
                "period": period,
                "type": type,
                "waitFor": wait_for,
            },
        ))
        return cast(AgentsMetricsAnswer, answer)


class RebuildsOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self,
        *,
        body: RebuildsCreateBody,
        idempotency_key: str | None = None,
    ) -> Rebuild:
        """Builds the read models of a tenant anew from the log beside those that serve, compares and swaps them."""
        answer = await self._transport.call(Request(
            "POST",
            "/v1/tracker/rebuilds",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Rebuild, answer)

    async def verify(
        self,
        *,
        body: RebuildsCreateBody,
        idempotency_key: str | None = None,
    ) -> Rebuild:
        """Builds the read models of a tenant beside those that serve, and compares them."""
        answer = await self._transport.call(Request(
            "POST",
            "/v1/tracker/rebuilds/verify",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Rebuild, answer)

    async def get(
        self,
        rebuild_id: str,
        *,
        tenant_id: str | None = None,
    ) -> Rebuild:
        """How far a rebuild or verification is, and what it found."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/tracker/rebuilds/{in_path(rebuild_id)}",
            query={
                "tenantId": tenant_id,
            },
        ))
        return cast(Rebuild, answer)


class TrackerClient:
    """Every operation of `tracker`."""

    def __init__(self, transport: Transport) -> None:
        self.plans = PlansOperations(transport)
        self.plan_tasks = PlanTasksOperations(transport)
        self.plan_timeline = PlanTimelineOperations(transport)
        self.plan_lineage = PlanLineageOperations(transport)
        self.plan_hierarchy = PlanHierarchyOperations(transport)
        self.plan_sub_plans = PlanSubPlansOperations(transport)
        self.plan_eta = PlanEtaOperations(transport)
        self.plan_blockers = PlanBlockersOperations(transport)
        self.blockers = BlockersOperations(transport)
        self.session_plans = SessionPlansOperations(transport)
        self.plan_stream = PlanStreamOperations(transport)
        self.tasks = TasksOperations(transport)
        self.delegation_groups = DelegationGroupsOperations(transport)
        self.traces = TracesOperations(transport)
        self.correlations = CorrelationsOperations(transport)
        self.agents = AgentsOperations(transport)
        self.rebuilds = RebuildsOperations(transport)
