"""State machines of planners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from soma.define.event import AnyEvent
from soma.json_value import copy_of, present
from soma.machine.condition import condition_paths, evaluate_condition, is_truth_value, parse_condition
from soma.machine.templates import MachineScope, template_paths
from soma.sdk_problems import MACHINE_INVALID


@dataclass(frozen=True, slots=True)
class Action:
    """What entering a state hands out. Texts in `data` may hold `{{templates}}`."""

    event: AnyEvent
    data: Any
    response: AnyEvent | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """An edge: the event, `user.input` or `timeout`, that leads to a state when a condition over `goal.data`, `results`
    and `state` holds."""

    on: AnyEvent | str
    to: str
    when: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """A state as it is written."""

    description: str | None = None
    action: Action | None = None
    transitions: Sequence[Transition] = ()
    default_next: str | None = None
    timeout_ms: int | None = None
    on_timeout: str | None = None
    terminal: bool | Literal["completed", "failed"] | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """A checked state machine: the plain data that a plan stores, and the events that it speaks of."""

    states: Mapping[str, Any]
    first: str
    events: Sequence[AnyEvent]
    # Events that move it.
    triggers: Sequence[AnyEvent]


_ROOTS: Final = ("goal.data", "results", "state")
# Words that are no event: what the platform itself triggers.
_WORDS: Final = frozenset({"user.input", "timeout"})


def define_state_machine(states: Mapping[str, State]) -> Machine:
    """Checks a state machine and makes it plain data. The first state is the first one written. Raises
    `state-machine-invalid` with every mistake, each naming state and field."""
    events = _events_of(states)
    types = {event.type for event in events}
    errors = [error for name, state in states.items() for error in _check_state(name, state, states, types)]
    first = next(iter(states), None)
    if first is None:
        errors.append(_issue("", "empty", "a state machine has states"))
    else:
        errors += _check_reach(states, first)
    if not any(state.terminal for state in states.values()):
        errors.append(_issue("", "no-terminal", "no state is terminal"))
    if first is None or errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise MACHINE_INVALID.create(f"{errors[0]['pointer']}: {errors[0]['detail']}{more}", errors=errors)
    moving = {_name_of(edge.on) for state in states.values() for edge in state.transitions}
    return Machine(
        states={name: _plain(state) for name, state in states.items()},
        first=first,
        events=events,
        triggers=[event for event in events if event.type in moving],
    )


def is_terminal(state: Mapping[str, Any] | None) -> bool:
    return state is not None and state.get("terminal") not in (None, False)


def next_state(states: Mapping[str, Any], current: str, on: str, scope: MachineScope) -> str | None:
    """Where an event leads from a state: the first edge whose `on` fits and whose `when` holds."""
    for edge in states.get(current, {}).get("transitions", ()):
        if edge["on"] == on and ("when" not in edge or evaluate_condition(edge["when"], scope)):
            return str(edge["to"])
    return None


def _events_of(states: Mapping[str, State]) -> list[AnyEvent]:
    found: dict[str, AnyEvent] = {}
    for state in states.values():
        action = state.action
        named = [] if action is None else [action.event, action.response, action.event.response]
        for event in [*named, *(edge.on for edge in state.transitions)]:
            if event is not None and not isinstance(event, str):
                found[event.type] = event
    return list(found.values())


def _name_of(event: AnyEvent | str) -> str:
    return event if isinstance(event, str) else event.type


Error = dict[str, str]


def _issue(pointer: str, code: str, detail: str) -> Error:
    return {"pointer": pointer, "code": code, "detail": detail}


def _check_state(name: str, state: State, states: Mapping[str, State], types: set[str]) -> list[Error]:
    errors: list[Error] = []

    def target(to: str | None, field: str) -> None:
        if to is not None and to not in states:
            errors.append(_issue(f"/{name}/{field}", "unknown-state", f'no state "{to}"'))

    for index, edge in enumerate(state.transitions):
        at = f"/{name}/transitions/{index}"
        target(edge.to, f"transitions/{index}/to")
        if _name_of(edge.on) not in types | _WORDS:
            errors.append(_issue(f"{at}/on", "unknown-event", f'no event "{_name_of(edge.on)}" in this machine'))
        if edge.when is not None:
            errors += _check_condition(edge.when, f"{at}/when")
    target(state.default_next, "defaultNext")
    target(state.on_timeout, "onTimeout")
    for path in template_paths(None if state.action is None else state.action.data):
        errors += _check_path(path, f"/{name}/action/data")
    return errors


def _check_condition(text: str, at: str) -> list[Error]:
    try:
        node = parse_condition(text)
    except ValueError as error:
        return [_issue(at, "syntax", str(error))]
    errors = [error for path in condition_paths(node) for error in _check_path(path, at)]
    return errors if is_truth_value(node) else [*errors, _issue(at, "not-boolean", f'"{text}" is no truth value')]


def _check_path(path: str, at: str) -> list[Error]:
    if any(path == root or path.startswith(f"{root}.") for root in _ROOTS):
        return []
    return [_issue(at, "unknown-path", f'"{path}" begins with none of {", ".join(_ROOTS)}')]


def _check_reach(states: Mapping[str, State], first: str) -> list[Error]:
    reached: set[str] = set()
    open_names = [first]
    while open_names:
        name = open_names.pop()
        state = states.get(name)
        if state is None or name in reached:
            continue
        reached.add(name)
        targets = [*(edge.to for edge in state.transitions), state.default_next, state.on_timeout]
        open_names += [to for to in targets if to is not None]
    return [
        _issue(f"/{name}", "unreachable", f'"{name}" cannot be reached from "{first}"')
        for name in states
        if name not in reached
    ]


def _plain(state: State) -> dict[str, Any]:
    plain: dict[str, Any] = present(
        description=state.description,
        defaultNext=state.default_next,
        timeoutMs=state.timeout_ms,
        onTimeout=state.on_timeout,
        terminal=state.terminal,
    )
    if state.action is not None:
        response = state.action.response or state.action.event.response
        plain["action"] = {"event": state.action.event.type, "data": copy_of(state.action.data)}
        if response is not None:
            plain["action"]["response"] = response.type
    plain["transitions"] = [present(on=_name_of(edge.on), to=edge.to, when=edge.when) for edge in state.transitions]
    return plain
