"""A worker that doubles, and a worker and a planner that have it double their parts and add up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from soma import EventDefinition, GoalContext, Planner, PlatformContext, ResultContext, Spec, TaskContext, Worker


@dataclass
class Part:
    part: int


@dataclass
class Doubled:
    doubled: int


@dataclass
class Parts:
    parts: list[int]


@dataclass
class Sum:
    sum: int
    started: int
    joined: int


part_completed = EventDefinition("part.completed", "action-results", "A part is done.", Doubled)
part_requested = EventDefinition("part.requested", "action-requests", "Asks for a part.", Part, response=part_completed)
sum_completed = EventDefinition("sum.completed", "action-results", "A sum.", Sum)
sum_requested = EventDefinition("sum.requested", "action-requests", "Asks for a sum.", Parts, response=sum_completed)
common: Any = {"member_grace_ms": 0, "backoff": {"baseMs": 1}, "grace_ms": 100}
Result = ResultContext[Doubled]


def a_part_worker() -> Worker:
    worker = Worker("part-worker", "Doubles.", **common)

    @worker.on_task(part_requested)
    async def double(task: TaskContext[Part], context: PlatformContext) -> None:
        task.complete(Doubled(task.data.part * 2))

    return worker


def an_adder() -> Worker:
    """Saves, delegates to two, joins, completes."""
    adder = Worker("adder", "Adds.", **common)

    @adder.on_task(sum_requested)
    async def add(task: TaskContext[Parts], context: PlatformContext) -> None:
        task.state["started"] = await task.once("started", lambda: task.state.get("started", 0) + 1)
        await task.save()
        task.delegate_parallel([Spec(part_requested, Part(part)) for part in task.data.parts])

    @adder.on_result(part_completed)
    async def join(result: Result, context: PlatformContext) -> None:
        task = await result.restore_task()
        assert task is not None
        task.state["joined"] = task.state.get("joined", 0) + 1
        if result.group is not None and result.group.done:
            task.complete(Sum(total_of(result), task.state["started"], task.state["joined"]))

    return adder


def a_sum_planner() -> Planner:
    """The same as a planner's plan."""
    planner = Planner("sum-planner", "Adds.", **common)

    @planner.on_goal(sum_requested)
    async def begin(goal: GoalContext[Parts], context: PlatformContext) -> None:
        plan = await context.plans.create_from_goal(goal, state={"started": 0, "joined": 0})
        plan.state["started"] += 1
        plan.delegate_parallel([Spec(part_requested, Part(part)) for part in goal.data.parts])

    @planner.on_result(part_completed)
    async def join(result: Result, context: PlatformContext) -> None:
        plan = await result.restore_plan()
        if plan is None:
            return
        plan.state["joined"] += 1
        if result.group is not None and result.group.done:
            plan.finalize(Sum(total_of(result), plan.state["started"], plan.state["joined"]))

    return planner


def total_of(result: Result) -> int:
    assert result.group is not None
    return sum(one["doubled"] for one in result.group.results)
