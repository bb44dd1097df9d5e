"""State of tasks and plans as it is stored: with a note of the event whose handler stored it last, at its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from soma.json_value import canonical_text, copy_of

State = dict[str, Any]
_HANDLED: Final = "$handled"


@dataclass(frozen=True, slots=True)
class OpenedState:
    """Stored state as the handler of one event must see it.

    `is_repeat`: the store already holds what this event's handler made; it crashed before its ack and runs again from
    the state before. `came_from` is the state of the machine before the event.
    """

    value: State
    is_repeat: bool
    came_from: str | None = None


def open_state(stored: Any, event_id: str) -> OpenedState:
    """A second handling of the same event begins where the first began."""
    state: State = copy_of(_as_state(stored))
    handled = state.pop(_HANDLED, None)
    if handled is None or handled.get("eventId") != event_id:
        return OpenedState(state, False)
    return OpenedState(handled["before"], True, handled.get("from"))


def handled_event_of(stored: Any) -> str | None:
    """The event whose handler stored the state last, at its end."""
    handled = _as_state(stored).get(_HANDLED)
    return None if handled is None else str(handled["eventId"])


def close_state(value: State, *, event_id: str, before: State, came_from: str | None) -> State:
    """What is stored when a handler has returned: its state, and from where a repeat would begin."""
    handled = {"eventId": event_id, "before": before, **({} if came_from is None else {"from": came_from})}
    return {**without_marker(value), _HANDLED: handled}


def without_marker(stored: Any) -> State:
    return {name: value for name, value in _as_state(stored).items() if name != _HANDLED}


def is_same_state(left: Any, right: Any) -> bool:
    return canonical_text(without_marker(left)) == canonical_text(without_marker(right))


_ABSENT = object()


def merge_states(base: State, mine: State, theirs: State) -> State | None:
    """Three-way merge by top-level member. None when both sides changed one member differently."""
    merged = dict(theirs)
    for name in {**base, **mine}:
        old, own, other = (side.get(name, _ABSENT) for side in (base, mine, theirs))
        if _is_same(old, own):
            continue
        if not _is_same(old, other) and not _is_same(own, other):
            return None
        if own is _ABSENT:
            merged.pop(name, None)
        else:
            merged[name] = own
    return merged


def _is_same(left: Any, right: Any) -> bool:
    return left is right or (
        left is not _ABSENT and right is not _ABSENT and canonical_text(left) == canonical_text(right)
    )


def _as_state(stored: Any) -> State:
    if stored is None:
        return {}
    return dict(stored) if isinstance(stored, Mapping) else {"value": stored}
