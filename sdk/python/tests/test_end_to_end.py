"""Agents in Python and in TypeScript on one platform, each in a process of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from processes import Program
from tenants import Tenant

Spawn = Callable[..., Program]


def test_a_typescript_requester_is_answered_exactly_once_by_a_python_worker_killed_between_hand_out_and_settle(
    url: str, spawn: Spawn
) -> None:
    async def run() -> None:
        victim = spawn("greeter.py", HANG="1")
        async with Tenant(url, is_default=True) as tenant:
            await tenant.listens("greeter")
            await kill_in_hand(tenant, victim)

    async def kill_in_hand(tenant: Tenant, victim: Program) -> None:
        asked = {
            "type": "greeting.requested",
            "data": {"name": "Ada"},
            "correlationId": "killed-1",
            "responseType": "greeting.completed",
        }
        requester = spawn("requester.ts", json.dumps(asked))
        await victim.said("in hand")
        victim.kill()
        assert await tenant.events(type="greeting.completed", correlation_id="killed-1") == []
        spawn("greeter.py")
        assert await requester.ended() == 0
        reply = json.loads(requester.lines()[-1])
        assert (reply["data"]["text"], reply["outcome"]) == ("Hello Ada", "ok")
        assert len(await tenant.events(type="greeting.completed", correlation_id="killed-1")) == 1

    asyncio.run(run())
