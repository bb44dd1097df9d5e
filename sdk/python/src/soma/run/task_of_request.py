"""The task that a request asks for."""

from __future__ import annotations

from typing import Any, Final

from soma.run.derived_ids import derived_id

# The source of requests that `plans` sends for its tasks.
_PLANS: Final = "/modules/plans"


def task_of_request(event: dict[str, Any], agent_name: str) -> tuple[str, bool]:
    """Its id, and whether it is one of a plan: else it is the agent's own, and `plans` learns of it when it is saved
    first."""
    if event["source"] == _PLANS and "taskid" in event:
        return str(event["taskid"]), True
    return derived_id("task", event["id"], agent_name, "task"), False
