"""Texts with `{{paths}}` into a goal, results and state."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from soma.sdk_problems import TEMPLATE_UNRESOLVED

_TEMPLATE = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
# What a path may look at: `goal`, `results` and `state`.
MachineScope = Mapping[str, Any]


def fill_templates(value: Any, scope: MachineScope) -> Any:
    """Fills `{{goal.data.x}}`, `{{results.type.y}}` and `{{state.k}}`. A text that is one template becomes the value
    itself, of whatever type. Raises `template-unresolved`, which names the path."""
    if isinstance(value, str):
        return _fill_text(value, scope)
    if isinstance(value, list):
        return [fill_templates(item, scope) for item in value]
    if isinstance(value, Mapping):
        return {name: fill_templates(member, scope) for name, member in value.items()}
    return value


def _fill_text(text: str, scope: MachineScope) -> Any:
    whole = _TEMPLATE.fullmatch(text)
    if whole is not None:
        return _resolve(whole[1], scope)
    return _TEMPLATE.sub(lambda match: _as_text(_resolve(match[1], scope)), text)


_ABSENT = object()


def _resolve(path: str, scope: MachineScope) -> Any:
    value = look_up(path, scope, _ABSENT)
    if value is _ABSENT:
        raise TEMPLATE_UNRESOLVED.create(f"{{{{{path}}}}} found nothing")
    return value


def look_up(path: str, scope: Any, default: Any = None) -> Any:
    """The value at a path. Names in `results` are event types and contain dots, so the longest name that exists is
    taken."""
    value, rest = scope, path.split(".")
    while rest:
        for length in range(len(rest), 0, -1):
            found = _member(value, ".".join(rest[:length]))
            if found is not _ABSENT:
                value, rest = found, rest[length:]
                break
        else:
            return default
    return value


def _member(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(name, _ABSENT)
    if not isinstance(value, list):
        return _ABSENT
    if name == "length":
        return len(value)
    return value[int(name)] if re.fullmatch("0|[1-9][0-9]{0,8}", name) and int(name) < len(value) else _ABSENT


def template_paths(value: Any) -> list[str]:
    """Every path that templates in a value name."""
    if isinstance(value, str):
        return _TEMPLATE.findall(value)
    members = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [path for member in members for path in template_paths(member)]


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else _json_text(value)


def _json_text(value: Any) -> str:
    """JSON as every language of the platform writes it into a text."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_json_text(name)}:{_json_text(member)}" for name, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_json_text, value)) + "]"
    return _number_text(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def _number_text(value: float) -> str:
    """A number as ECMAScript writes it: the shortest digits, with an exponent from 1e21 up and under 1e-6."""
    _, digits, exponent = Decimal(repr(abs(value))).normalize().as_tuple()
    text, point = "".join(map(str, digits)), len(digits) + int(exponent)
    sign = "-" if value < 0 else ""
    if text == "0":
        return "0"
    if 0 < point <= 21:
        return sign + (text.ljust(point, "0") if len(text) <= point else f"{text[:point]}.{text[point:]}")
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{text}"
    mantissa = text if len(text) == 1 else f"{text[0]}.{text[1:]}"
    return f"{sign}{mantissa}e{point - 1:+d}"
