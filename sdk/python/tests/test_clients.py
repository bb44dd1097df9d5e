"""The generated clients against a real platform."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

from soma import Problem
from soma.clients import Clients, SyncClients
from soma.clients.events import EventsClient
from tenants import Tenant


async def make_subscriptions(tenant: Tenant, count: int) -> list[str]:
    subscriptions = tenant.clients.events.subscriptions
    made = [
        await subscriptions.create(body={"name": f"group-{index}", "topics": ["business-facts"]})
        for index in range(count)
    ]
    return [one["id"] for one in made]


def test_pages_are_read_one_after_another(url: str) -> None:
    async def run() -> None:
        async with Tenant(url) as tenant:
            made = await make_subscriptions(tenant, 5)
            page = await tenant.clients.events.subscriptions.list(limit=2)
            assert len(page["items"]) == 2
            read = [one["id"] async for one in tenant.clients.events.subscriptions.list_all(limit=2)]
            assert sorted(read) == sorted(made)

    asyncio.run(run())


def test_what_the_platform_refuses_is_a_problem(url: str) -> None:
    async def run() -> None:
        async with Tenant(url) as tenant:
            (id,) = await make_subscriptions(tenant, 1)
            subscriptions = tenant.clients.events.subscriptions
            with pytest.raises(Problem) as absent:
                await tenant.clients.plans.plans.get("plan_01h455vb4pex5vsknk084sn02q")
            assert (absent.value.code, absent.value.status, absent.value.retryable) == ("not-found", 404, False)
            known = await subscriptions.get(id)
            await subscriptions.update(id, if_match=known["version"], body={"maxAttempts": 2})
            with pytest.raises(Problem) as stale:
                await subscriptions.update(id, if_match=known["version"], body={"maxAttempts": 3})
            assert stale.value.code == "version-conflict"
            odd: Any = {"name": 1, "topics": []}
            with pytest.raises(Problem) as invalid:
                await subscriptions.create(body=odd)
            assert "/body/name" in [error["pointer"] for error in invalid.value.extensions["errors"]]

    asyncio.run(run())


def test_the_same_idempotency_key_is_answered_the_same(url: str) -> None:
    async def run() -> None:
        async with Tenant(url) as tenant:
            body: Any = {"name": "one", "topics": ["business-facts"]}
            create = tenant.clients.events.subscriptions.create
            first, second = [await create(body=body, idempotency_key="key-1") for _ in range(2)]
            assert first["id"] == second["id"]

    asyncio.run(run())


def test_a_platform_that_is_away_is_a_problem_worth_repeating() -> None:
    async def run() -> None:
        async with Clients(url="http://127.0.0.1:9") as clients:
            with pytest.raises(Problem) as raised:
                await clients.identity.me.get()
            assert (raised.value.code, raised.value.retryable) == ("unavailable", True)

    asyncio.run(run())


def test_scripts_wait_for_answers_pages_and_streams_without_async(url: str) -> None:
    with SyncClients(url=url, headers={"X-Tenant-ID": "python-sync"}) as clients:
        me = clients.wait(clients.identity.me.get())
        assert me["tenantId"] == "python-sync"
        body: Any = {"type": "note.taken", "topic": "business-facts", "data": {"ä": 1}}
        definition: Any = {
            "type": "note.taken",
            "topic": "business-facts",
            "description": "A note.",
            "schema": {"jsonSchema": True},
        }
        clients.wait(clients.registry.events.create(body=definition))
        published = clients.wait(clients.events.events.publish(body=body))
        assert [event["id"] for event in clients.each(clients.events.events.list_all(type="note.taken"))] == [
            published["eventId"]
        ]
        frames = clients.wait(clients.events.events.stream(topics="business-facts", from_="earliest"))
        frame = next(clients.each(frames))
        assert frame["event"] == "event"
        assert frame["data"]["id"] == published["eventId"]
        clients.wait(frames.aclose())


def test_no_method_takes_a_tenant_or_user() -> None:
    from soma import PlanContext, TaskContext
    from soma.context.platform_context import BusContext, GatesContext, PlansContext, RegistryContext

    layer_two = (TaskContext, PlanContext, BusContext, PlansContext, GatesContext, RegistryContext)
    for owner in layer_two:
        for name, method in inspect.getmembers(owner, inspect.isfunction):
            if not name.startswith("_"):
                assert not {"tenant", "tenant_id", "user", "user_id"} & set(inspect.signature(method).parameters)
    assert EventsClient.__doc__ == "Every operation of `events`."
