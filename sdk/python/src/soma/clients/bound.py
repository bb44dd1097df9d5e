"""Clients of every module over one transport.

Generated from the OpenAPI document by `npm run docs`; do not edit.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soma.clients.events import EventsClient
    from soma.clients.governance import GovernanceClient
    from soma.clients.identity import IdentityClient
    from soma.clients.memory import MemoryClient
    from soma.clients.plans import PlansClient
    from soma.clients.registry import RegistryClient
    from soma.clients.tracker import TrackerClient
    from soma.clients.transport import Transport


class BoundClients:
    """A typed client of every operation; a module is loaded when it is first used."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @cached_property
    def identity(self) -> IdentityClient:
        from soma.clients.identity import IdentityClient

        return IdentityClient(self._transport)

    @cached_property
    def governance(self) -> GovernanceClient:
        from soma.clients.governance import GovernanceClient

        return GovernanceClient(self._transport)

    @cached_property
    def events(self) -> EventsClient:
        from soma.clients.events import EventsClient

        return EventsClient(self._transport)

    @cached_property
    def registry(self) -> RegistryClient:
        from soma.clients.registry import RegistryClient

        return RegistryClient(self._transport)

    @cached_property
    def plans(self) -> PlansClient:
        from soma.clients.plans import PlansClient

        return PlansClient(self._transport)

    @cached_property
    def tracker(self) -> TrackerClient:
        from soma.clients.tracker import TrackerClient

        return TrackerClient(self._transport)

    @cached_property
    def memory(self) -> MemoryClient:
        from soma.clients.memory import MemoryClient

        return MemoryClient(self._transport)
