"""Where plans, tasks and agents stand, and in whose name a handler works."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal

from soma.context.absent import absent_as_none
from soma.run.handling import Handling, plan_of

# Lists hold the first so many.
_LIMIT = 200


class TrackerContext:
    """What the event's user may know. Without a plan it is the event's. None: there is no such thing for this user, or
    the event belongs to no plan."""

    def __init__(self, handling: Handling) -> None:
        self._handling = handling
        self._tracker = handling.clients.tracker
        self._plan_id = plan_of(handling)

    async def progress(self, plan_id: str | None = None) -> Any:
        """`plan`, and how fresh that is: `asOf`, `lagMs`, `stale`."""
        return await self._of(plan_id, self._tracker.plans.get)

    async def tasks(self, plan_id: str | None = None) -> list[Any] | None:
        return _items(await self._of(plan_id, self._tracker.plan_tasks.list, limit=_LIMIT))

    async def timeline(self, plan_id: str | None = None) -> list[Any] | None:
        """Everything that happened, the oldest first."""
        return _items(await self._of(plan_id, self._tracker.plan_timeline.list, limit=_LIMIT))

    async def hierarchy(self, plan_id: str | None = None) -> Any:
        """The plans above and below, and the delegations inside them."""
        return await self._of(plan_id, self._tracker.plan_hierarchy.get)

    async def eta(self, plan_id: str | None = None) -> Any:
        """When the open tasks will be done; `eta` is None with its `reason`."""
        return await self._of(plan_id, self._tracker.plan_eta.get)

    async def blockers(self, plan_id: str | None = None) -> list[Any] | None:
        """Why open tasks do not run, and who can end that."""
        return _items(await self._of(plan_id, self._tracker.plan_blockers.list, limit=_LIMIT))

    async def group(self, group_id: str) -> Any:
        found: Any = await absent_as_none(self._tracker.delegation_groups.get(group_id))
        return None if found is None else found["group"]

    async def session_plans(self, session_id: str | None = None) -> list[Any] | None:
        """Progress of the plans of a session, the newest first. Default: the event's session."""
        id = session_id or self._handling.event.get("sessionid")
        return None if id is None else _items(await self._tracker.session_plans.list(id, limit=_LIMIT))

    async def metrics(self, agent: str | None = None, period: Literal["1h", "24h", "7d", "30d"] | None = None) -> Any:
        """What an agent has done. Default: this one, in the last 24 hours."""
        answer: Any = await self._tracker.agents.metrics(agent or self._handling.agent.name, period=period)
        return answer["metrics"]

    async def _of(self, plan_id: str | None, read: Callable[..., Awaitable[Any]], **query: Any) -> Any:
        id = plan_id or self._plan_id
        return None if id is None else await absent_as_none(read(id, **query))


class IdentityContext:
    """The agent for the event's user, with the rights that both hold."""

    def __init__(self, handling: Handling) -> None:
        self._identity = handling.clients.identity

    async def me(self) -> Any:
        """The principal that calls, the user it calls for, tenant, space and rights."""
        return await self._identity.me.get()

    async def may(self, capability: str) -> bool:
        """Whether calls of this handler hold a capability such as `memory:forget`. A policy or budget may still refuse
        the action itself."""
        held = (await self.me())["capabilities"]
        return any(one in ("*", capability, f"{capability.split(':')[0]}:*") for one in held)


def _items(page: Any) -> list[Any] | None:
    return None if page is None else list(page["items"])
