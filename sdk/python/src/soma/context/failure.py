"""What tasks and plans fail with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from soma.json_value import present, storable
from soma.problem import Problem, problem_summary

# A `Problem`, or its parts: `code`, `detail`, `status`, `retryable`.
FailureInput = Problem | Mapping[str, Any]


def failed_data(failure: FailureInput) -> dict[str, Any]:
    """The data of a failed reply."""
    return {"problem": storable(_parts_of(failure))}


def _parts_of(failure: FailureInput) -> dict[str, Any]:
    if isinstance(failure, Problem):
        return problem_summary(failure)
    status, retryable = failure.get("status"), failure.get("retryable")
    parts: dict[str, Any] = present(
        code=failure["code"],
        detail=failure["detail"],
        status=status if isinstance(status, int) and not isinstance(status, bool) else None,
        retryable=retryable if isinstance(retryable, bool) else None,
    )
    return parts


def to_problem_value(data: Any) -> dict[str, Any]:
    """The problem inside the data of a failed reply, whoever wrote it."""
    problem = data.get("problem") if isinstance(data, Mapping) else None
    if isinstance(problem, Mapping) and "code" in problem and "detail" in problem:
        return _parts_of(problem)
    return {"code": "failed", "detail": "the agent failed and named no problem"}
