"""Tasks in the hands of workers."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar

from soma.context.absent import absent_as_none, ignoring_conflict
from soma.context.delegation import Delegations, GroupView, Spec, to_group_view
from soma.context.failure import FailureInput, failed_data, to_problem_value
from soma.context.gates import Asked, Question, ask_at_gate
from soma.context.state_keeper import StateKeeper, Stored
from soma.define.event import AnyEvent, EventDefinition
from soma.json_value import copy_of, present
from soma.run.handling import Handling, follow
from soma.sdk_problems import TASK_ENDED

Data = TypeVar("Data")
Input = TypeVar("Input")
Value = TypeVar("Value")
ENDED: Final = ("completed", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class TaskOrigin:
    """A task as the request for it told it."""

    task_id: str
    type: str
    data: Any
    correlation_id: str
    plan_id: str | None = None
    session_id: str | None = None
    goal_id: str | None = None
    parent_task_id: str | None = None
    causation_id: str | None = None
    response_type: str | None = None
    response_topic: str | None = None
    deadline_at: str | None = None
    priority: int = 0


class TaskContext(Generic[Data]):
    """A task in the hands of a worker. Nothing it sends leaves before the handler has returned; a handler that raises
    sends nothing.

    `state` is yours: saved by `save`, and with the end of a handler that leaves the task open; at most 1 MiB of JSON.
    `sub_tasks` are by id, each with `type`, `status` and, once it ended, `result` or `problem`.
    """

    def __init__(self, handling: Handling, origin: TaskOrigin, stored: Stored) -> None:
        self._handling = handling
        self._origin = origin
        # Counts from 1; one more each time a failed task is opened again.
        self._generation: int = stored.get("generation", 1)
        self._tasks = handling.clients.plans.tasks
        self._keeper = StateKeeper(stored, event_id=handling.event["id"], put=self._put, reload=self._reload)
        self._delegations = Delegations(handling)
        self._ended: Literal["completed", "failed"] | None = None
        self._asked: Asked | None = None
        handling.effects.append(self._write)
        self.task_id = origin.task_id
        self.type = origin.type
        self.data: Data = origin.data
        self.plan_id = origin.plan_id
        self.session_id = origin.session_id
        self.goal_id = origin.goal_id
        self.parent_task_id = origin.parent_task_id
        self.correlation_id = origin.correlation_id
        self.causation_id = origin.causation_id
        self.response_type = origin.response_type
        self.response_topic = origin.response_topic or "action-results"
        self.user_id: str | None = handling.event.get("userid")
        self.attempt = handling.attempt
        self.deadline_at = origin.deadline_at
        self.priority = origin.priority
        self.state = self._keeper.state
        self.sub_tasks: Mapping[str, dict[str, Any]] = dict(stored.get("subTasks") or {})

    @property
    def version(self) -> int:
        return self._keeper.version

    @property
    def results(self) -> dict[str, Any]:
        """Outputs of ended sub-tasks by their id and by the type of their request."""
        ended = [(id, sub) for id, sub in self.sub_tasks.items() if "result" in sub]
        return {name: sub["result"] for id, sub in ended for name in (id, sub["type"])}

    async def save(self) -> None:
        """Writes the state now. When another wrote other members in between, both are kept; raises `version-conflict`
        when it wrote the same ones."""
        await self._keeper.save()

    def delegate(
        self,
        event: EventDefinition[Input],
        data: Input,
        *,
        key: str | None = None,
        name: str | None = None,
        response: AnyEvent | None = None,
        timeout_ms: int | None = None,
        priority: int | None = None,
    ) -> str:
        """Hands a sub-task to whoever handles the event; its reply comes to `on_result`. Answers its id. See `Spec`."""
        return self._delegations.add(Spec(event, data, key, name, response, timeout_ms, priority))

    def delegate_parallel(self, specs: Sequence[Spec]) -> str:
        """Hands out up to 100 sub-tasks at once. `on_result` of the member that ends last sees `group.done`."""
        return self._delegations.add_group(specs)

    async def group(self, group_id: str) -> GroupView:
        return to_group_view(await self._handling.clients.plans.groups.get(self.task_id, group_id))

    async def report_progress(self, progress: float, message: str | None = None) -> None:
        """0-1 with a message of at most 500 characters. Shown; changes nothing."""
        if self.version > 0:
            await self._tasks.progress(self.task_id, body=present(progress=progress, message=message))

    async def once(self, label: str, work: Callable[[], Awaitable[Value] | Value]) -> Value:
        """Runs `work` once for this task: its result is stored before the handler goes on, and answered on every later
        run."""
        await self._keeper.look()
        done = dict(self.state.get("$once") or {})
        if label not in done:
            done[label] = copy_of(await made if inspect.isawaitable(made := work()) else made)
            await self._keeper.note("$once", done)
        kept: Value = done[label]
        return kept

    async def ask(
        self,
        question: str,
        schema: dict[str, Any],
        *,
        key: str = "ask",
        deciders: Sequence[dict[str, str]] | None = None,
        due_at: str | None = None,
    ) -> Any:
        """Asks a person. None: the question is open, return now; the handler runs again with the answer, which is what
        the decider sent, by the schema. Raises `unanswered` when nobody answered. `key` tells several questions of one
        task apart; by default any holder of `gate:decide` answers."""
        asked = await ask_at_gate(self._handling, self.task_id, Question(question, schema, key, deciders, due_at))
        if not asked.is_answered:
            self._asked = asked
        return asked.answer

    def complete(self, result: Any = None) -> None:
        """Ends the task with a result in the type its requester asked for. Raises `task-ended`."""
        self._end("completed", result)

    def fail(self, failure: FailureInput) -> None:
        """Ends the task with a failed reply. Raises `task-ended`."""
        self._end("failed", failed_data(failure))

    @property
    def has_ended(self) -> bool:
        return self._ended is not None

    @property
    def is_waiting(self) -> bool:
        """Sub-tasks are open, or it waits for an answer."""
        is_delegated = bool(self._delegations.batches) or any(
            sub["status"] not in ENDED for sub in self.sub_tasks.values()
        )
        return is_delegated or self._asked is not None

    def _end(self, ended: Literal["completed", "failed"], data: Any) -> None:
        if self._ended is not None:
            raise TASK_ENDED.create(f"task {self.task_id} was already {self._ended}")
        plain = copy_of(data)
        if self.response_type is not None:
            self._handling.emits.append(self._reply(self.response_type, ended, plain))
        elif self.version > 0:
            self._handling.effects.append(lambda: self._end_silently(ended, plain))
        self._ended = ended

    def _reply(self, response_type: str, ended: str, data: Any) -> dict[str, Any]:
        """To the requester's type, topic and correlation; its id is the same on every run of one generation."""
        again = [self._generation] if self._generation > 1 else []
        return follow(
            self._handling,
            id=self._handling.reply_id(self.task_id, response_type, *again),
            type=response_type,
            topic=self.response_topic,
            data=data,
            correlationId=self.correlation_id,
            taskId=self.task_id if self.version > 0 else None,
            outcome="ok" if ended == "completed" else "failed",
            planId=self.plan_id,
        )

    async def _end_silently(self, ended: str, data: Any) -> None:
        """Nobody waits for a reply, but the plan shows the task: it is ended there."""
        if ended == "completed":
            await ignoring_conflict(self._tasks.complete(self.task_id, body={"output": data, "reply": False}))
        else:
            problem: Any = to_problem_value(data)
            await ignoring_conflict(self._tasks.fail(self.task_id, body={"problem": problem, "reply": False}))

    async def _put(self, state: dict[str, Any], version: int) -> Any:
        body: Any = {"state": state, **({"task": self._request()} if version == 0 else {})}
        return await self._tasks.put_context(self.task_id, if_match=version, body=body)

    async def _reload(self) -> Any:
        return await absent_as_none(self._tasks.get_context(self.task_id)) or {"version": 0}

    def _request(self) -> Any:
        origin, agent = self._origin, self._handling.agent
        request = present(
            type=origin.type,
            correlationId=origin.correlation_id,
            sessionId=origin.session_id,
            goalId=origin.goal_id,
            responseType=origin.response_type,
            responseTopic=origin.response_topic,
            agent={"name": agent.name, "instanceId": agent.instance_id, "version": agent.version},
        )
        return {**request, "data": self._handling.event.get("data")}

    async def _write(self) -> None:
        """What the handler left: its state while the task stays open, its delegations, the gate it waits for."""
        is_needed = (bool(self._delegations.batches) or self._asked is not None) and self.version == 0
        if self._ended is None and (self._keeper.is_changed() or is_needed):
            await self._keeper.save_end()
        await self._delegations.write(lambda body: self._tasks.delegate(self.task_id, body=body))
        if self._asked is not None and self._ended is None:
            await self._tasks.wait(self.task_id, body={"reason": "input", "gateId": self._asked.gate_id})
            if self._asked.is_new:
                gates = self._handling.clients.governance.gates
                await gates.open(body=self._asked.body)


async def restore_task(
    handling: Handling, task_id: str, ended: tuple[str, dict[str, Any]] | None = None
) -> TaskContext[Any] | None:
    """A task that this agent saved or was given. None when there is none, or it is not the caller's. `ended` is a
    sub-task whose reply is being handled."""
    value: Any = await absent_as_none(handling.clients.plans.tasks.get_context(task_id))
    if value is None:
        return None
    sub_tasks = dict(value.get("subTasks") or {})
    if ended is not None:
        sub_tasks[ended[0]] = {**sub_tasks.get(ended[0], {}), **ended[1]}
    origin = TaskOrigin(
        task_id=task_id,
        type=value.get("type") or value.get("capability") or value["kind"],
        data=value.get("inputs"),
        correlation_id=value["correlationId"],
        plan_id=value.get("planId"),
        session_id=value.get("sessionId"),
        goal_id=value.get("goalId"),
        parent_task_id=value.get("parentTaskId"),
        response_type=value.get("responseType"),
        response_topic=value.get("responseTopic"),
        deadline_at=value.get("deadlineAt"),
        priority=value.get("priority", 0),
    )
    return TaskContext(handling, origin, {**value, "subTasks": sub_tasks})
