"""Dataclasses: their JSON Schema, and values read from JSON."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any, Literal, Union

from soma.define.json_schema import find_issues

_SIMPLE: Mapping[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
}


def schema_of(annotation: Any) -> dict[str, Any]:
    """JSON Schema of a type. Raises TypeError for one that JSON does not know."""
    if annotation is Any:
        return {}
    if annotation in _SIMPLE:
        return dict(_SIMPLE[annotation])
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [schema_of(argument) for argument in arguments]}
    if origin is list or annotation is list:
        return {"type": "array", **({"items": schema_of(arguments[0])} if arguments else {})}
    if origin is dict or annotation is dict:
        return {"type": "object", **({"additionalProperties": schema_of(arguments[1])} if arguments else {})}
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return {"enum": [member.value for member in annotation]}
    if dataclasses.is_dataclass(annotation):
        return _object_of(annotation)
    raise TypeError(f"{annotation!r} has no JSON Schema; use a dataclass of JSON types, a pydantic model or a schema")


def _object_of(annotation: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(annotation)
    fields = [field for field in dataclasses.fields(annotation) if field.init]
    required = [field.name for field in fields if not _has_default(field)]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {field.name: schema_of(hints[field.name]) for field in fields},
    }
    return {**schema, "required": required} if required else schema


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def read_as(annotation: Any, value: Any) -> Any:
    """A JSON value that fits the schema of a type, as that type. Unknown members are dropped."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (Union, types.UnionType):
        fitting = next(one for one in arguments if next(find_issues(schema_of(one), value), None) is None)
        return read_as(fitting, value)
    if origin is list and arguments:
        return [read_as(arguments[0], item) for item in value]
    if origin is dict and arguments:
        return {name: read_as(arguments[1], member) for name, member in value.items()}
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return annotation(value)
    if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
        hints = typing.get_type_hints(annotation)
        names = [field.name for field in dataclasses.fields(annotation) if field.init and field.name in value]
        return annotation(**{name: read_as(hints[name], value[name]) for name in names})
    return float(value) if annotation is float else value
