"""A typed client of every operation of the platform: for scripts, command lines and tests, never for agents.

Agents use what their contexts give, which acts for the user, session, plan and task of the event that they handle.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from typing import Any, TypeVar

from soma.clients.bound import BoundClients
from soma.clients.transport import Connection, Frames, TokenProvider
from soma.problem import Problem

__all__ = ["Clients", "Frames", "Problem", "SyncClients"]

Value = TypeVar("Value")


class Clients(BoundClients):
    """`async with Clients(url=…, api_key=…) as clients: await clients.plans.plans.get(plan_id)`. Calls raise `Problem`.

    The default URL is http://127.0.0.1:4000. A token may be a function that gives one for each call.
    """

    def __init__(
        self,
        *,
        url: str | None = None,
        api_key: str | None = None,
        token: TokenProvider | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._connection = Connection(url=url, api_key=api_key, token=token, headers=headers)
        super().__init__(self._connection.transport())

    async def aclose(self) -> None:
        await self._connection.aclose()

    async def __aenter__(self) -> Clients:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.aclose()


class SyncClients(Clients):
    """The same clients for scripts without `async`: `clients.wait(clients.plans.plans.get(plan_id))`."""

    def __enter__(self) -> SyncClients:
        self._runner = asyncio.Runner()
        return self

    def __exit__(self, *_error: object) -> None:
        try:
            self._runner.run(self.aclose())
        finally:
            self._runner.close()

    def wait(self, call: Coroutine[Any, Any, Value]) -> Value:
        """The answer of a call."""
        return self._runner.run(call)

    def each(self, items: AsyncIterator[Value] | Frames[Value]) -> Iterator[Value]:
        """The items of pages or the frames of a stream, one by one."""
        iterator = aiter(items)
        while True:
            try:
                yield self._runner.run(_next(iterator))
            except StopAsyncIteration:
                return


async def _next(iterator: AsyncIterator[Value]) -> Value:
    return await anext(iterator)
