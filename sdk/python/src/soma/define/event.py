"""Events that agents send and handle."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any, Generic, Literal, TypedDict, TypeVar, Unpack, overload

from soma.define.dataclass_schema import read_as, schema_of
from soma.define.json_schema import Schema, find_issues
from soma.json_value import copy_of
from soma.sdk_problems import DATA_MISMATCH

Data = TypeVar("Data")
SideEffects = Literal["none", "reversible", "irreversible"]
Topic = Literal[
    "action-requests",
    "action-results",
    "business-facts",
    "system-events",
    "plan-events",
    "task-events",
    "notification-events",
    "billing-events",
    "conversation",
    "memory",
    "audit",
    "dead-letter",
]
_TYPE = re.compile(r"[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+")


class EventParts(TypedDict, total=False):
    """What may be said about an event beside its name, place and data."""

    response: EventDefinition[Any] | None
    # Semver of the data. Default 1.0.0.
    version: str
    purpose: str
    # Each must fit the data.
    examples: Sequence[Any]
    tags: Sequence[str]
    side_effects: SideEffects


class EventDefinition(Generic[Data]):
    """Declares an event. Whoever sends, handles or answers it uses the value, so it cannot be mistyped.

    It is registered with the agents that use it. `type` has at least two segments; a request ends in `.requested`, a
    fact in a verb in the past. `data` is a dataclass, a pydantic model or a JSON Schema. `response` is the reply that
    a request asks for. A registered `version` never changes: give changed data a higher one.
    """

    @overload
    def __init__(
        self: EventDefinition[Any],
        type: str,
        topic: Topic,
        description: str,
        data: Mapping[str, Any] | bool,
        **parts: Unpack[EventParts],
    ) -> None: ...

    @overload
    def __init__(
        self,
        type: str,
        topic: Topic,
        description: str,
        data: type[Data],
        **parts: Unpack[EventParts],
    ) -> None: ...

    def __init__(
        self,
        type: str,
        topic: Topic,
        description: str,
        data: Any,
        **parts: Unpack[EventParts],
    ) -> None:
        if _TYPE.fullmatch(type) is None:
            raise TypeError(
                f'event type "{type}" must have at least two segments of a-z, 0-9 and hyphen, joined by dots'
            )
        self.type = type
        self.topic = topic
        self.description = description
        self.response = parts.get("response")
        self.version = parts.get("version", "1.0.0")
        self.purpose = parts.get("purpose")
        self.tags = list(parts.get("tags", ()))
        self.side_effects: SideEffects = parts.get("side_effects", "none")
        self._data = data
        self.json_schema: Schema = _schema_of(data)
        self.examples = [self.dump(example) for example in parts.get("examples", ())]

    def parse(self, value: Any) -> Data:
        """Data as handlers get it. Raises `data-mismatch` with one entry a field."""
        if hasattr(self._data, "model_validate"):
            model: Data = self._validated(value)
            return model
        self._refuse(find_issues(self.json_schema, value))
        parsed: Data = read_as(self._data, value) if dataclasses.is_dataclass(self._data) else value
        return parsed

    def dump(self, value: Any) -> Any:
        """Data as it is sent. Raises `data-mismatch` when it does not fit."""
        if hasattr(self._data, "model_validate"):
            return self._validated(value).model_dump(mode="json", by_alias=True)
        plain = copy_of(value)
        self._refuse(find_issues(self.json_schema, plain))
        return plain

    def _validated(self, value: Any) -> Any:
        try:
            return self._data.model_validate(value)
        except ValueError as error:
            raised: Any = getattr(error, "errors", None)
            if raised is None:
                raise
            self._refuse([("".join(f"/{part}" for part in one["loc"]), one["msg"]) for one in raised()])

    def _refuse(self, issues: Any) -> None:
        errors = [{"pointer": f"/data{pointer}", "code": "invalid", "detail": detail} for pointer, detail in issues]
        if errors:
            first = errors[0]
            raise DATA_MISMATCH.create(f"{self.type}: {first['pointer']}: {first['detail']}", errors=errors)


def _schema_of(data: Any) -> Schema:
    if isinstance(data, Mapping | bool):
        return data
    if hasattr(data, "model_json_schema"):
        schema: dict[str, Any] = data.model_json_schema(by_alias=True)
        return schema
    if dataclasses.is_dataclass(data):
        return schema_of(data)
    raise TypeError(f"{data!r} is no dataclass, pydantic model or JSON Schema")


AnyEvent = EventDefinition[Any]
