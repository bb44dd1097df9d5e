"""Runs the handler of an event with the context of its role."""

from __future__ import annotations

import re
from typing import Any, Final

from soma.context.absent import absent_as_none
from soma.context.goal_context import GoalContext
from soma.context.handled import DecisionContext, EventContext, InvocationContext, TransitionContext
from soma.context.kept_state import handled_event_of
from soma.context.plan_context import restore_plan
from soma.context.platform_context import PlatformContext
from soma.context.result_context import open_result
from soma.context.task_context import TaskContext, TaskOrigin
from soma.define.definition import AgentDefinition, HandlerEntry
from soma.machine.state_machine import next_state
from soma.problem import Problem
from soma.run.handling import Envelope, Handling
from soma.run.task_of_request import task_of_request
from soma.sdk_problems import TASK_UNFINISHED

_GATE_CODE: Final = re.compile("gate-(rejected|expired|cancelled)")


async def run_handler(definition: AgentDefinition, entry: HandlerEntry, handling: Handling) -> None:
    """Returning means: acknowledge; what the handler sends waits in the handling."""
    run = {
        "task": _run_task,
        "invoke": _run_task,
        "goal": _run_goal,
        "result": _run_result,
        "transition": _run_transition,
        "decision": _run_decision,
        "event": _run_event,
    }[entry.role]
    await run(entry, handling, PlatformContext(handling, definition.machine))


def is_race(error: Exception) -> bool:
    """Another handler changed the plan or task in between: the event is handled again from what stands now."""
    return isinstance(error, Problem) and error.code in ("version-conflict", "illegal-transition")


def _parse(entry: HandlerEntry, handling: Handling) -> Any:
    data = handling.event.get("data")
    return data if entry.event is None else entry.event.parse(data)


def _parse_reply(entry: HandlerEntry, handling: Handling) -> Any:
    """A failed reply carries a problem, whatever its type says."""
    return None if handling.event.get("outcome") == "failed" else _parse(entry, handling)


async def _run_task(entry: HandlerEntry, handling: Handling, platform: PlatformContext) -> None:
    event, data = handling.event, _parse(entry, handling)
    task = await _take_task(handling, data)
    if task is None:
        return
    if entry.role == "task":
        await entry.handle(task, platform)
        if not task.has_ended and not task.is_waiting:
            task.fail(TASK_UNFINISHED.create(f"the handler of {event['type']} returned without an end"))
        return
    invocation = InvocationContext(
        event["id"], event["type"], data, handling.correlation_id, event.get("responsetype"), event.get("userid")
    )
    answer = await entry.handle(invocation, platform)
    response = None if entry.event is None else entry.event.response
    task.complete(answer if response is None or answer is None else response.dump(answer))


async def _take_task(handling: Handling, data: Any) -> TaskContext[Any] | None:
    """Tells `plans` that the task begins, where it knows the task. None: it has ended or waits for somebody else."""
    event, agent, tasks = handling.event, handling.agent, handling.clients.plans.tasks
    task_id, is_planned = task_of_request(event, agent.name)
    is_repeated = handling.attempt > 1 or handling.redelivered
    if not is_planned:
        stored: Any = await absent_as_none(tasks.get_context(task_id)) if is_repeated else None
        if stored is not None and (_is_over(stored, event) or _has_moved_on(stored, event["id"])):
            return None
        return TaskContext(handling, _origin_of(handling, task_id, data), stored or {"version": 0})
    body: Any = {
        "deliveryKey": f"{handling.delivery_id}:{handling.attempt}",
        "agent": {"name": agent.name, "instanceId": agent.instance_id, "version": agent.version},
    }
    started: Any = await absent_as_none(tasks.start(task_id, body=body))
    if started is None:
        return TaskContext(handling, _origin_of(handling, task_id, data), {"version": 0})
    if started["status"] not in ("running", "delegated"):
        return None
    stored = await tasks.get_context(task_id) if started["delivery"] > 1 or is_repeated else started
    return TaskContext(handling, _origin_of(handling, task_id, data, started), stored)


