"""What every SDK does alike, as sdk/vectors says it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import pytest

from soma import Problem, define_state_machine
from soma.clients.sse import SseParser
from soma.context.failure import failed_data
from soma.context.kept_state import merge_states, open_state
from soma.machine.condition import evaluate_condition
from soma.machine.state_machine import next_state
from soma.machine.templates import fill_templates
from soma.problem import problem_of_document, problem_summary
from soma.run.derived_ids import derived_id, derived_uuid
from soma.run.waiting import full_jitter
from vectors import machine_of, read, replay


def cases(name: str, part: str | None = None) -> pytest.MarkDecorator:
    found = read(name) if part is None else read(name)[part]
    return pytest.mark.parametrize(
        "case", found, ids=[str(case.get("name", index)) for index, case in enumerate(found)]
    )


@cases("derived-ids")
def test_derives_ids(case: Any) -> None:
    assert derived_uuid(*case["parts"]) == case["uuid"]
    assert derived_id(case["prefix"], *case["parts"]) == case["id"]


@cases("partitions")
def test_finds_the_partition_of_a_key(case: Any) -> None:
    envelope = case["envelope"]
    named = ("partitionkey", "planid", "sessionid", "correlationid", "id")
    assert next(envelope[name] for name in named if name in envelope) == case["key"]
    digest = 0x811C9DC5
    for byte in f"{case['tenantId']}\0{case['key']}".encode():
        digest = ((digest ^ byte) * 0x01000193) & 0xFFFFFFFF
    assert {count: digest % int(count) for count in case["partitions"]} == case["partitions"]


@cases("sse")
def test_reads_server_sent_events(case: Any) -> None:
    parser = SseParser()
    read_so_far = [message for chunk in case["chunks"] for message in parser.feed(base64.b64decode(chunk))]
    expected = [(one["event"], one["data"], one.get("id")) for one in case["messages"]]
    assert [(one.event, one.data, one.id) for one in read_so_far] == expected


@cases("problems", "documents")
def test_reads_problems(case: Any) -> None:
    problem = problem_of_document(case["document"])
    assert problem_summary(problem) == case["summary"]
    assert problem.extensions == case["extensions"]
    assert failed_data(problem) == case["failedData"]


@cases("problems", "failures")
def test_fails_with_the_parts_of_a_problem(case: Any) -> None:
    assert failed_data(case["failure"]) == case["failedData"]


@cases("backoff")
def test_waits_as_the_draws_of_a_seed_say(case: Any) -> None:
    draw = mulberry32(case["seed"])
    made = [full_jitter(attempt, case["baseMs"], case["maxMs"], draw) for attempt in range(len(case["pausesMs"]))]
    assert made == pytest.approx(case["pausesMs"], rel=1e-12)


def mulberry32(seed: int) -> Callable[[], float]:
    """A generator that is a few lines in any language."""

    def draw() -> float:
        nonlocal seed
        seed = (seed + 0x6D2B79F5) & 0xFFFFFFFF
        mixed = ((seed ^ (seed >> 15)) * (1 | seed)) & 0xFFFFFFFF
        mixed = ((mixed + (((mixed ^ (mixed >> 7)) * (61 | mixed)) & 0xFFFFFFFF)) & 0xFFFFFFFF) ^ mixed
        return ((mixed ^ (mixed >> 14)) & 0xFFFFFFFF) / 4294967296

    return draw


@cases("templates", "cases")
def test_fills_templates(case: Any) -> None:
    scope = read("templates")["scope"]
    if "problem" not in case:
        assert fill_templates(case["template"], scope) == case["value"]
        return
    with pytest.raises(Problem) as raised:
        fill_templates(case["template"], scope)
    assert (raised.value.code, raised.value.detail) == (case["problem"], case["detail"])


@cases("conditions", "cases")
def test_decides_conditions(case: Any) -> None:
    scope = read("conditions")["scope"]
    if "problem" not in case:
        assert evaluate_condition(case["condition"], scope) is case["value"]
        return
    with pytest.raises(ValueError, match="the condition"):
        evaluate_condition(case["condition"], scope)


@cases("kept-state", "open")
def test_opens_stored_state(case: Any) -> None:
    opened, expected = open_state(case.get("stored"), case["eventId"]), case["opened"]
    assert opened.value == expected["value"]
    assert (opened.is_repeat, opened.came_from) == (expected["isRepeat"], expected.get("from"))


@cases("kept-state", "merge")
def test_merges_states(case: Any) -> None:
    assert merge_states(case["base"], case["mine"], case["theirs"]) == case["merged"]


@cases("state-machines", "machines")
def test_checks_state_machines(case: Any) -> None:
    if "errors" not in case:
        machine = define_state_machine(machine_of(case["input"]))
        triggers = [event.type for event in machine.triggers]
        assert {"states": machine.states, "first": machine.first, "triggers": triggers} == case["machine"]
        return
    with pytest.raises(Problem) as raised:
        define_state_machine(machine_of(case["input"]))
    assert raised.value.code == "state-machine-invalid"
    errors = raised.value.extensions["errors"]
    assert [{"pointer": error["pointer"], "code": error["code"]} for error in errors] == case["errors"]


@cases("state-machines", "moves")
def test_moves_between_states(case: Any) -> None:
    assert next_state(case["states"], case["from"], case["on"], case["scope"]) == case["to"]


@cases("transcripts")
def test_calls_the_platform_and_settles(case: Any) -> None:
    calls, settlement = asyncio.run(replay(case))
    answers = ("answer", "problem")
    assert calls == [{name: part for name, part in call.items() if name not in answers} for call in case["calls"]]
    assert settlement == case["settlement"]
