"""Declaring events and agents."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from soma import EventDefinition, PlatformContext, Problem, TaskContext, Worker


class Colour(Enum):
    RED = "red"


@dataclass
class Line:
    sku: str
    count: int = 1


@dataclass
class Order:
    lines: list[Line]
    colour: Colour
    note: str | None = None
    size: Literal["s", "m"] = "s"
    prices: dict[str, float] = field(default_factory=dict)


order = EventDefinition("order.placed", "business-facts", "An order.", Order)


def test_a_dataclass_gives_its_json_schema() -> None:
    line = {
        "type": "object",
        "properties": {"sku": {"type": "string"}, "count": {"type": "integer"}},
        "required": ["sku"],
    }
    assert order.json_schema == {
        "type": "object",
        "properties": {
            "lines": {"type": "array", "items": line},
            "colour": {"enum": ["red"]},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "size": {"enum": ["s", "m"]},
            "prices": {"type": "object", "additionalProperties": {"type": "number"}},
        },
        "required": ["lines", "colour"],
    }


def test_data_becomes_the_dataclass_and_json_again() -> None:
    sent: dict[str, Any] = {"lines": [{"sku": "a"}, {"sku": "b", "count": 2}], "colour": "red", "prices": {"a": 1}}
    read = order.parse({**sent, "unknown": "is dropped"})
    assert read == Order([Line("a"), Line("b", 2)], Colour.RED, prices={"a": 1.0})
    lines = [{"sku": "a", "count": 1}, {"sku": "b", "count": 2}]
    assert order.dump(read) == {**sent, "lines": lines, "note": None, "size": "s"}


@pytest.mark.parametrize(
    ("data", "pointers"),
    [
        ({}, ["/data/lines", "/data/colour"]),
        ({"lines": [{"sku": 1}], "colour": "blue"}, ["/data/lines/0/sku", "/data/colour"]),
        (
            {"lines": [{"sku": "a", "count": True}], "colour": "red", "size": "xl"},
            ["/data/lines/0/count", "/data/size"],
        ),
        ([], ["/data"]),
    ],
)
def test_data_that_does_not_fit_names_every_field(data: Any, pointers: list[str]) -> None:
    with pytest.raises(Problem) as raised:
        order.parse(data)
    assert (raised.value.code, raised.value.retryable) == ("data-mismatch", False)
    assert sorted(error["pointer"] for error in raised.value.extensions["errors"]) == sorted(pointers)


@pytest.mark.parametrize(
    ("schema", "fitting", "other"),
    [
        ({"type": "string", "minLength": 2, "maxLength": 3, "pattern": "^a"}, "ab", ["a", "abcd", "bb", 1, None]),
        ({"type": "integer", "minimum": 1, "exclusiveMaximum": 3}, 2.0, [0, 3, 1.5, True, "2"]),
        ({"type": "array", "items": {"type": "null"}, "minItems": 1, "maxItems": 2}, [None], [[], [1], [None] * 3]),
        ({"prefixItems": [{"const": 1}], "items": False}, [1], [[2], [1, 1]]),
        (
            {"properties": {"a/b": {"enum": [1, [2]]}}, "additionalProperties": False},
            {"a/b": [2]},
            [{"a/b": 2}, {"c": 1}],
        ),
        ({"oneOf": [{"type": "number"}, {"minimum": 5}], "not": {"const": 7}}, 4, [6, 7]),
        ({"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"type": ["object", "null"]}}}, None, ["x"]),
        (False, None, []),
    ],
)
def test_json_schemas_are_checked(schema: Any, fitting: Any, other: list[Any]) -> None:
    event = EventDefinition("a.happened", "business-facts", "A fact.", schema)
    if schema is not False:
        assert event.parse(fitting) == fitting
    for value in other:
        with pytest.raises(Problem):
            event.parse(value)


def test_pydantic_models_are_accepted() -> None:
    class Person(BaseModel):
        name: str

    event = EventDefinition("person.met", "business-facts", "A person was met.", Person, examples=[Person(name="Ada")])
    assert (event.parse({"name": "Ada"}), event.examples) == (Person(name="Ada"), [{"name": "Ada"}])
    with pytest.raises(Problem) as raised:
        event.parse({"name": 1})
    assert [error["pointer"] for error in raised.value.extensions["errors"]] == ["/data/name"]


def test_an_agent_hears_a_type_once_and_only_by_definition() -> None:
    worker = Worker("once", "Hears once.")

    @worker.on_task(order)
    async def handle(task: TaskContext[Order], context: PlatformContext) -> None:
        task.complete()

    with pytest.raises(TypeError, match="already handles"):
        worker.on_task(order)(handle)
    with pytest.raises(TypeError, match="by its definition"):
        worker.on_task("order.placed")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="agent name"):
        Worker("Two Words", "No.")
    with pytest.raises(TypeError, match="two segments"):
        EventDefinition("order", "business-facts", "No.", Order)
