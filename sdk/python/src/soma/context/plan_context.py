"""Plans in the hands of planners."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from soma.context.absent import absent_as_none, ignoring_conflict
from soma.context.delegation import Batch, Delegations, GroupView, Spec, to_group_view
from soma.context.failure import FailureInput, failed_data
from soma.context.gates import Gate, open_gate
from soma.context.kept_state import open_state
from soma.context.state_keeper import StateKeeper
from soma.context.task_context import ENDED
from soma.context.working_memory import WorkingMemory
from soma.define.event import AnyEvent, EventDefinition
from soma.json_value import copy_of, present
from soma.machine.state_machine import is_terminal
from soma.machine.templates import fill_templates
from soma.problem import Problem
from soma.run.handling import Handling

Input = TypeVar("Input")
# More moves in one handler mean a machine that runs in a circle by default edges.
_MAXIMUM_MOVES: Final = 50


@dataclass(frozen=True, slots=True)
class Trigger:
    """What makes a plan move: the reply or fact that is handled, with the state it leads to."""

    on: str
    data: Any
    next_state: str


@dataclass(frozen=True, slots=True)
class Goal:
    type: str
    data: Any


@dataclass(frozen=True, slots=True)
class _Move:
    from_state: str
    to_state: str
    trigger: Trigger | None = None

    @property
    def body(self) -> dict[str, Any]:
        moved = {"fromState": self.from_state, "toState": self.to_state}
        return moved if self.trigger is None else {**moved, "on": self.trigger.on, "data": self.trigger.data}


class PlanContext:
    """A plan in the hands of its planner.

    Delegations, state and end are written when the handler has returned; a repeat of the handler writes them once.
    `results` are those of transitions by event type, and `userInput` after a resume with input. `state` is yours, at
    most 1 MiB of JSON; saved by `save`, and when the handler returns.
    """

    def __init__(self, handling: Handling, plan: Any) -> None:
        self._handling = handling
        self._plan = plan
        self._plans = handling.clients.plans.plans
        self._delegations = Delegations(handling)
        self._moves: list[_Move] = []
        self._end: dict[str, Any] | None = None
        self.plan_id: str = plan["planId"]
        self._keeper = StateKeeper(
            plan,
            event_id=handling.event["id"],
            came_from=plan.get("currentState"),
            put=lambda state, version: self._plans.put_state(self.plan_id, if_match=version, body={"state": state}),
            reload=lambda: self._plans.get(self.plan_id),
        )
        handling.effects.append(self._write)
        goal = plan.get("goal") or {}
        self.title: str = plan["title"]
        self.goal = Goal(goal.get("type", ""), goal.get("data"))
        self.status: str = plan["status"]
        self.state_machine: Mapping[str, Any] | None = plan.get("stateMachine")
        self.current_state: str | None = self._keeper.came_from
        self.results: dict[str, Any] = dict(plan.get("results") or {})
        self.state = self._keeper.state
        # Values that all who work in the plan share; they go when it ends.
        self.shared = WorkingMemory(handling, self.plan_id)
        self.parent_plan_id: str | None = plan.get("parentPlanId")
        self.session_id: str | None = plan.get("sessionId")
        self.correlation_id: str | None = goal.get("correlationId")

    @property
    def version(self) -> int:
        return self._keeper.version

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
        """Hands out a task; its reply comes to `on_result` or `on_transition`. Answers its id; see `Spec`."""
        return self._delegations.add(Spec(event, data, key, name, response, timeout_ms, priority))

    def delegate_parallel(self, specs: Sequence[Spec]) -> str:
        """Hands out up to 100 tasks at once. `on_result` of the one that ends last sees `group.done`."""
        return self._delegations.add_group(specs)

    async def group(self, group_id: str) -> GroupView:
        return to_group_view(await self._handling.clients.plans.groups.of_plan(self.plan_id, group_id))

    async def open_gate(self, gate: Gate) -> str:
        """Opens a gate and waits for it as a task of the plan: its decision comes to `on_decision`. Opening it again is
        the same gate. Answers its id."""
        gate_id = await open_gate(self._handling, self.plan_id, gate)
        response_type = gate_decision_type(self._handling.agent.name)
        self._delegations.add_gate(gate_id=gate_id, key=gate.key, name=gate.title, response_type=response_type)
        return gate_id

    def execute_next(self, trigger: Trigger | None = None) -> None:
        """Enters the state that the trigger leads to, without one the default state, and does its action."""
        at = self._state_of(self.current_state)
        if self.current_state is None or at is None:
            raise TypeError(f"plan {self.plan_id} has no state machine to execute")
        if trigger is not None:
            self.results[trigger.on] = trigger.data
            self._enter(_Move(self.current_state, trigger.next_state, trigger))
        elif "defaultNext" in at:
            self._enter(_Move(self.current_state, at["defaultNext"]))
        else:
            self._act(at)

    def is_complete(self) -> bool:
        """True when the machine stands, or is about to stand, in a terminal state."""
        return is_ended(self._plan) or is_terminal(self._state_of(self.current_state))

    def finalize(self, result: Any = None) -> None:
        """Ends the plan and answers the requester, in one commit."""
        self._end = {"outcome": "completed", "result": copy_of(result)}

    def fail(self, failure: FailureInput) -> None:
        self._end = {"outcome": "failed", "problem": failed_data(failure)["problem"]}

    def cancel(self, reason: str) -> None:
        """Ends the plan as cancelled, for a reason of at most 500 characters; open tasks are cancelled and the
        requester hears once."""
        self._end = {"outcome": "cancelled", "reason": reason}

    async def pause(self, reason: str) -> None:
        await self._plans.pause(self.plan_id, body={"reason": reason})

    async def resume(self, input: Any = None) -> None:
        await self._plans.resume(self.plan_id, body=present(input=input))

    async def save(self) -> None:
        """Writes the state now. Raises `version-conflict` when another wrote the same member."""
        await self._keeper.save()

    def _state_of(self, name: str | None) -> Mapping[str, Any] | None:
        return None if name is None or self.state_machine is None else self.state_machine.get(name)

    def _enter(self, move: _Move) -> None:
        if len(self._moves) >= _MAXIMUM_MOVES:
            raise RuntimeError(f"plan {self.plan_id} made {_MAXIMUM_MOVES} moves at once")
        self._moves.append(move)
        self.current_state = move.to_state
        state = self._state_of(move.to_state)
        if state is not None:
            self._act(state)

    def _act(self, state: Mapping[str, Any]) -> None:
        """Hands out the action of a state as a task of the plan."""
        action = state.get("action")
        if action is None:
            return
        scope = {"goal": {"data": self.goal.data}, "results": self.results, "state": self.state}
        task = present(
            taskId=self._handling.id("task", action["event"]),
            kind="agent",
            type=action["event"],
            responseType=action.get("response"),
        )
        task["data"] = fill_templates(action.get("data", {}), scope)
        self._delegations.batches.append(Batch([task]))

    async def _write(self) -> None:
        """State or transitions first, then tasks, then the end: what a crash cuts off is made by the repeat."""
        end, moves, keeper = self._end, self._moves, self._keeper
        needs_marker = end is not None and bool(self._handling.emits)
        if not is_ended(self._plan) and not moves and (keeper.is_changed() or needs_marker):
            await keeper.save_end()
        for move in moves:
            await self._write_move(move)
        await self._delegations.write(lambda body: self._plans.delegate(self.plan_id, body=body))
        if end is None:
            return
        if end["outcome"] == "cancelled":
            await self._finish(self._plans.cancel(self.plan_id, body={"reason": end["reason"]}))
        elif not moves or not is_terminal(self._state_of(self.current_state)):
            finish: Any = end
            await self._finish(self._plans.finish(self.plan_id, body=finish))

    async def _finish(self, call: Any) -> None:
        await (ignoring_conflict(call) if is_ended(self._plan) else call)

    async def _write_move(self, move: _Move) -> None:
        if is_ended(self._plan):
            return
        ending = self._ending() if is_terminal(self._state_of(move.to_state)) else {}
        body: Any = {**move.body, **ending, "eventId": self._handling.event["id"], "state": self._keeper.end()}
        try:
            await self._plans.transition(self.plan_id, body=body)
        except Problem as error:
            # A repeat finds the moves that its first run made.
            if not self._keeper.is_repeat or error.code != "illegal-transition":
                raise

    def _ending(self) -> dict[str, Any]:
        end = self._end or {}
        if end.get("outcome") == "failed":
            return {"problem": end["problem"]}
        return {"result": end["result"] if end.get("outcome") == "completed" else self.results}


def gate_decision_type(agent_name: str) -> str:
    """The type in which an agent hears of decisions at its gates."""
    return re.sub(r"^[^a-z]+", "agent-", re.sub(r"[^a-z0-9-]+", "-", agent_name)) + ".gate-decided"


def is_ended(plan: Any) -> bool:
    return plan["status"] in ENDED


def is_of_planner(plan: Any, handling: Handling) -> bool:
    """A finished plan is of no more interest, unless this very event has finished it and is handled again."""
    is_own = plan["labels"].get("planner") == handling.agent.name
    return is_own and (not is_ended(plan) or open_state(plan.get("state"), handling.event["id"]).is_repeat)


async def restore_plan(handling: Handling, plan_id: str) -> PlanContext | None:
    """The plan of an id, if it is one of this planner's."""
    plan = await absent_as_none(handling.clients.plans.plans.get(plan_id))
    return None if plan is None or not is_of_planner(plan, handling) else PlanContext(handling, plan)
