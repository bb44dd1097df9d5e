"""Agents against a real platform."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel, Field

from processes import Program, address_of, node_program, python_program, until
from soma import (
    Action,
    Agent,
    EventContext,
    EventDefinition,
    GoalContext,
    InvocationContext,
    PlanContext,
    Planner,
    PlatformContext,
    Problem,
    State,
    TaskContext,
    Tool,
    Transition,
    TransitionContext,
    Worker,
)
from sums import an_adder
from tenants import Tenant

Spawn = Callable[..., Program]
common: Any = {"member_grace_ms": 0, "backoff": {"baseMs": 1}, "max_attempts": 2}


class Question(BaseModel):
    """A pydantic model, with a name of its own on the wire."""

    text: str = Field(min_length=2)
    times: int = Field(default=1, alias="howOften")


@dataclass
class Answer:
    text: str


answered = EventDefinition("echo.completed", "action-results", "An echo.", Answer)
asked = EventDefinition("echo.requested", "action-requests", "Asks for an echo.", Question, response=answered)


def in_tenant(url: str, work: Callable[[Tenant], Awaitable[None]]) -> None:
    async def run() -> None:
        async with Tenant(url) as tenant:
            await work(tenant)

    asyncio.run(run())


def test_what_a_tool_returns_is_the_reply_and_data_that_does_not_fit_is_refused(url: str) -> None:
    tool = Tool("echo", "Echoes.", **common)

    @tool.on_invoke(asked)
    async def echo(invocation: InvocationContext[Question], context: PlatformContext) -> Answer:
        return Answer(" ".join([invocation.data.text] * invocation.data.times))

    async def work(tenant: Tenant) -> None:
        await tool.start(**tenant.reach)
        reply = await tenant.request("echo", {"text": "hey", "howOften": 2}, "corr-1")
        assert (reply["data"], reply["outcome"]) == ({"text": "hey hey"}, "ok")
        with pytest.raises(Problem) as raised:
            await tenant.publish("echo", {"text": "?"}, "corr-2")
        assert raised.value.code == "schema-mismatch"
        await tool.stop()

    in_tenant(url, work)


def test_the_requester_hears_of_every_failure(url: str) -> None:
    worker = Worker("fragile", "Fails.", **common)
    attempts: list[str] = []

    @worker.on_task(asked)
    async def fail(task: TaskContext[Question], context: PlatformContext) -> None:
        attempts.append(task.data.text)
        if task.data.text == "final":
            raise Problem(code="out-of-paper", status=422, detail="no paper \0")
        if task.data.text == "raises":
            raise RuntimeError("no luck")

    async def work(tenant: Tenant) -> None:
        await worker.start(**tenant.reach)
        for text, code in (("final", "out-of-paper"), ("forgets", "task-unfinished"), ("raises", "handler-failed")):
            reply = await tenant.request("echo", {"text": text}, text)
            assert (reply["outcome"], reply["data"]["problem"]["code"]) == ("failed", code)
        assert attempts == ["final", "forgets", "raises", "raises"]
        await worker.stop()

    in_tenant(url, work)


def test_a_handler_that_raises_sends_nothing_and_its_second_run_sends_the_same(url: str) -> None:
    heard = EventDefinition("echo.heard", "business-facts", "An echo was heard.", {"type": "object"})
    worker = Worker("twice", "Fails once.", produces=[heard], **common)
    runs: list[str] = []

    @worker.on_task(asked)
    async def handle(task: TaskContext[Question], context: PlatformContext) -> None:
        runs.append(await context.bus.publish(heard, {"count": await task.once("count", lambda: len(runs) + 1)}))
        task.complete(Answer("done"))
        if task.attempt == 1:
            raise RuntimeError("no luck")

    async def work(tenant: Tenant) -> None:
        await worker.start(**tenant.reach)
        await tenant.request("echo", {"text": "once"}, "corr-1")
        first, second = runs
        assert first == second
        facts = await tenant.events(type="echo.heard")
        assert [(fact["id"], fact["data"]) for fact in facts] == [(first, {"count": 1})]
        await worker.stop()

    in_tenant(url, work)


def test_a_planner_follows_its_state_machine_to_the_end(url: str) -> None:
    found = EventDefinition("find.completed", "action-results", "What was found.", {"type": "object"})
    find = EventDefinition("find.requested", "action-requests", "Asks to find.", {"type": "object"}, response=found)
    states = {
        "echo": State(
            action=Action(asked, {"text": "{{goal.data.topic}}"}),
            transitions=[Transition(answered, "done", "results.echo.completed.text == 'tides'")],
        ),
        "done": State(terminal=True),
    }
    planner = Planner("finder", "Finds.", state_machine=states, **common)
    agent, ended = Agent("listener", "Listens.", **common), asyncio.Event()
    tool = Tool("echo", "Echoes.", **common)

    @planner.on_goal(find)
    async def begin(goal: GoalContext[Any], context: PlatformContext) -> None:
        (await context.plans.create_from_goal(goal)).execute_next()

    @planner.on_transition()
    async def move(transition: TransitionContext, plan: PlanContext, context: PlatformContext) -> None:
        plan.execute_next(transition)
        if plan.is_complete():
            plan.finalize({"echo": plan.results["echo.completed"]["text"]})

    @tool.on_invoke(asked)
    async def echo(invocation: InvocationContext[Question], context: PlatformContext) -> Answer:
        return Answer(invocation.data.text)

    @agent.on_event("*", "plan-events")
    async def listen(event: EventContext[Any], context: PlatformContext) -> None:
        if event.type == "plan.completed":
            ended.set()

    async def work(tenant: Tenant) -> None:
        agents = (planner, tool, agent)
        await asyncio.gather(*(one.start(**tenant.reach) for one in agents))
        reply = await tenant.request("find", {"topic": "tides"}, "corr-1")
        assert reply["data"] == {"echo": "tides"}
        await asyncio.wait_for(ended.wait(), 60)
        await asyncio.gather(*(one.stop() for one in agents))

    in_tenant(url, work)


def test_a_python_worker_delegates_to_a_typescript_worker(url: str, spawn: Spawn) -> None:
    async def run() -> None:
        spawn("part-worker.ts")
        adder = an_adder()
        await adder.start(url=url)
        async with Tenant(url, is_default=True) as tenant:
            await tenant.listens("part-worker")
            reply = await tenant.request("sum", {"parts": [1, 2, 3]}, "mixed-1")
            assert reply["data"] == {"sum": 12, "started": 1, "joined": 3}
        await adder.stop()

    asyncio.run(run())


def test_sigterm_ends_an_agent_with_0_and_takes_it_out_of_the_registry(url: str, spawn: Spawn) -> None:
    async def run() -> None:
        program = spawn("greeter.py", NAME="ended")
        async with Tenant(url, is_default=True) as tenant:
            await tenant.listens("ended")
            program.terminate()
            assert await program.ended() == 0
            agent: Any = await tenant.clients.registry.agents.get("ended")
            assert agent["status"] != "active"

    asyncio.run(run())


def test_an_agent_outlives_a_killed_platform(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("restarted")
    data = folder / "data"

    def serve(port: str) -> Program:
        return node_program("apps/cli/src/main.ts", {}, folder / "log", "serve", "--port", port, "--data", str(data))

    async def ready() -> str | None:
        return str(address_of(data)["url"]) if (data / "server.json").exists() else None

    async def run() -> None:
        server = serve("0")
        url = await until(ready)
        agent = python_program("greeter.py", {"SOMA_URL": url}, folder / "agent.log")
        try:
            async with Tenant(url, is_default=True) as tenant:
                await tenant.listens("greeter")
                server.kill()
                (data / "server.json").unlink()
                server = serve(url.rsplit(":", 1)[1])
                await until(ready)
                reply = await tenant.request("greeting", {"name": "Ada"}, "after-1")
                assert reply["data"]["text"] == "Hello Ada"
        finally:
            agent.kill()
            server.kill()

    asyncio.run(run())
