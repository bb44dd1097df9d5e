"""What agent and user remember."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from soma.context.absent import absent_as_none
from soma.context.working_memory import WorkingMemory
from soma.json_value import copy_of, present
from soma.run.handling import Handling, plan_of


class MemoryContext:
    """Everything is the event's user's, and nobody else's, unless a scope is named. `working` are values of the event's
    plan; outside a plan, of the user."""

    def __init__(self, handling: Handling) -> None:
        self._handling = handling
        self._memory = handling.clients.memory
        self._plan_id = plan_of(handling)
        self.working = WorkingMemory(handling, self._plan_id)

    async def remember(self, *items: Mapping[str, Any]) -> list[Any]:
        """Stores facts, episodes and drafts of procedures, all or nothing; their members are those of
        `memory.items.remember`. A repeated handler stores them once. Answers one result an item."""
        body: Any = {"items": [self._complete(item) for item in items]}
        return list((await self._memory.items.remember(body=body))["results"])

    async def recall(self, query: str, **options: Any) -> Any:
        """Finds by words what the user may read, with what belongs to the event's plan: `hits`, the best first, each
        with the parts of its score. Options are those of `memory.items.recall`: `kinds`, `tags`, `limit`, `asOf`."""
        body: Any = {**present(planId=self._plan_id), **options, "query": query}
        return await self._memory.items.recall(body=body)

    async def retrieve(self, query: str, **options: Any) -> Any:
        """Passages for an answer, numbered and cited, at most `budgetTokens` (1,500) together: `passages`,
        `answerable`. Options are those of `memory.items.retrieve`."""
        body: Any = {**present(planId=self._plan_id), **options, "query": query}
        return await self._memory.items.retrieve(body=body)

    async def context(self, budget_tokens: int, **options: Any) -> Any:
        """What a model should know for its next step, cited and fenced: `text`, `citations`, `minTrust`. Options are
        those of `memory.context.build`: `query`, `sessionId`, `sections`."""
        known = present(planId=self._plan_id, agentId=self._handling.agent.name)
        body: Any = {**known, **options, "budgetTokens": budget_tokens}
        return await self._memory.context.build(body=body)

    async def get(self, item_id: str) -> Any:
        """None when there is none, or it is not for this user."""
        return await absent_as_none(self._memory.items.get(item_id, plan_id=self._plan_id))

    async def select(self, about: str, **options: Any) -> list[Any]:
        """Active procedures of this agent for what it is about to do: rules that a tag calls, then the best by words. A
        task always gets the same of versions on trial. Options: `types`, `limit`."""
        named = present(planId=self._plan_id, taskId=self._handling.event.get("taskid"))
        body: Any = {**named, **options, "agentId": self._handling.agent.name, "context": about}
        return list((await self._memory.procedures.select(body=body))["procedures"])

    async def feedback(self, outcome: str, *procedure_ids: str) -> None:
        """Counts a use of these procedures, and a win where the outcome is `useful`; else `useless` or `wrong`."""
        if not procedure_ids:
            return
        body: Any = {**present(planId=self._plan_id), "outcome": outcome, "itemIds": list(procedure_ids)}
        await self._memory.feedback.create(body=body)

    async def link(self, from_id: str, relation: str, to_id: str, strength: float | None = None) -> Any:
        """Links two items, or makes a link stronger."""
        named = present(planId=self._plan_id, strength=strength)
        body: Any = {"fromId": from_id, "relation": relation, "toId": to_id, **named}
        return await self._memory.links.create(body=body)

    async def forget(self, *item_ids: str) -> int:
        """Erases items with their words and links; answers how many. Raises `forbidden` without `memory:forget`."""
        reason = f"{self._handling.agent.name}: {self._handling.event['type']}"
        body: Any = {"select": {"itemIds": list(item_ids)}, "reason": reason}
        return len((await self._memory.items.forget(body=body))["itemIds"])

    def _complete(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """The source of a fact or procedure is the event; its key makes it one however often it is stored. An episode
        is one a source, so each has a reference of its own, the same on every run of the handler."""
        event, given = self._handling.event, copy_of(dict(item))
        if given.get("kind") != "episode":
            own = {"agentId": self._handling.agent.name} if given.get("kind") == "procedure" else {}
            return {**own, **given, "source": {"ref": event["id"], **given.get("source", {})}}
        ref = self._handling.id("src", "memory.items.remember")
        known = present(
            agentId=self._handling.agent.name,
            sessionId=event.get("sessionid"),
            planId=self._plan_id,
            taskId=event.get("taskid"),
        )
        return {**known, **given, "source": {"ref": ref, **given.get("source", {})}}
