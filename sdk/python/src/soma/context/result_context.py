"""Replies to what an agent asked for."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from soma.context.absent import absent_as_none, ignoring_conflict
from soma.context.delegation import GroupView, to_group_view
from soma.context.failure import to_problem_value
from soma.context.plan_context import PlanContext, is_of_planner
from soma.context.task_context import ENDED, TaskContext, restore_task
from soma.run.handling import Handling

Data = TypeVar("Data")


class ResultContext(Generic[Data]):
    """The reply to something this agent asked for. `data` is None when it failed; then `problem` says why.

    `sub_task_id` is the task that was delegated, None for replies to plain events; `key` its key in its plan. `group`
    is where its group stands; `group.done` is true in the result of the member that ended last, and in no other.
    """

    def __init__(self, handling: Handling, data: Data, sub_task: Any, group: GroupView | None, plan: Any) -> None:
        event = handling.event
        self._handling = handling
        self._sub_task = sub_task
        self._plan = plan
        self._restored: TaskContext[Any] | None = None
        self._opened: PlanContext | None = None
        self.type: str = event["type"]
        self.data = data
        self.outcome: Literal["ok", "failed"] = event.get("outcome", "ok")
        self.problem = to_problem_value(event.get("data")) if self.outcome == "failed" else None
        self.sub_task_id: str | None = None if sub_task is None else sub_task["taskId"]
        self.key: str | None = None if sub_task is None else sub_task.get("key")
        self.group_id: str | None = None if sub_task is None else sub_task.get("groupId")
        self.group = group
        self.correlation_id = handling.correlation_id

    async def restore_task(self) -> TaskContext[Any] | None:
        """The task that delegated it, with its state. None when it was not a task of this agent."""
        if self._sub_task is None or "parentTaskId" not in self._sub_task:
            return None
        if self._restored is None:
            ended = (self._sub_task["taskId"], self._ended_sub_task())
            self._restored = await restore_task(self._handling, self._sub_task["parentTaskId"], ended)
        return self._restored

    async def restore_plan(self) -> PlanContext | None:
        """The plan of this planner that it belongs to. None when there is none, or it has ended."""
        if self._opened is None and self._plan is not None:
            self._opened = PlanContext(self._handling, self._plan)
        return self._opened

    def _ended_sub_task(self) -> dict[str, Any]:
        is_failed = self.outcome == "failed"
        ended = {"type": self._sub_task.get("type", self._sub_task["kind"])}
        if is_failed:
            return {**ended, "status": "failed", "problem": self.problem}
        return {**ended, "status": "completed", "result": self._handling.event.get("data")}


async def open_result(handling: Handling, data: Any) -> ResultContext[Any] | None:
    """A reply with what it belongs to. None: the reply is for another agent."""
    correlation_id = handling.event.get("correlationid", "")
    if not correlation_id.startswith("task_"):
        return ResultContext(handling, data, None, None, None)
    sub_task: Any = await absent_as_none(handling.clients.plans.tasks.get(correlation_id))
    if sub_task is None:
        return None
    if sub_task["status"] not in ENDED:
        sub_task = await _record_end(handling, correlation_id)
    is_own, plan = await _owner_of(handling, sub_task)
    if not is_own:
        return None
    return ResultContext(handling, data, sub_task, await _group_of(handling, sub_task), plan)


async def _record_end(handling: Handling, task_id: str) -> Any:
    """The reply was faster here than at `plans`: it is told, so that everything read from now on contains it."""
    event, tasks = handling.event, handling.clients.plans.tasks
    if event.get("outcome") == "failed":
        problem: Any = to_problem_value(event.get("data"))
        await ignoring_conflict(tasks.fail(task_id, body={"problem": problem, "reply": False}))
    else:
        await ignoring_conflict(tasks.complete(task_id, body={"output": event.get("data"), "reply": False}))
    return await tasks.get(task_id)


async def _owner_of(handling: Handling, sub_task: Any) -> tuple[bool, Any]:
    """Whether this agent delegated it, and the plan, where a plan did."""
    plans = handling.clients.plans
    if "parentTaskId" in sub_task:
        parent: Any = await absent_as_none(plans.tasks.get(sub_task["parentTaskId"]))
        return parent is not None and parent.get("agent", {}).get("name") == handling.agent.name, None
    plan = await absent_as_none(plans.plans.get(sub_task["planId"]))
    return plan is not None and is_of_planner(plan, handling), plan


async def _group_of(handling: Handling, sub_task: Any) -> GroupView | None:
    group_id = sub_task.get("groupId")
    if group_id is None:
        return None
    groups = handling.clients.plans.groups
    parent_task_id = sub_task.get("parentTaskId")
    group: Any = await (
        groups.of_plan(sub_task["planId"], group_id) if parent_task_id is None else groups.get(parent_task_id, group_id)
    )
    return to_group_view(group, done=group["done"] and group.get("lastTaskId") == sub_task["taskId"])
