"""What becomes of a handler whose task is ended by somebody else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from processes import until
from soma import EventDefinition, PlatformContext, TaskContext, Worker
from tenants import Tenant

dug = EventDefinition("hole.completed", "action-results", "A hole.", {"type": "object"})
dig = EventDefinition("hole.requested", "action-requests", "Digs for long.", {"type": "object"}, response=dug)


@pytest.mark.parametrize("raises", [False, True])
def test_a_handler_is_told_that_its_task_was_cancelled_and_what_it_says_then_counts_no_more(
    url: str, raises: bool
) -> None:
    digger = Worker("digger", "Digs.", grace_ms=100)
    begun: asyncio.Queue[str] = asyncio.Queue()
    told: asyncio.Queue[str | None] = asyncio.Queue()

    @digger.on_task(dig)
    async def work(task: TaskContext[Any], context: PlatformContext) -> None:
        await task.save()
        begun.put_nowait(task.task_id)
        await context.signal.wait()
        told.put_nowait(context.signal.reason)
        if raises:
            raise RuntimeError("stopped digging")
        task.complete({"metres": 1})

    async def run() -> None:
        async with Tenant(url) as tenant:
            await digger.start(**tenant.reach)
            await tenant.publish("hole", {}, "corr-1")
            task_id = await begun.get()
            await tenant.clients.plans.tasks.cancel(task_id, body={"reason": "no hole is wanted"})
            assert await asyncio.wait_for(told.get(), 30) == "the task was cancelled or ran out of time"
            reply = await tenant.reply("hole", "corr-1")
            assert (reply["outcome"], reply["data"]["problem"]["code"]) == ("failed", "cancelled")
            # Nothing of it is left with the group: the next request comes.
            await tenant.publish("hole", {}, "corr-2")
            await asyncio.wait_for(begun.get(), 30)
            assert len(await tenant.events(type="hole.completed", correlation_id="corr-1")) == 1
            await digger.stop()

    asyncio.run(run())


def test_a_task_that_failed_and_is_tried_again_by_hand_answers_anew(url: str) -> None:
    digger = Worker("digger", "Fails first.", grace_ms=100)
    runs = 0

    @digger.on_task(dig)
    async def work(task: TaskContext[Any], _context: PlatformContext) -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            task.fail({"code": "stone", "detail": "a stone"})
        else:
            task.complete({"metres": 2})

    async def run() -> None:
        async with Tenant(url) as tenant:
            await digger.start(**tenant.reach)
            plans, tasks = tenant.clients.plans.plans, tenant.clients.plans.tasks
            plan = await plans.create(body={"title": "Holes"})
            specs: Any = [{"type": dig.type, "responseType": dug.type}]
            (task_id,) = (await plans.delegate(plan["planId"], body={"specs": specs}))["taskIds"]

            async def ended(status: str) -> Any:
                async def read() -> Any:
                    task = await tasks.get(task_id)
                    return task if task["status"] == status else None

                return await until(read)

            await ended("failed")
            await tasks.retry(task_id, body={"reason": "again"})
            assert (await ended("completed"))["output"] == {"metres": 2}
            await digger.stop()

    asyncio.run(run())
