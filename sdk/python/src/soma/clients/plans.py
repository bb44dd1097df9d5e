"""Operations of `plans`.

Generated from the OpenAPI document by `npm run docs`; do not edit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal, NotRequired, TypedDict, cast

from soma.clients.transport import Request, Transport, in_path


class PlanProblem(TypedDict):
    code: str
    detail: str
    status: NotRequired[int]
    retryable: NotRequired[bool]
    remedy: NotRequired[str]
    errors: NotRequired[Any]


class PlanGoal(TypedDict):
    type: str
    data: Any
    eventId: NotRequired[str]
    correlationId: NotRequired[str]
    responseType: NotRequired[str]
    responseTopic: Literal["action-results", "business-facts"]
    responseSchema: NotRequired[str]


class PlanSpent(TypedDict):
    tokens: int
    costMicros: int
    currency: str
    timeMs: int
    calls: int


class PlanCounts(TypedDict):
    total: int
    pending: int
    running: int
    delegated: int
    waiting: int
    completed: int
    failed: int
    cancelled: int


class PlanStateMachineValueAction(TypedDict):
    event: str
    data: NotRequired[Any]
    response: NotRequired[str]


class PlanStateMachineValueTransitionsItem(TypedDict):
    on: str
    to: str
    when: NotRequired[str]


class PlanStateMachineValue(TypedDict):
    description: NotRequired[str]
    action: NotRequired[PlanStateMachineValueAction]
    transitions: list[PlanStateMachineValueTransitionsItem]
    defaultNext: NotRequired[str]
    timeoutMs: NotRequired[int]
    onTimeout: NotRequired[str]
    terminal: NotRequired[bool | Literal["completed", "failed"]]


class PlanPaused(TypedDict):
    reason: str
    byId: str
    at: str
    resumeBy: NotRequired[list[str]]


class PlanJournal(TypedDict):
    seq: int
    hash: str


class Plan(TypedDict):
    planId: str
    title: str
    description: NotRequired[str]
    driver: Literal["engine", "planner"]
    origin: Literal["capsule", "graph", "state-machine", "intent", "task"]
    status: Literal["draft", "pending", "running", "waiting", "paused", "stopping", "completed", "failed", "cancelled"]
    stopReason: NotRequired[str]
    outcome: NotRequired[Literal["succeeded", "partial"]]
    phase: Literal["pre", "main", "compensate", "post"]
    revision: int
    inputs: NotRequired[Any]
    outputs: NotRequired[Any]
    problem: NotRequired[PlanProblem]
    ownerId: str
    userId: NotRequired[str]
    spaceId: str
    sessionId: NotRequired[str]
    visibility: Literal["private", "space", "tenant"]
    parentPlanId: NotRequired[str]
    parentTaskId: NotRequired[str]
    rootPlanId: str
    depth: int
    goal: NotRequired[PlanGoal]
    correlationIds: list[str]
    traceparent: str
    priority: int
    deadlineAt: NotRequired[str]
    spent: PlanSpent
    counts: PlanCounts
    progress: float
    currentState: NotRequired[str]
    stateMachine: NotRequired[dict[str, PlanStateMachineValue]]
    state: NotRequired[Any]
    results: NotRequired[dict[str, Any]]
    paused: NotRequired[PlanPaused]
    actionCount: int
    labels: dict[str, str]
    constitutionHash: str
    journal: PlanJournal
    createdAt: str
    startedAt: NotRequired[str]
    endedAt: NotRequired[str]
    version: int


class TaskWaiting(TypedDict):
    reason: Literal["dependency", "review", "input", "budget", "policy"]
    on: NotRequired[dict[str, Any]]
    sinceAt: str
    dueAt: NotRequired[str]


class TaskAgent(TypedDict):
    name: str
    instanceId: NotRequired[str]
    version: NotRequired[str]


Task = TypedDict(
    "Task",
    {
        "taskId": "str",
        "planId": "str",
        "key": "str",
        "name": "str",
        "kind": "Literal[\"agent\", \"tool\", \"model\", \"capsule\", \"gate\", \"input\", \"timer\", \"event\", \"signal\", \"map\", \"repeat\", \"emit\", \"value\", \"workspace\"]",
        "status": "Literal[\"pending\", \"running\", \"delegated\", \"waiting\", \"completed\", \"failed\", \"cancelled\"]",
        "outcome": "NotRequired[Literal[\"succeeded\", \"skipped\", \"reused\"]]",
        "waiting": "NotRequired[TaskWaiting]",
        "pendingFor": "NotRequired[Literal[\"slot\", \"rate\", \"retry\", \"agent\", \"start\"]]",
        "parentTaskId": "NotRequired[str]",
        "groupId": "NotRequired[str]",
        "generation": "int",
        "try": "int",
        "retryAt": "NotRequired[str]",
        "delivery": "int",
        "fence": "int",
        "type": "NotRequired[str]",
        "capability": "NotRequired[str]",
        "agent": "NotRequired[TaskAgent]",
        "inputs": "NotRequired[Any]",
        "output": "NotRequired[Any]",
        "problem": "NotRequired[PlanProblem]",
        "responseType": "NotRequired[str]",
        "responseTopic": "NotRequired[Literal[\"action-results\", \"business-facts\"]]",
        "correlationId": "str",
        "sessionId": "NotRequired[str]",
        "goalId": "NotRequired[str]",
        "progress": "NotRequired[float]",
        "message": "NotRequired[str]",
        "checkpoint": "NotRequired[Any]",
        "deadlineAt": "NotRequired[str]",
        "priority": "int",
        "gateId": "NotRequired[str]",
        "metadata": "NotRequired[dict[str, Any]]",
        "spent": "PlanSpent",
        "createdAt": "str",
        "startedAt": "NotRequired[str]",
        "endedAt": "NotRequired[str]",
        "version": "int",
    },
)


class GroupMembersItem(TypedDict):
    taskId: str
    key: str
    type: NotRequired[str]
    status: Literal["pending", "running", "delegated", "waiting", "completed", "failed", "cancelled"]
    output: NotRequired[Any]
    problem: NotRequired[PlanProblem]


class Group(TypedDict):
    groupId: str
    planId: str
    parentTaskId: NotRequired[str]
    members: list[GroupMembersItem]
    total: int
    completed: int
    failed: int
    pending: int
    done: bool
    lastTaskId: NotRequired[str]
    createdAt: str
    completedAt: NotRequired[str]


class PlansCreateBodyGoal(TypedDict):
    type: str
    data: Any
    eventId: NotRequired[str]
    correlationId: NotRequired[str]
    responseType: NotRequired[str]
    responseTopic: NotRequired[Literal["action-results", "business-facts"]]
    responseSchema: NotRequired[str]


class PlansCreateBodyStateMachineValue(TypedDict):
    description: NotRequired[str]
    action: NotRequired[PlanStateMachineValueAction]
    transitions: NotRequired[list[PlanStateMachineValueTransitionsItem]]
    defaultNext: NotRequired[str]
    timeoutMs: NotRequired[int]
    onTimeout: NotRequired[str]
    terminal: NotRequired[bool | Literal["completed", "failed"]]


class PlansCreateBody(TypedDict):
    planId: NotRequired[str]
    title: NotRequired[str]
    description: NotRequired[str]
    driver: NotRequired[Literal["planner"]]
    goal: NotRequired[PlansCreateBodyGoal]
    stateMachine: NotRequired[dict[str, PlansCreateBodyStateMachineValue]]
    currentState: NotRequired[str]
    state: NotRequired[Any]
    inputs: NotRequired[Any]
    start: NotRequired[bool]
    deadlineAt: NotRequired[str]
    priority: NotRequired[int]
    visibility: NotRequired[Literal["private", "space", "tenant"]]
    labels: NotRequired[dict[str, str]]
    sessionId: NotRequired[str]
    parentPlanId: NotRequired[str]
    parentTaskId: NotRequired[str]
    correlationIds: NotRequired[list[str]]


class PlansListAnswer(TypedDict):
    items: list[Plan]
    nextCursor: str | None


class PlansCountsAnswer(TypedDict):
    total: int
    byStatus: dict[str, int]


class PlansByCorrelationAnswer(TypedDict):
    plan: Plan
    ambiguous: bool


class PlansJournalAnswerItemsItem(TypedDict):
    seq: int
    kind: str
    data: Any
    at: str
    hash: str


class PlansJournalAnswer(TypedDict):
    items: list[PlansJournalAnswerItemsItem]
    nextCursor: str | None


class PlansStartBody(TypedDict):
    reason: NotRequired[str]


class PlansPauseBody(TypedDict):
    reason: str
    mode: NotRequired[Literal["drain", "now"]]
    resumeBy: NotRequired[list[str]]


class PlansResumeBody(TypedDict):
    reason: NotRequired[str]
    input: NotRequired[Any]


class PlansCancelBody(TypedDict):
    reason: str


class PlansTransitionBody(TypedDict):
    fromState: str
    toState: str
    on: NotRequired[str]
    data: NotRequired[Any]
    eventId: NotRequired[str]
    state: NotRequired[Any]
    result: NotRequired[Any]
    problem: NotRequired[PlanProblem]
    version: NotRequired[int]


class PlansFinishBody(TypedDict):
    outcome: Literal["completed", "failed"]
    result: NotRequired[Any]
    problem: NotRequired[PlanProblem]
    replyType: NotRequired[str]
    state: NotRequired[Any]
    version: NotRequired[int]


class PlansPutStateBody(TypedDict):
    state: Any
    results: NotRequired[dict[str, Any]]
    currentState: NotRequired[str]
    correlationIds: NotRequired[list[str]]


PlansDelegateBodySpecsItemRetry = TypedDict(
    "PlansDelegateBodySpecsItemRetry",
    {
        "maxTries": "NotRequired[int]",
        "baseMs": "NotRequired[int]",
        "on": "NotRequired[list[str]]",
        "except": "NotRequired[list[str]]",
    },
)


class PlansDelegateBodySpecsItem(TypedDict):
    taskId: NotRequired[str]
    key: NotRequired[str]
    name: NotRequired[str]
    kind: NotRequired[Literal["agent", "gate", "input", "timer"]]
    type: NotRequired[str]
    capability: NotRequired[str]
    data: NotRequired[Any]
    responseType: NotRequired[str]
    responseTopic: NotRequired[Literal["action-results", "business-facts"]]
    timeoutMs: NotRequired[int]
    queueTimeoutMs: NotRequired[int]
    tryTimeoutMs: NotRequired[int]
    heartbeatTimeoutMs: NotRequired[int]
    retry: NotRequired[PlansDelegateBodySpecsItemRetry]
    priority: NotRequired[int]
    metadata: NotRequired[dict[str, Any]]
    gateId: NotRequired[str]


class PlansDelegateBody(TypedDict):
    specs: list[PlansDelegateBodySpecsItem]
    group: NotRequired[bool]
    groupId: NotRequired[str]
    state: NotRequired[Any]
    version: NotRequired[int]


class PlansDelegateAnswer(TypedDict):
    taskIds: list[str]
    groupId: NotRequired[str]
    tasks: list[Task]


class TasksCreateBody(TypedDict):
    taskId: NotRequired[str]
    key: NotRequired[str]
    name: NotRequired[str]
    kind: NotRequired[Literal["agent", "gate", "input", "timer"]]
    type: NotRequired[str]
    capability: NotRequired[str]
    data: NotRequired[Any]
    responseType: NotRequired[str]
    responseTopic: NotRequired[Literal["action-results", "business-facts"]]
    timeoutMs: NotRequired[int]
    queueTimeoutMs: NotRequired[int]
    tryTimeoutMs: NotRequired[int]
    heartbeatTimeoutMs: NotRequired[int]
    retry: NotRequired[PlansDelegateBodySpecsItemRetry]
    priority: NotRequired[int]
    metadata: NotRequired[dict[str, Any]]
    gateId: NotRequired[str]
    planId: NotRequired[str]
    parentTaskId: NotRequired[str]
    groupId: NotRequired[str]
    sessionId: NotRequired[str]


class TasksListAnswer(TypedDict):
    items: list[Task]
    nextCursor: str | None


class TasksStartBody(TypedDict):
    deliveryKey: str
    agent: NotRequired[TaskAgent]


class TasksCompleteBody(TypedDict):
    fence: NotRequired[int]
    output: NotRequired[Any]
    reply: NotRequired[bool]


class TasksCompleteAnswer(TypedDict):
    task: Task
    groupDone: bool


class TasksFailBody(TypedDict):
    fence: NotRequired[int]
    problem: PlanProblem
    reply: NotRequired[bool]


class TasksProgressBody(TypedDict):
    fence: NotRequired[int]
    progress: NotRequired[float]
    message: NotRequired[str]
    checkpoint: NotRequired[Any]


class TasksHeartbeatBody(TypedDict):
    fence: NotRequired[int]
    checkpoint: NotRequired[Any]


class TasksWaitBody(TypedDict):
    fence: NotRequired[int]
    reason: Literal["dependency", "review", "input", "budget", "policy"]
    gateId: NotRequired[str]
    on: NotRequired[dict[str, Any]]
    timeoutMs: NotRequired[int]


class TasksGetContextAnswerSubTasksValue(TypedDict):
    type: str
    status: Literal["pending", "running", "delegated", "waiting", "completed", "failed", "cancelled"]
    groupId: NotRequired[str]
    result: NotRequired[Any]
    problem: NotRequired[PlanProblem]


TasksGetContextAnswer = TypedDict(
    "TasksGetContextAnswer",
    {
        "taskId": "str",
        "planId": "str",
        "key": "str",
        "name": "str",
        "kind": "Literal[\"agent\", \"tool\", \"model\", \"capsule\", \"gate\", \"input\", \"timer\", \"event\", \"signal\", \"map\", \"repeat\", \"emit\", \"value\", \"workspace\"]",
        "status": "Literal[\"pending\", \"running\", \"delegated\", \"waiting\", \"completed\", \"failed\", \"cancelled\"]",
        "outcome": "NotRequired[Literal[\"succeeded\", \"skipped\", \"reused\"]]",
        "waiting": "NotRequired[TaskWaiting]",
        "pendingFor": "NotRequired[Literal[\"slot\", \"rate\", \"retry\", \"agent\", \"start\"]]",
        "parentTaskId": "NotRequired[str]",
        "groupId": "NotRequired[str]",
        "generation": "int",
        "try": "int",
        "retryAt": "NotRequired[str]",
        "delivery": "int",
        "fence": "int",
        "type": "NotRequired[str]",
        "capability": "NotRequired[str]",
        "agent": "NotRequired[TaskAgent]",
        "inputs": "NotRequired[Any]",
        "output": "NotRequired[Any]",
        "problem": "NotRequired[PlanProblem]",
        "responseType": "NotRequired[str]",
        "responseTopic": "NotRequired[Literal[\"action-results\", \"business-facts\"]]",
        "correlationId": "str",
        "sessionId": "NotRequired[str]",
        "goalId": "NotRequired[str]",
        "progress": "NotRequired[float]",
        "message": "NotRequired[str]",
        "checkpoint": "NotRequired[Any]",
        "deadlineAt": "NotRequired[str]",
        "priority": "int",
        "gateId": "NotRequired[str]",
        "metadata": "NotRequired[dict[str, Any]]",
        "spent": "PlanSpent",
        "createdAt": "str",
        "startedAt": "NotRequired[str]",
        "endedAt": "NotRequired[str]",
        "version": "int",
        "state": "NotRequired[Any]",
        "subTasks": "dict[str, TasksGetContextAnswerSubTasksValue]",
        "results": "dict[str, Any]",
    },
)


class TasksPutContextBodyTask(TypedDict):
    type: str
    key: NotRequired[str]
    data: NotRequired[Any]
    planId: NotRequired[str]
    parentTaskId: NotRequired[str]
    correlationId: NotRequired[str]
    sessionId: NotRequired[str]
    goalId: NotRequired[str]
    responseType: NotRequired[str]
    responseTopic: NotRequired[Literal["action-results", "business-facts"]]
    timeoutMs: NotRequired[int]
    priority: NotRequired[int]
    agent: NotRequired[TaskAgent]


class TasksPutContextBody(TypedDict):
    state: Any
    task: NotRequired[TasksPutContextBodyTask]


class TasksDelegateBody(TypedDict):
    fence: NotRequired[int]
    specs: list[PlansDelegateBodySpecsItem]
    group: NotRequired[bool]
    groupId: NotRequired[str]


class PlansOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self,
        *,
        body: PlansCreateBody,
        idempotency_key: str | None = None,
    ) -> Plan:
        """Makes a planner's plan from a goal, with its state machine, first state and reply contract in one commit; the same goal event makes one plan.

        Problems of its own: plan-invalid.
        """
        answer = await self._transport.call(Request(
            "POST",
            "/v1/plans",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Plan, answer)

    async def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        status: Literal["draft", "pending", "running", "waiting", "paused", "stopping", "completed", "failed", "cancelled"] | None = None,
        driver: Literal["engine", "planner"] | None = None,
        origin: Literal["capsule", "graph", "state-machine", "intent", "task"] | None = None,
        owner_id: str | None = None,
        session_id: str | None = None,
        parent_plan_id: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        q: str | None = None,
    ) -> PlansListAnswer:
        """Plans, newest first; lone tasks only when asked for by origin."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/plans",
            query={
                "limit": limit,
                "cursor": cursor,
                "status": status,
                "driver": driver,
                "origin": origin,
                "ownerId": owner_id,
                "sessionId": session_id,
                "parentPlanId": parent_plan_id,
                "from": from_,
                "to": to,
                "q": q,
            },
        ))
        return cast(PlansListAnswer, answer)

    async def list_all(
        self,
        *,
        limit: int | None = None,
        status: Literal["draft", "pending", "running", "waiting", "paused", "stopping", "completed", "failed", "cancelled"] | None = None,
        driver: Literal["engine", "planner"] | None = None,
        origin: Literal["capsule", "graph", "state-machine", "intent", "task"] | None = None,
        owner_id: str | None = None,
        session_id: str | None = None,
        parent_plan_id: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        q: str | None = None,
    ) -> AsyncIterator[Plan]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(limit=limit, status=status, driver=driver, origin=origin, owner_id=owner_id, session_id=session_id, parent_plan_id=parent_plan_id, from_=from_, to=to, q=q, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    async def get(
        self,
        plan_id: str,
    ) -> Plan:
        """One plan."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/plans/{in_path(plan_id)}",
        ))
        return cast(Plan, answer)

    async def counts(
        self,
    ) -> PlansCountsAnswer:
        """How many visible plans stand in each status; lone tasks are not counted."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/plans/counts",
        ))
        return cast(PlansCountsAnswer, answer)

    async def by_correlation(
        self,
        correlation_id: str,
    ) -> PlansByCorrelationAnswer:
        """The plan that one of its correlation ids names; of several the newest that has not ended, those of the own space before others, marked ambiguous."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/plans/by-correlation/{in_path(correlation_id)}",
        ))
        return cast(PlansByCorrelationAnswer, answer)

    async def journal(
        self,
        plan_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        kinds: str | None = None,
    ) -> PlansJournalAnswer:
        """A plan's messages in the order applied, oldest first, each hashed over the one before."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/plans/{in_path(plan_id)}/journal",
            query={
                "limit": limit,
                "cursor": cursor,
                "kinds": kinds,
            },
        ))
        return cast(PlansJournalAnswer, answer)

    async def journal_all(
        self,
        plan_id: str,
        *,
        limit: int | None = None,
        kinds: str | None = None,
    ) -> AsyncIterator[PlansJournalAnswerItemsItem]:
        """Every item of `journal`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.journal(plan_id, limit=limit, kinds=kinds, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    async def start(
        self,
        plan_id: str,
        *,
        body: PlansStartBody,
        idempotency_key: str | None = None,
    ) -> Plan:
        """Starts a draft."""
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/plans/{in_path(plan_id)}/start",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Plan, answer)

    async def pause(
        self,
        plan_id: str,
        *,
        body: PlansPauseBody,
        idempotency_key: str | None = None,
    ) -> Plan:
        """Pauses: nothing new starts; running tasks finish (`drain`) or are taken back and become pending (`now`); timers and results are kept and act on resume."""
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/plans/{in_path(plan_id)}/pause",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Plan, answer)

    async def resume(
        self,
        plan_id: str,
        *,
        body: PlansResumeBody,
        idempotency_key: str | None = None,
    ) -> Plan:
        """Resumes a paused plan in the status it had; an input becomes results.userInput and takes the machine's user.input edge."""
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/plans/{in_path(plan_id)}/resume",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Plan, answer)

    async def cancel(
        self,
        plan_id: str,
        *,
        body: PlansCancelBody,
        idempotency_key: str | None = None,
    ) -> Plan:
        """Cancels a plan with its open tasks and its child plans; who asked for it hears once."""
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/plans/{in_path(plan_id)}/cancel",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Plan, answer)

    async def transition(
        self,
        plan_id: str,
        *,
        body: PlansTransitionBody,
        idempotency_key: str | None = None,
    ) -> Plan:
        """Moves the state machine along one edge; of two replicas from one state one wins. A terminal state ends the plan and answers the requester with `result`.

        Problems of its own: illegal-transition.
        """
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/plans/{in_path(plan_id)}/transition",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Plan, answer)

    async def finish(
        self,
        plan_id: str,
        *,
        body: PlansFinishBody,
        idempotency_key: str | None = None,
    ) -> Plan:
        """Ends the plan: status, reply in the requester's response type and facts in one commit; open tasks are cancelled."""
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/plans/{in_path(plan_id)}/finish",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Plan, answer)

    async def put_state(
        self,
        plan_id: str,
        *,
        body: PlansPutStateBody,
        if_match: int | str,
    ) -> Plan:
        """Stores the planner's own JSON, at most 1 MiB, and by which ids replies find the plan, compare-and-set by the plan's version."""
        answer = await self._transport.call(Request(
            "PUT",
            f"/v1/plans/{in_path(plan_id)}/state",
            headers={
                "if-match": if_match,
            },
            body=body,
        ))
        return cast(Plan, answer)

    async def delegate(
        self,
        plan_id: str,
        *,
        body: PlansDelegateBody,
        idempotency_key: str | None = None,
    ) -> PlansDelegateAnswer:
        """Stores up to 100 tasks of the plan and publishes their requests in one commit; each keeps its own data. As a group, exactly one fact or answer says groupDone."""
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/plans/{in_path(plan_id)}/delegate",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(PlansDelegateAnswer, answer)


class TasksOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self,
        *,
        body: TasksCreateBody,
        idempotency_key: str | None = None,
    ) -> Task:
        """Hands out one task: in a plan, or alone as a plan of one task. Its request event leaves with the commit."""
        answer = await self._transport.call(Request(
            "POST",
            "/v1/tasks",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Task, answer)

    async def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        plan_id: str | None = None,
        parent_task_id: str | None = None,
        sub_task_id: str | None = None,
        group_id: str | None = None,
        status: Literal["pending", "running", "delegated", "waiting", "completed", "failed", "cancelled"] | None = None,
        waiting: Literal["dependency", "review", "input", "budget", "policy"] | None = None,
        pending_for: Literal["slot", "rate", "retry", "agent", "start"] | None = None,
        kind: Literal["agent", "tool", "model", "capsule", "gate", "input", "timer", "event", "signal", "map", "repeat", "emit", "value", "workspace"] | None = None,
        agent: str | None = None,
    ) -> TasksListAnswer:
        """Tasks, newest first. `subTaskId` finds the task that delegated it."""
        answer = await self._transport.call(Request(
            "GET",
            "/v1/tasks",
            query={
                "limit": limit,
                "cursor": cursor,
                "planId": plan_id,
                "parentTaskId": parent_task_id,
                "subTaskId": sub_task_id,
                "groupId": group_id,
                "status": status,
                "waiting": waiting,
                "pendingFor": pending_for,
                "kind": kind,
                "agent": agent,
            },
        ))
        return cast(TasksListAnswer, answer)

    async def list_all(
        self,
        *,
        limit: int | None = None,
        plan_id: str | None = None,
        parent_task_id: str | None = None,
        sub_task_id: str | None = None,
        group_id: str | None = None,
        status: Literal["pending", "running", "delegated", "waiting", "completed", "failed", "cancelled"] | None = None,
        waiting: Literal["dependency", "review", "input", "budget", "policy"] | None = None,
        pending_for: Literal["slot", "rate", "retry", "agent", "start"] | None = None,
        kind: Literal["agent", "tool", "model", "capsule", "gate", "input", "timer", "event", "signal", "map", "repeat", "emit", "value", "workspace"] | None = None,
        agent: str | None = None,
    ) -> AsyncIterator[Task]:
        """Every item of `list`, page after page."""
        cursor: str | None = None
        while True:
            page = await self.list(limit=limit, plan_id=plan_id, parent_task_id=parent_task_id, sub_task_id=sub_task_id, group_id=group_id, status=status, waiting=waiting, pending_for=pending_for, kind=kind, agent=agent, cursor=cursor)
            for item in page["items"]:
                yield item
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    async def get(
        self,
        task_id: str,
    ) -> Task:
        """One task."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/tasks/{in_path(task_id)}",
        ))
        return cast(Task, answer)

    async def start(
        self,
        task_id: str,
        *,
        body: TasksStartBody,
        idempotency_key: str | None = None,
    ) -> Task:
        """Says that a delivery of the task has begun: running, with the count of deliveries and a new fence. The same delivery key answers the same fence; an ended task is answered unchanged."""
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/tasks/{in_path(task_id)}/start",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Task, answer)

    async def complete(
        self,
        task_id: str,
        *,
        body: TasksCompleteBody,
        idempotency_key: str | None = None,
    ) -> TasksCompleteAnswer:
        """Completes a task and, when `reply` is true, answers its requester. The same output again changes nothing.

        Problems of its own: fenced.
        """
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/tasks/{in_path(task_id)}/complete",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(TasksCompleteAnswer, answer)

    async def fail(
        self,
        task_id: str,
        *,
        body: TasksFailBody,
        idempotency_key: str | None = None,
    ) -> TasksCompleteAnswer:
        """Fails a task for good and, when `reply` is true, answers its requester with outcome failed.

        Problems of its own: fenced.
        """
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/tasks/{in_path(task_id)}/fail",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(TasksCompleteAnswer, answer)

    async def progress(
        self,
        task_id: str,
        *,
        body: TasksProgressBody,
        idempotency_key: str | None = None,
    ) -> Task:
        """Reports progress between 0 and 1 with a message; at most 10 a second become facts.

        Problems of its own: fenced.
        """
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/tasks/{in_path(task_id)}/progress",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Task, answer)

    async def heartbeat(
        self,
        task_id: str,
        *,
        body: TasksHeartbeatBody,
        idempotency_key: str | None = None,
    ) -> Task:
        """Says that the task is alive; its checkpoint is given to the next delivery. The answer tells whether the task was cancelled.

        Problems of its own: fenced.
        """
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/tasks/{in_path(task_id)}/heartbeat",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Task, answer)

    async def wait(
        self,
        task_id: str,
        *,
        body: TasksWaitBody,
        idempotency_key: str | None = None,
    ) -> Task:
        """Parks a task at a gate that its holder has opened, or for another reason; `gate.decided` makes it pending again, or fails it when refused.

        Problems of its own: fenced.
        """
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/tasks/{in_path(task_id)}/wait",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Task, answer)

    async def get_context(
        self,
        task_id: str,
    ) -> TasksGetContextAnswer:
        """The saved context: the fields of the task, its state, its sub-tasks and their results."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/tasks/{in_path(task_id)}/context",
        ))
        return cast(TasksGetContextAnswer, answer)

    async def put_context(
        self,
        task_id: str,
        *,
        body: TasksPutContextBody,
        if_match: int | str,
    ) -> TasksGetContextAnswer:
        """Saves a task's state, compare-and-set by version. With version 0 it makes the task, as the first save of one that came from outside."""
        answer = await self._transport.call(Request(
            "PUT",
            f"/v1/tasks/{in_path(task_id)}/context",
            headers={
                "if-match": if_match,
            },
            body=body,
        ))
        return cast(TasksGetContextAnswer, answer)

    async def delete_context(
        self,
        task_id: str,
    ) -> None:
        """Drops the saved state of a task; the task stays."""
        await self._transport.call(Request(
            "DELETE",
            f"/v1/tasks/{in_path(task_id)}/context",
        ))

    async def delegate(
        self,
        task_id: str,
        *,
        body: TasksDelegateBody,
        idempotency_key: str | None = None,
    ) -> PlansDelegateAnswer:
        """Stores up to 100 sub-tasks and publishes their requests in one commit; the task becomes delegated until they end.

        Problems of its own: fenced.
        """
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/tasks/{in_path(task_id)}/delegate",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(PlansDelegateAnswer, answer)

    async def cancel(
        self,
        task_id: str,
        *,
        body: PlansCancelBody,
        idempotency_key: str | None = None,
    ) -> Task:
        """Cancels an open task and its open sub-tasks; who asked for it hears once."""
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/tasks/{in_path(task_id)}/cancel",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Task, answer)

    async def retry(
        self,
        task_id: str,
        *,
        body: PlansCancelBody,
        idempotency_key: str | None = None,
    ) -> Task:
        """Hands a task out again: an open one as the next try, a failed one of an open plan as a new generation."""
        answer = await self._transport.call(Request(
            "POST",
            f"/v1/tasks/{in_path(task_id)}/retry",
            headers={
                "idempotency-key": idempotency_key,
            },
            body=body,
        ))
        return cast(Task, answer)


class GroupsOperations:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get(
        self,
        task_id: str,
        group_id: str,
    ) -> Group:
        """A delegation group of a task with its members."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/tasks/{in_path(task_id)}/groups/{in_path(group_id)}",
        ))
        return cast(Group, answer)

    async def of_plan(
        self,
        plan_id: str,
        group_id: str,
    ) -> Group:
        """A delegation group of a plan with its members."""
        answer = await self._transport.call(Request(
            "GET",
            f"/v1/plans/{in_path(plan_id)}/groups/{in_path(group_id)}",
        ))
        return cast(Group, answer)


class PlansClient:
    """Every operation of `plans`."""

    def __init__(self, transport: Transport) -> None:
        self.plans = PlansOperations(transport)
        self.tasks = TasksOperations(transport)
        self.groups = GroupsOperations(transport)
