"""Gates: decisions of people that plans and tasks wait for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from soma.context.absent import absent_as_none
from soma.json_value import present
from soma.run.derived_ids import derived_id
from soma.run.handling import Handling
from soma.sdk_problems import UNANSWERED

GateKind = Literal["review", "policy", "budget", "input", "effect", "change"]


@dataclass(frozen=True, slots=True)
class Gate:
    """What is asked. `key` is the gate's stable name in its plan: opening `publish` twice is one gate.

    Exactly `payload` (at most 256 KiB) is approved; `edit_schema` is the JSON Schema of the merge patch that a decider
    may send. By default one holder of `gate:decide` other than the requester decides.
    """

    key: str
    title: str
    payload: Any
    kind: GateKind = "review"
    edit_schema: dict[str, Any] | None = None
    evidence: Sequence[dict[str, Any]] | None = None
    requirements: Sequence[dict[str, Any]] | None = None
    due_at: str | None = None
    max_revisions: int | None = None


async def open_gate(handling: Handling, plan_id: str, gate: Gate) -> str:
    """Opens a gate once: its id follows from the plan and the key, so a repeated handler finds the one that is open."""
    gate_id = derived_id("gate", plan_id, handling.agent.name, gate.key)
    body = present(
        title=gate.title,
        kind=gate.kind,
        editSchema=gate.edit_schema,
        evidence=gate.evidence,
        requirements=gate.requirements,
        dueAt=gate.due_at,
        maxRevisions=gate.max_revisions,
        gateId=gate_id,
        subject={"planId": plan_id, "action": gate.key},
    )
    body["payload"] = gate.payload
    # By its id alone: under a key, the repeat of a process that was killed would be refused while the key is held.
    await handling.clients.governance.gates.open(body=body)
    return gate_id


@dataclass(slots=True)
class Question:
    """What a task asks a person; see `TaskContext.ask`."""

    question: str
    schema: dict[str, Any]
    key: str
    deciders: Sequence[dict[str, str]] | None
    due_at: str | None


@dataclass(slots=True)
class Asked:
    """`is_new`: the gate does not stand yet. It is opened once the task waits for it: a decision that came before would
    find nobody."""

    gate_id: str
    is_new: bool
    body: Any
    is_answered: bool = False
    answer: Any = None


async def ask_at_gate(handling: Handling, task_id: str, question: Question) -> Asked:
    """Reads what was answered at the gate of a question. Its id follows from task and key: a question is asked once."""
    gate_id = derived_id("gate", task_id, handling.agent.name, question.key)
    known = await absent_as_none(handling.clients.governance.gates.get(gate_id))
    asked = Asked(gate_id, known is None, _gate_of(task_id, question, gate_id))
    if known is None or known["status"] == "open":
        return asked
    if known["status"] != "approved":
        raise UNANSWERED.create(f'"{question.question}" was {known["status"]}', gateId=gate_id)
    asked.is_answered, asked.answer = True, known["payload"]["answer"]
    return asked


def _gate_of(task_id: str, question: Question, gate_id: str) -> Any:
    return present(
        gateId=gate_id,
        kind="input",
        title=question.question[:200],
        subject={"taskId": task_id},
        payload={"answer": None},
        editSchema={"type": "object", "properties": {"answer": question.schema}, "required": ["answer"]},
        # An answer is no approval: the asker's own principal may give it, and on a laptop agent and user are one.
        requirements=[{"deciders": list(question.deciders or []), "excludeRequester": False}],
        dueAt=question.due_at,
    )
