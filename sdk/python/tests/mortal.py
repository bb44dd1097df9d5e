"""An agent whose process dies at its n-th call, when it was made and before its answer is seen."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from soma.clients.transport import Connection, Request, Transport


class Mortal:
    """Made before the agent starts; counts calls once it is armed."""

    def __init__(self, call: int) -> None:
        self._call = call
        self._responses: list[httpx.Response] = []
        self._calls = 0
        self.is_armed = False
        # It has made its last call, whose answer may be on its way still.
        self.is_doomed = False
        self.died = asyncio.Event()

    def begin(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The agent that starts next is this one."""
        mortal = self

        class MortalConnection(Connection):
            def transport(self, *, delivery_id: str | None = None, traceparent: str | None = None) -> Transport:
                return MortalTransport(mortal, self, {"soma-delivery": delivery_id, "traceparent": traceparent})

        monkeypatch.setattr("soma.run.runtime.Connection", MortalConnection)

    def opened(self, response: httpx.Response) -> None:
        self._responses.append(response)

    def counts(self, request: Request) -> bool:
        """Whether this call is the last one."""
        if not self.is_armed or request.path.endswith("/heartbeat"):
            return False
        self._calls += 1
        self.is_doomed = self._calls >= self._call
        return self._calls == self._call

    async def die(self) -> None:
        self.died.set()
        for response in self._responses:
            await response.aclose()

    async def lives(self) -> None:
        """The dead go no further."""
        if self.died.is_set():
            await asyncio.Event().wait()


class MortalTransport(Transport):
    def __init__(self, mortal: Mortal, connection: Connection, name: Any) -> None:
        super().__init__(connection, name)
        self._mortal = mortal

    async def call(self, request: Request) -> Any:
        is_last = self._mortal.counts(request)
        await self._mortal.lives()
        try:
            return await super().call(request)
        finally:
            # A problem is an answer too.
            if is_last:
                await self._mortal.die()
            await self._mortal.lives()

    async def open(self, request: Request) -> httpx.Response:
        await self._mortal.lives()
        response = await super().open(request)
        self._mortal.opened(response)
        return response
