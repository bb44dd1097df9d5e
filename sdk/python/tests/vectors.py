"""The vectors that every SDK obeys, and the agents that they speak of."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from soma import (
    Action,
    EventDefinition,
    GoalContext,
    InvocationContext,
    PlanContext,
    Planner,
    PlatformContext,
    Problem,
    ResultContext,
    Spec,
    State,
    TaskContext,
    Tool,
    Transition,
    TransitionContext,
    Worker,
)
from soma.clients.bound import BoundClients
from soma.clients.transport import Connection, Request, Transport
from soma.problem import problem_of_document
from soma.run.handle_delivery import handle_delivery
from soma.run.handling import AgentIdentity, Handling
from soma.run.settler import Settlement
from soma.run.waiting import Signal

_FOLDER = Path(__file__).parents[2] / "vectors"


def read(name: str) -> Any:
    return json.loads((_FOLDER / f"{name}.json").read_text())


def event_of(type: str) -> EventDefinition[Any]:
    """Events of a vector are named by their types; `a.requested` is answered by `a.completed`."""
    if not type.endswith(".requested"):
        return EventDefinition(type, "action-results", "Of a vector.", True)
    response = event_of(type.replace(".requested", ".completed"))
    return EventDefinition(type, "action-requests", "Of a vector.", True, response=response)


def machine_of(given: Mapping[str, Any]) -> dict[str, State]:
    """A machine of a vector: `{ action: { event, data }, transitions: [{ on, to, when }] }` with types for events."""
    return {name: _state_of(state) for name, state in given.items()}


def _state_of(state: Mapping[str, Any]) -> State:
    action = state.get("action")
    return State(
        description=state.get("description"),
        action=None if action is None else Action(event_of(action["event"]), action["data"]),
        transitions=[Transition(edge["on"], edge["to"], edge.get("when")) for edge in state.get("transitions", ())],
        default_next=state.get("defaultNext"),
        timeout_ms=state.get("timeoutMs"),
        on_timeout=state.get("onTimeout"),
        terminal=state.get("terminal"),
    )


part = event_of("part.requested")
adder = Worker("adder", "Adds up what its parts answer.")


@adder.on_task(event_of("sum.requested"))
async def add(task: TaskContext[Any], context: PlatformContext) -> None:
    task.state["started"] = await task.once("started", lambda: 1)
    await task.save()
    task.delegate_parallel([Spec(part, {"part": number}) for number in task.data["parts"]])


@adder.on_result(event_of("part.completed"))
async def join(result: ResultContext[Any], context: PlatformContext) -> None:
    task = await result.restore_task()
    if task is None:
        return
    task.state["joined"] = task.state.get("joined", 0) + 1
    if result.group is None or not result.group.done:
        return
    total = sum(one["doubled"] for one in result.group.results)
    task.complete({"sum": total, "joined": task.state["joined"]})


@adder.on_task(event_of("broken.requested"))
async def break_down(task: TaskContext[Any], context: PlatformContext) -> None:
    if not task.data["final"]:
        raise RuntimeError("no luck")
    raise Problem(code="out-of-paper", status=422, detail=task.data["note"])


_MACHINE = {
    "search": {
        "action": {"event": "search.requested", "data": {"topic": "{{goal.data.topic}}", "from": "{{state.page}}"}},
        "transitions": [
            {"on": "search.completed", "to": "done", "when": "results.search.completed.count > 0"},
            {"on": "search.completed", "to": "nothing"},
        ],
    },
    "done": {"terminal": True},
    "nothing": {"terminal": "failed"},
}
searcher = Planner("searcher", "Searches.", state_machine=machine_of(_MACHINE))


@searcher.on_goal(event_of("find.requested"))
async def search(goal: GoalContext[Any], context: PlatformContext) -> None:
    plan = await context.plans.create_from_goal(goal, state={"page": 1})
    plan.execute_next()


@searcher.on_transition()
async def move(transition: TransitionContext, plan: PlanContext, context: PlatformContext) -> None:
    plan.execute_next(transition)
    if plan.is_complete():
        plan.finalize({"found": plan.results.get("search.completed")})


noter = Tool("noter", "Notes.")


@noter.on_invoke(event_of("note.requested"))
async def note(invocation: InvocationContext[Any], context: PlatformContext) -> Any:
    memory, text = context.memory, invocation.data["text"]
    results = await memory.remember(
        {"content": text, "subject": "user", "predicate": "home"},
        {"kind": "episode", "role": "user", "content": text},
    )
    await memory.link(results[0]["id"], "derived-from", results[1]["id"], 0.5)
    recalled = await memory.recall(text, limit=3)
    count = await memory.working.increment("notes")
    kept = await memory.working.append("latest", text, max_items=3)
    was_first = await memory.working.update_if("last", 0, text)
    await memory.working.delete("draft")
    draft = await memory.working.get("draft")
    return {"hits": len(recalled["hits"]), "count": count, "kept": kept, "wasFirst": was_first, "draft": draft}


class ScriptedPlatform(Transport):
    """Plays the platform's answers of a transcript back in their order, and keeps what was asked."""

    def __init__(self, answers: list[Any]) -> None:
        super().__init__(Connection(), {})
        self._answers = answers
        self.calls: list[Any] = []

    async def call(self, request: Request) -> Any:
        headers = {"ifMatch": request.headers.get("if-match"), "idempotencyKey": request.headers.get("idempotency-key")}
        parts = {"method": request.method, "path": request.path, **headers, "body": request.body}
        self.calls.append(json.loads(json.dumps({name: part for name, part in parts.items() if part is not None})))
        answer = self._answers[len(self.calls) - 1]
        if "problem" in answer:
            raise problem_of_document(answer["problem"])
        return answer["answer"]


async def replay(transcript: Any) -> tuple[list[Any], Any]:
    """Handles the delivery of a transcript; answers the calls that were made, and how it settles."""
    platform = ScriptedPlatform(transcript["calls"])
    delivery = transcript["delivery"]

    def begin() -> Handling:
        return Handling(
            event=delivery["event"],
            delivery_id=delivery["deliveryId"],
            attempt=delivery["attempt"],
            redelivered=delivery["redelivered"],
            agent=AgentIdentity(transcript["agent"], "1.0.0", "instance-1"),
            clients=BoundClients(platform),
            signal=Signal(),
            log=logging.getLogger("soma.test"),
        )

    agent = {"adder": adder, "searcher": searcher, "noter": noter}[transcript["agent"]]
    return platform.calls, _plain(await handle_delivery(agent.definition, begin))


def _plain(settlement: Settlement) -> Any:
    if settlement.kind == "ack":
        return {"kind": "ack", "emits": list(settlement.emits)}
    return {"kind": settlement.kind, "problem": settlement.problem, **({"dead": True} if settlement.dead else {})}
