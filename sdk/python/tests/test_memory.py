"""Memory of agents against a real platform."""

from __future__ import annotations

import asyncio
from typing import Any

from soma import (
    EventDefinition,
    GoalContext,
    Planner,
    PlatformContext,
    Problem,
    ResultContext,
    Spec,
    TaskContext,
    Worker,
)
from tenants import Tenant

common: Any = {"member_grace_ms": 0, "backoff": {"baseMs": 1}, "max_attempts": 2}


def an_event(name: str) -> EventDefinition[Any]:
    done = EventDefinition(f"{name}.completed", "action-results", f"Done with {name}.", True)
    return EventDefinition(f"{name}.requested", "action-requests", f"Asks for {name}.", True, response=done)


def test_facts_replace_each_other_and_are_erased_and_a_repeated_handler_counts_once(url: str) -> None:
    worker = Worker("noter", "Notes.", **common)
    runs: list[str] = []

    @worker.on_task(an_event("note"))
    async def note(task: TaskContext[Any], context: PlatformContext) -> None:
        memory = context.memory
        fact = {"content": task.data, "subject": "user", "predicate": "home"}
        results = await memory.remember(fact, {"kind": "episode", "role": "user", "content": f"They said {task.data}"})
        count = await memory.working.increment("notes")
        runs.append(task.data)
        if len(runs) == 1:
            raise RuntimeError("a fault after the writes")
        await memory.link(results[0]["id"], "derived-from", results[1]["id"])
        hits = (await memory.recall("who lives in the city", kinds=["fact"]))["hits"]
        found = [hit["item"]["content"] for hit in hits]
        erased = 0 if len(runs) < 3 else await memory.forget(results[0]["id"])
        gone = await memory.get(results[0]["id"]) is None
        task.complete([count, found, erased > 0, gone])

    async def run() -> None:
        async with Tenant(url) as tenant:
            await worker.start(**tenant.reach)
            first = await tenant.request("note", "Anna lives in the city of Lisbon", "corr-1")
            assert first["data"] == [1, ["Anna lives in the city of Lisbon"], False, False]
            second = await tenant.request("note", "Anna lives in the city of Ghent", "corr-2")
            assert second["data"] == [2, ["Anna lives in the city of Ghent"], True, True]
            await worker.stop()

    asyncio.run(run())


def test_a_draft_is_used_once_somebody_activated_it(url: str) -> None:
    worker = Worker("clerk", "Refunds.", **common)

    @worker.on_task(an_event("refund"))
    async def refund(task: TaskContext[Any], context: PlatformContext) -> None:
        named = {"kind": "procedure", "name": "refunds", "type": "skill", "trigger": "money back"}
        await context.memory.remember({**named, "content": "Ask for the receipt."})
        found = [one["procedure"] for one in await context.memory.select("they want money back", limit=1)]
        built = await context.memory.context(500, query="money")
        assert ("Ask for the receipt." in built["text"]) is bool(found)
        passages = await context.memory.retrieve("receipt", kinds=["procedure"], budgetTokens=64)
        assert passages["answerable"] is bool(found)
        await context.memory.feedback("useful", *(one["id"] for one in found))
        task.complete([one["content"] for one in found])

    async def run() -> None:
        async with Tenant(url) as tenant:
            await worker.start(**tenant.reach)
            assert (await tenant.request("refund", {}, "corr-1"))["data"] == []
            procedures = tenant.clients.memory.procedures
            draft = (await procedures.list())["items"][0]
            assert (draft["agentId"], draft["status"]) == ("clerk", "draft")
            await procedures.activate(draft["id"])
            assert (await tenant.request("refund", {}, "corr-2"))["data"] == ["Ask for the receipt."]
            after = await procedures.get(draft["id"])
            assert (after["uses"], after["wins"], after["version"]) == (1, 1, 1)
            await worker.stop()

    asyncio.run(run())


def test_values_of_a_plan_are_changed_in_single_steps_until_it_ends(url: str) -> None:
    worker = Worker("adder", "Adds.", **common)
    planner = Planner("counter", "Counts.", **common)
    adding = an_event("add")
    assert adding.response is not None
    late: list[str] = []

    @worker.on_task(adding)
    async def add(task: TaskContext[Any], context: PlatformContext) -> None:
        await context.memory.working.append("seen", task.data)
        task.complete(await context.memory.working.increment("sum", task.data))

    @planner.on_goal(an_event("count"))
    async def count(goal: GoalContext[Any], context: PlatformContext) -> None:
        plan = await context.plans.create_from_goal(goal)
        await plan.shared.set("sum", 0)
        plan.delegate_parallel([Spec(adding, part) for part in (1, 2, 3, 4)])

    @planner.on_result(adding.response)
    async def added(result: ResultContext[Any], context: PlatformContext) -> None:
        if result.group is None or not result.group.done:
            return
        plan = await result.restore_plan()
        assert plan is not None
        values = context.shared(plan.plan_id)
        entry = await values.entry("sum")
        writes = [await values.update_if("sum", entry["version"], total) for total in (100, 200)]
        merged = await values.merge("notes", {"a": 1})
        left = await values.remove("seen", 3)
        there = [await values.has("notes"), await values.has("nothing")]
        plan.finalize([entry["value"], writes, merged, sorted(left), there, await values.keys("s")])

    @worker.on_task(an_event("late"))
    async def write(task: TaskContext[Any], context: PlatformContext) -> None:
        try:
            await context.shared(task.data).set("late", 1)
        except Problem as error:
            late.append(error.code)
        task.complete(None)

    async def run() -> None:
        async with Tenant(url) as tenant:
            await worker.start(**tenant.reach)
            await planner.start(**tenant.reach)
            reply = await tenant.request("count", {}, "corr-1")
            assert reply["data"] == [10, [True, False], {"a": 1}, [1, 2, 4], [True, False], ["seen", "sum"]]
            await tenant.request("late", reply["planid"], "corr-2")
            assert late == ["memory-scope-closed"]
            await planner.stop()
            await worker.stop()

    asyncio.run(run())