def _origin_of(handling: Handling, task_id: str, data: Any, planned: Any = None) -> TaskOrigin:
    event, task = handling.event, planned or {}
    return TaskOrigin(
        task_id=task_id,
        type=event["type"],
        data=data,
        correlation_id=handling.correlation_id,
        plan_id=event.get("planid"),
        session_id=event.get("sessionid"),
        goal_id=event.get("goalid"),
        parent_task_id=task.get("parentTaskId"),
        causation_id=event.get("causationid"),
        response_type=event.get("responsetype"),
        response_topic=event.get("responsetopic"),
        deadline_at=event.get("expirytime"),
        priority=task.get("priority", 0),
    )


def _is_over(stored: Any, event: Envelope) -> bool:
    """`plans` has answered the requester: a reply of ours would have taken this delivery with it."""
    ended = ("completed", "failed") if "responsetype" in event else ()
    return stored["status"] in ("cancelled", *ended)


def _has_moved_on(stored: Any, event_id: str) -> bool:
    """Later events of the task were handled since: this request is a duplicate, or its ack was lost after all it asked
    for was done."""
    handled = handled_event_of(stored.get("state"))
    return stored["status"] != "running" and handled is not None and handled != event_id


async def _run_goal(entry: HandlerEntry, handling: Handling, platform: PlatformContext) -> None:
    await entry.handle(GoalContext(handling, _parse(entry, handling)), platform)


async def _run_result(entry: HandlerEntry, handling: Handling, platform: PlatformContext) -> None:
    result = await open_result(handling, _parse_reply(entry, handling))
    if result is not None:
        await entry.handle(result, platform)


async def _run_transition(entry: HandlerEntry, handling: Handling, platform: PlatformContext) -> None:
    event = handling.event
    data = _parse_reply(entry, handling)
    result = await open_result(handling, data)
    if result is None:
        return
    plan = await result.restore_plan()
    if plan is None and "planid" in event:
        plan = await restore_plan(handling, event["planid"])
    if plan is None or plan.state_machine is None or plan.current_state is None:
        return
    is_failed = result.outcome == "failed"
    on = f"{event['type']}.failed" if is_failed else event["type"]
    value = {"problem": result.problem} if is_failed else event.get("data")
    scope = {"goal": {"data": plan.goal.data}, "results": {**plan.results, on: value}, "state": plan.state}
    to = next_state(plan.state_machine, plan.current_state, on, scope)
    if to is not None:
        transition = TransitionContext(on, value, to, event["type"], result.outcome, result.problem)
        await entry.handle(transition, plan, platform)
    elif result.problem is not None:
        # A failed reply that no edge takes ends the plan: whoever set the goal must hear of it.
        plan.fail(result.problem)


async def _run_decision(entry: HandlerEntry, handling: Handling, platform: PlatformContext) -> None:
    result = await open_result(handling, handling.event.get("data"))
    plan = None if result is None else await result.restore_plan()
    if result is None or plan is None or result.sub_task_id is None:
        return
    gate_id = (await handling.clients.plans.tasks.get(result.sub_task_id)).get("gateId")
    if gate_id is None:
        return
    said: Any = result.data or {}
    refusal = _GATE_CODE.fullmatch("" if result.problem is None else result.problem["code"])
    outcome: Any = said.get("outcome", "rejected") if refusal is None else refusal[1]
    decision = DecisionContext(
        gate_id=gate_id,
        key=result.key or gate_id,
        outcome=outcome,
        instructions=said.get("instructions"),
        edited=said.get("edited") is True,
        _handling=handling,
    )
    await entry.handle(decision, plan, platform)


async def _run_event(entry: HandlerEntry, handling: Handling, platform: PlatformContext) -> None:
    event = handling.event
    context = EventContext(
        type=event["type"],
        topic=event["topic"],
        data=event.get("data") if event.get("outcome") == "failed" else _parse(entry, handling),
        event_id=event["id"],
        correlation_id=handling.correlation_id,
        plan_id=event.get("planid"),
        session_id=event.get("sessionid"),
        envelope=event,
    )
    await entry.handle(context, platform)
