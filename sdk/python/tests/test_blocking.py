"""What becomes of a handler that never lets the event loop turn."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from soma import EventDefinition, PlatformContext, TaskContext, Worker
from tenants import Tenant

summed = EventDefinition("sum.completed", "action-results", "A sum.", {"type": "object"})
sum_up = EventDefinition("sum.requested", "action-requests", "Takes long.", {"type": "object"}, response=summed)


def test_a_handler_that_keeps_the_event_loop_keeps_its_lease_and_runs_once(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    calculator = Worker("calculator", "Thinks without a pause.", lease_ms=5_000)
    runs = 0

    @calculator.on_task(sum_up)
    async def work(task: TaskContext[Any], _context: PlatformContext) -> None:
        nonlocal runs
        runs += 1
        # More than twice the lease.
        time.sleep(12)  # noqa: ASYNC251
        task.complete({"attempt": task.attempt})

    async def run() -> None:
        async with Tenant(url) as tenant:
            await calculator.start(**tenant.reach)
            reply = await tenant.request("sum", {}, "corr-1")
            assert (reply["outcome"], reply["data"], runs) == ("ok", {"attempt": 1}, 1)
            await calculator.stop()

    asyncio.run(run())
    assert "In hand: calculator (sum.requested)" in caplog.text
