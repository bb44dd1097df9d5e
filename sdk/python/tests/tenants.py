"""One tenant of a test, over HTTP."""

from __future__ import annotations

from typing import Any

from processes import until
from soma.clients import Clients

_NUMBERS = iter(range(1, 1_000_000))


class Tenant:
    """A tenant of its own, or the one of programs that name none, acted in by one user. `async with`."""

    def __init__(self, url: str, *, is_default: bool = False) -> None:
        self.url = url
        self.headers = {} if is_default else {"x-tenant-id": f"python-{next(_NUMBERS)}", "x-user-id": "usr-a"}
        self.clients = Clients(url=url, headers=self.headers)

    @property
    def reach(self) -> dict[str, Any]:
        """What an agent starts with."""
        return {"url": self.url, "headers": self.headers}

    async def publish(self, type: str, data: Any, correlation_id: str) -> None:
        """Sends a request `<type>.requested` that asks for `<type>.completed`."""
        body: Any = {
            "type": f"{type}.requested",
            "topic": "action-requests",
            "data": data,
            "correlationId": correlation_id,
            "responseType": f"{type}.completed",
            "responseTopic": "action-results",
        }
        await self.clients.events.events.publish(body=body)

    async def request(self, type: str, data: Any, correlation_id: str) -> Any:
        await self.publish(type, data, correlation_id)
        return await self.reply(type, correlation_id)

    async def reply(self, type: str, correlation_id: str) -> Any:
        """The first answer."""

        async def read() -> Any:
            found = await self.events(type=f"{type}.completed", correlation_id=correlation_id)
            return found[0] if found else None

        return await until(read)

    async def listens(self, name: str) -> None:
        """Waits until a process of the group has its stream open: what is published from now on reaches it."""

        async def read() -> bool | None:
            events = self.clients.events
            groups = {one["id"] for one in (await events.subscriptions.list(name=name))["items"]}
            connections: Any = (await events.connections.list())["items"]
            return True if any(one.get("subscriptionId") in groups for one in connections) else None

        await until(read)

    async def events(self, **query: Any) -> list[Any]:
        return [event async for event in self.clients.events.events.list_all(**query)]

    async def __aenter__(self) -> Tenant:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.clients.aclose()
