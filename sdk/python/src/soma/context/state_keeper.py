"""The state of a task or plan in the hands of one handling."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from soma.context.kept_state import State, close_state, is_same_state, merge_states, open_state, without_marker
from soma.json_value import copy_of
from soma.problem import Problem

# More conflicts in a row mean that somebody writes in a loop.
_MAXIMUM_CONFLICTS: Final = 10
# `version` and, where there is one, `state`.
Stored = Mapping[str, Any]


class StateKeeper:
    """`state` is the handler's own to change; `is_repeat` says that an earlier run of this very handling has stored its
    end already; `came_from` is the state of the machine before this event."""

    def __init__(
        self,
        stored: Stored,
        *,
        event_id: str,
        put: Callable[[State, int], Awaitable[Any]],
        reload: Callable[[], Awaitable[Any]],
        came_from: str | None = None,
    ) -> None:
        opened = open_state(stored.get("state"), event_id)
        self._event_id = event_id
        self._put = put
        self._reload = reload
        self.state = opened.value
        self.is_repeat = opened.is_repeat
        self.came_from = came_from if opened.came_from is None else opened.came_from
        self.version = int(stored["version"])
        self._before: State = copy_of(self.state)
        self._base: State = without_marker(stored.get("state")) if opened.is_repeat else copy_of(self.state)

    def is_changed(self) -> bool:
        return not is_same_state(self._base, self.state)

    async def look(self) -> None:
        """Takes up what an earlier run has stored that this one was not told of. For what must not be done twice:
        events promise to tell, but for a dispatcher that has moved."""
        if self.version == 0:
            now = await self._reload()
            self._base = copy_of(open_state(now.get("state"), self._event_id).value)
            self._before, self.version = copy_of(self._base), int(now["version"])
            self.state.update({**copy_of(self._base), **self.state})

    async def note(self, name: str, value: Any) -> None:
        """Stores one member at once, and nothing else that the handler has changed."""
        self.state[name] = value
        self._before = await self._write({**self._before, name: value}, without_marker)

    async def save(self) -> None:
        """Stores the state as a checkpoint: a later run begins from it."""
        await self._write_all(without_marker)
        self._before = copy_of(self.state)

    async def save_end(self) -> None:
        """Stores the state as the end of this handling: a repeat of it begins from the state before."""
        await self._write_all(self._close)

    def end(self) -> State:
        """What `save_end` would store, for commands that store it themselves."""
        return self._close(copy_of(self.state))

    def _close(self, value: State) -> State:
        return close_state(value, event_id=self._event_id, before=self._before, came_from=self.came_from)

    async def _write_all(self, close: Callable[[State], State]) -> None:
        written = await self._write(self.state, close)
        self.state.clear()
        self.state.update(written)

    async def _write(self, given: State, close: Callable[[State], State], conflicts: int = 0) -> State:
        """Compare-and-set. On a conflict it reads again and, if others changed other members only, writes the union."""
        mine: State = copy_of(given)
        try:
            saved = await self._put(close(mine), self.version)
        except Problem as error:
            now = await self._reload() if error.code == "version-conflict" and conflicts < _MAXIMUM_CONFLICTS else None
            theirs = without_marker(now.get("state")) if now else {}
            merged = merge_states(self._base, mine, theirs) if now else None
            if now is None or merged is None:
                raise
            self._base, self.version = theirs, now["version"]
            return await self._write(merged, close, conflicts + 1)
        self._base, self.version = copy_of(mine), saved["version"]
        return mine
