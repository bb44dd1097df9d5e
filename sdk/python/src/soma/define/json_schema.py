"""The part of JSON Schema 2020-12 that data of events uses.

What is not known here is left to the platform, which checks every published event by the whole of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from soma.json_value import canonical_text
from soma.machine.condition import is_number

Schema = Mapping[str, Any] | bool
# JSON Pointer and message.
Issue = tuple[str, str]

_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "number": lambda value: is_number(value),
    "integer": lambda value: is_number(value) and float(value).is_integer(),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def find_issues(schema: Schema, value: Any, root: Schema | None = None, at: str = "") -> Iterator[Issue]:
    """What of a value does not fit a schema."""
    root = schema if root is None else root
    if isinstance(schema, bool):
        if not schema:
            yield at, "must not be there"
        return
    if isinstance(reference := schema.get("$ref"), str):
        yield from find_issues(_resolve(root, reference), value, root, at)
    types = schema.get("type")
    names = [types] if isinstance(types, str) else types
    if names is not None and not any(_TYPES[name](value) for name in names):
        yield at, f"must be {' or '.join(names)}"
        return
    if "const" in schema and not _is_same(value, schema["const"]):
        yield at, f"must be {schema['const']!r}"
    if "enum" in schema and not any(_is_same(value, choice) for choice in schema["enum"]):
        yield at, f"must be one of {schema['enum']!r}"
    yield from _combined(schema, value, root, at)
    if isinstance(value, str):
        yield from _text_issues(schema, value, at)
    elif is_number(value):
        yield from _number_issues(schema, value, at)
    elif isinstance(value, list):
        yield from _array_issues(schema, value, root, at)
    elif isinstance(value, dict):
        yield from _object_issues(schema, value, root, at)


def _is_same(left: Any, right: Any) -> bool:
    return canonical_text(left) == canonical_text(right) or (is_number(left) and is_number(right) and left == right)


def _resolve(root: Schema, reference: str) -> Schema:
    found: Any = root
    for segment in reference.removeprefix("#").split("/")[1:]:
        found = found[segment.replace("~1", "/").replace("~0", "~")]
    return found if isinstance(found, bool | Mapping) else True


def _fits(schema: Schema, value: Any, root: Schema) -> bool:
    return next(find_issues(schema, value, root), None) is None


def _combined(schema: Mapping[str, Any], value: Any, root: Schema, at: str) -> Iterator[Issue]:
    for part in schema.get("allOf", ()):
        yield from find_issues(part, value, root, at)
    if "anyOf" in schema and not any(_fits(part, value, root) for part in schema["anyOf"]):
        yield at, "fits none of its forms"
    if "oneOf" in schema and sum(_fits(part, value, root) for part in schema["oneOf"]) != 1:
        yield at, "must fit exactly one of its forms"
    if "not" in schema and _fits(schema["not"], value, root):
        yield at, "fits what it must not be"


def _text_issues(schema: Mapping[str, Any], value: str, at: str) -> Iterator[Issue]:
    if len(value) < schema.get("minLength", 0):
        yield at, f"must have at least {schema['minLength']} characters"
    if len(value) > schema.get("maxLength", len(value)):
        yield at, f"must have at most {schema['maxLength']} characters"
    if "pattern" in schema and re.search(schema["pattern"], value) is None:
        yield at, f"must match {schema['pattern']}"


def _number_issues(schema: Mapping[str, Any], value: float, at: str) -> Iterator[Issue]:
    if value < schema.get("minimum", value):
        yield at, f"must be at least {schema['minimum']}"
    if value > schema.get("maximum", value):
        yield at, f"must be at most {schema['maximum']}"
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        yield at, f"must be more than {schema['exclusiveMinimum']}"
    if "exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"]:
        yield at, f"must be less than {schema['exclusiveMaximum']}"


def _array_issues(schema: Mapping[str, Any], value: list[Any], root: Schema, at: str) -> Iterator[Issue]:
    if len(value) < schema.get("minItems", 0):
        yield at, f"must have at least {schema['minItems']} items"
    if len(value) > schema.get("maxItems", len(value)):
        yield at, f"must have at most {schema['maxItems']} items"
    first = schema.get("prefixItems", ())
    for index, item in enumerate(value):
        yield from find_issues(
            first[index] if index < len(first) else schema.get("items", True), item, root, f"{at}/{index}"
        )


def _object_issues(schema: Mapping[str, Any], value: dict[str, Any], root: Schema, at: str) -> Iterator[Issue]:
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{at}/{_escape(name)}", "is missing"
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    for name, member in value.items():
        yield from find_issues(properties.get(name, others), member, root, f"{at}/{_escape(name)}")


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
