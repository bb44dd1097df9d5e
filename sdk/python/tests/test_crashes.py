"""Agents that die after each of their calls in turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from mortal import Mortal
from soma import Planner, Worker
from sums import a_part_worker, a_sum_planner, an_adder
from tenants import Tenant


def test_agents_answer_once_whichever_of_their_calls_they_die_after(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def die_at_each_call(make: Callable[[], Worker | Planner]) -> None:
        async with Tenant(url) as tenant:
            worker = a_part_worker()
            async with starting:
                await worker.start(**tenant.reach)
            call = 1
            while await survive(tenant, make, call):
                call += 1
            assert call > 8
            await worker.stop()

    async def survive(tenant: Tenant, make: Callable[[], Worker | Planner], call: int) -> bool:
        mortal, correlation_id = Mortal(call), f"corr-{call}"
        victim, heir = make(), make()
        async with starting:
            mortal.begin(monkeypatch)
            await victim.start(**tenant.reach)
            monkeypatch.undo()
        mortal.is_armed = True
        await tenant.publish("sum", {"parts": [1, 2]}, correlation_id)
        replied = asyncio.create_task(tenant.reply("sum", correlation_id))
        dead = asyncio.create_task(mortal.died.wait())
        await asyncio.wait([replied, dead], return_when=asyncio.FIRST_COMPLETED)
        # What it calls when it stops is not counted.
        has_died, mortal.is_armed = mortal.is_doomed, False
        if has_died:
            await dead
            async with starting:
                await heir.start(**tenant.reach)
        assert (await replied)["data"] == {"sum": 6, "started": 1, "joined": 2}
        assert len(await tenant.events(type="sum.completed", correlation_id=correlation_id)) == 1
        assert len(await tenant.events(type="part.requested")) == 2 * call
        dead.cancel()
        await (heir if has_died else victim).stop()
        return has_died

    async def run() -> None:
        await asyncio.gather(die_at_each_call(an_adder), die_at_each_call(a_sum_planner))

    # Who starts meanwhile must not become the mortal one.
    starting = asyncio.Lock()
    asyncio.run(run())
