"""Shared values by key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from soma.context.absent import absent_as_none
from soma.json_value import copy_of, present
from soma.problem import Problem
from soma.run.handling import Handling

_MOST_KEYS: Final = 200


class WorkingMemory:
    """Of a plan for all who work in it, else of the event's user. Each call is one step on the server; errors are
    raised. Keys have at most 200 characters, values 256 KiB of JSON."""

    def __init__(self, handling: Handling, plan_id: str | None) -> None:
        self._handling = handling
        self._working = handling.clients.memory.working
        self._type: Literal["plan", "user"] = "user" if plan_id is None else "plan"
        self._id = plan_id or "me"

    async def get(self, key: str) -> Any:
        """None where nothing is."""
        entry = await self.entry(key)
        return None if entry is None else entry["value"]

    async def entry(self, key: str) -> Any:
        """The item with its version, writer and times; None where nothing is."""
        return await absent_as_none(self._working.get(self._type, self._id, key))

    async def has(self, key: str) -> bool:
        return await self.entry(key) is not None

    async def set(self, key: str, value: Any, *, ttl_ms: int | None = None) -> int:
        """The last write wins. Answers the version. Raises `memory-scope-closed` once the plan has ended."""
        return await self._put(key, value, ttl_ms, None)

    async def update_if(self, key: str, version: int, value: Any, *, ttl_ms: int | None = None) -> bool:
        """Writes over that version alone; 0: only where nothing is. False: another wrote in between, or deleted it."""
        try:
            await self._put(key, value, ttl_ms, version)
        except Problem as error:
            if error.code != "version-conflict":
                raise
            return False
        return True

    async def increment(self, key: str, by: float = 1) -> Any:
        """Adds to a number, from 0; answers the sum. However many do so at once, each counts; a repeated handler counts
        once."""
        return await self._change(key, {"op": "increment", "by": by})

    async def append(self, key: str, value: Any, *, max_items: int | None = None) -> Any:
        """Adds to the end of a list, which is made where nothing is; beyond `max_items` the oldest go. Answers it."""
        return await self._change(key, {"op": "append", "value": copy_of(value), **present(maxItems=max_items)})

    async def merge(self, key: str, patch: Mapping[str, Any]) -> Any:
        """Merges members into an object (RFC 7396: None deletes one). Answers the object."""
        return await self._change(key, {"op": "merge", "patch": copy_of(dict(patch))})

    async def remove(self, key: str, value: Any) -> Any:
        """Takes what equals the value out of a list. Answers the list."""
        return await self._change(key, {"op": "remove", "value": copy_of(value)})

    async def delete(self, key: str) -> None:
        """Nothing happens where none is."""
        await absent_as_none(self._working.delete(self._type, self._id, key))

    async def keys(self, prefix: str | None = None) -> list[str]:
        """In order, of those that begin so; at most 200."""
        page = await self._working.list(self._type, self._id, limit=_MOST_KEYS, prefix=prefix)
        return [item["key"] for item in page["items"]]

    async def _put(self, key: str, value: Any, ttl_ms: int | None, version: int | None) -> int:
        body: Any = {"value": copy_of(value), **present(ttlMs=ttl_ms)}
        item = await self._working.put(self._type, self._id, key, body=body, if_match=version)
        return item["version"]

    async def _change(self, key: str, body: Any) -> Any:
        idempotency_key = self._handling.id("idem", f"memory.working.apply {key}")
        changed = await self._working.apply(self._type, self._id, key, body=body, idempotency_key=idempotency_key)
        return changed["value"]
