"""What a handler is told of its plan, and in whose name it works."""

from __future__ import annotations

import asyncio
from typing import Any

from processes import until
from soma import EventDefinition, PlatformContext, TaskContext, Worker
from tenants import Tenant

reported = EventDefinition("report.completed", "action-results", "A report.", {"type": "object"})
report = EventDefinition("report.requested", "action-requests", "Asks.", {"type": "object"}, response=reported)
NO_PLAN = "plan_01h455vb4pex5vsknk084sn02q"


def test_a_handler_asks_the_tracker_where_its_plan_stands_and_in_whose_name_it_works(url: str) -> None:
    reporter = Worker("reporter", "Looks around.")
    seen: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    @reporter.on_task(report)
    async def work(task: TaskContext[Any], context: PlatformContext) -> None:
        await task.save()

        async def running() -> Any:
            found = await context.tracker.progress()
            return found if found is not None and found["plan"]["counts"]["running"] == 1 else None

        # The tracker follows the log.
        progress = await until(running)
        tasks = await context.tracker.tasks() or []
        group = await context.tracker.group(tasks[0]["groupId"])
        me = await context.identity.me()
        look = {
            "plan": progress["plan"]["planId"] == context.event["planid"],
            "tasks": [(one["type"], one["state"]) for one in tasks],
            "group": group["total"],
            "unknown": await context.tracker.progress(NO_PLAN),
            "user": me["userId"],
            "may": (await context.identity.may("plan:read"), await context.identity.may("nothing")),
        }
        seen.put_nowait(look)
        task.complete({})

    async def run() -> None:
        async with Tenant(url) as tenant:
            await reporter.start(**tenant.reach)
            plans = tenant.clients.plans.plans
            plan = await plans.create(body={"title": "A house"})
            specs: Any = [{"type": report.type, "responseType": reported.type}]
            await plans.delegate(plan["planId"], body={"specs": specs, "group": True})
            look = await asyncio.wait_for(seen.get(), 60)
            assert look.pop("may")[0]
            assert look == {
                "plan": True,
                "tasks": [("report.requested", "running")],
                "group": 1,
                "unknown": None,
                "user": "usr-a",
            }
            await reporter.stop()

    asyncio.run(run())
