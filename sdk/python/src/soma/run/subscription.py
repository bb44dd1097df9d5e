"""The group of an agent."""

from __future__ import annotations

from typing import Any

from soma.clients.bound import BoundClients
from soma.define.definition import AgentDefinition
from soma.json_value import present
from soma.problem import Problem


async def ensure_subscription(clients: BoundClients, definition: AgentDefinition) -> Any:
    """Makes the group of an agent, or brings the one that is there to what its handlers listen to now."""
    options, wanted = definition.options, wanted_subscription(definition)
    subscriptions = clients.events.subscriptions
    try:
        body: Any = {"name": options.name, "startAt": options.start_at, **wanted}
        return await subscriptions.create(body=body)
    except Problem as error:
        if error.code != "conflict":
            raise
    page = await subscriptions.list(name=options.name)
    known = next((one for one in page["items"] if one["name"] == options.name), None)
    if known is None:
        raise PermissionError(f'the group "{options.name}" belongs to somebody else')
    if all(_is_contained(value, known.get(name)) for name, value in wanted.items()):
        return known
    return await subscriptions.update(known["id"], if_match=known["version"], body=wanted)


def wanted_subscription(definition: AgentDefinition) -> Any:
    entries, options = definition.entries, definition.options
    types = list(dict.fromkeys(entry.type for entry in entries))
    return present(
        topics=list(dict.fromkeys(entry.topic for entry in entries)),
        types=["*"] if "*" in types else types,
        leaseMs=options.lease_ms,
        maxAttempts=options.max_attempts,
        backoff=options.backoff,
        onDeadLetter=options.on_dead_letter,
        memberGraceMs=options.member_grace_ms,
    )


def _is_contained(wanted: Any, known: Any) -> bool:
    if isinstance(wanted, list):
        return isinstance(known, list) and len(wanted) == len(known) and all(item in known for item in wanted)
    if isinstance(wanted, dict):
        return isinstance(known, dict) and all(_is_contained(value, known.get(name)) for name, value in wanted.items())
    return bool(wanted == known)
