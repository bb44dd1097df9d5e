"""Tasks that a handler hands out, kept until it has returned."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from soma.context.absent import ignoring_conflict
from soma.define.event import AnyEvent
from soma.json_value import present
from soma.run.handling import Handling, response_of


@dataclass(frozen=True, slots=True)
class Spec:
    """One of several delegations that are made at once.

    `key` is the task's stable name in its plan, by default from the event's type; `response` another reply than the
    event's own. Fails with `timeout` when not ended `timeout_ms` after it was made.
    """

    event: AnyEvent
    data: Any
    key: str | None = None
    name: str | None = None
    response: AnyEvent | None = None
    timeout_ms: int | None = None
    priority: int | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    specs: Sequence[dict[str, Any]]
    group_id: str | None = None


@dataclass(slots=True)
class Delegations:
    handling: Handling
    batches: list[Batch] = field(default_factory=list)

    def add(self, spec: Spec) -> str:
        made = self._task_of(spec)
        self.batches.append(Batch([made]))
        return str(made["taskId"])

    def add_group(self, specs: Sequence[Spec]) -> str:
        group_id = self.handling.id("grp", "group")
        self.batches.append(Batch([self._task_of(spec) for spec in specs], group_id))
        return group_id

    def add_gate(self, *, gate_id: str, key: str, name: str, response_type: str) -> None:
        task = {"gateId": gate_id, "key": key, "name": name, "responseType": response_type}
        self.batches.append(Batch([{**task, "kind": "gate", "taskId": self.handling.id("task", gate_id)}]))

    async def write(self, delegate: Callable[[Any], Awaitable[object]]) -> None:
        for batch in self.batches:
            body = present(specs=batch.specs, group=batch.group_id is not None, groupId=batch.group_id)
            await ignoring_conflict(delegate(body))

    def _task_of(self, spec: Spec) -> dict[str, Any]:
        response = (
            {} if spec.response is None else {"responseType": spec.response.type, "responseTopic": spec.response.topic}
        )
        others = present(key=spec.key, name=spec.name, timeoutMs=spec.timeout_ms, priority=spec.priority)
        return {
            **others,
            **(response or response_of(spec.event)),
            "taskId": self.handling.id("task", spec.event.type),
            "kind": "agent",
            "type": spec.event.type,
            "data": spec.event.dump(spec.data),
        }


@dataclass(frozen=True, slots=True)
class GroupView:
    """Where a group of tasks stands; `results` are the outputs of the completed members in the order in which they were
    delegated."""

    group_id: str
    done: bool
    total: int
    results: Sequence[Any]
    problems: Sequence[Any]


def to_group_view(group: Any, *, done: bool | None = None) -> GroupView:
    members = group["members"]
    return GroupView(
        group_id=group["groupId"],
        done=group["done"] if done is None else done,
        total=group["total"],
        results=[member["output"] for member in members if "output" in member],
        problems=[member["problem"] for member in members if "problem" in member],
    )
