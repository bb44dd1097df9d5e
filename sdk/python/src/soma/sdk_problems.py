"""Problems that the SDK itself raises or sends in failed replies."""

from __future__ import annotations

from typing import Final

from soma.problem import ProblemDefinition

TASK_UNFINISHED: Final = ProblemDefinition(
    "task-unfinished",
    500,
    "The handler returned without an end",
    "Let the handler complete, fail, delegate or ask.",
    False,
)
TASK_ENDED: Final = ProblemDefinition(
    "task-ended", 409, "The task was already ended in this handler", "End a task once.", False
)
UNANSWERED: Final = ProblemDefinition(
    "unanswered",
    409,
    "A question got no answer",
    "Ask again under another key, or end the task without the answer.",
    False,
)
DATA_MISMATCH: Final = ProblemDefinition(
    "data-mismatch", 422, "The data does not fit the event", "Correct the fields listed in errors.", False
)
NO_RESPONSE_TYPE: Final = ProblemDefinition(
    "no-response-type",
    422,
    "The handled event asks for no reply",
    "Publish an event instead, or let the requester name a response type.",
    False,
)
HANDLER_FAILED: Final = ProblemDefinition(
    "handler-failed",
    500,
    "The handler threw",
    "Read the log of the agent; the delivery is tried again.",
    True,
)
TEMPLATE_UNRESOLVED: Final = ProblemDefinition(
    "template-unresolved",
    422,
    "A template found nothing",
    "Make sure that the path in the detail has a value before the state is entered.",
    False,
)
MACHINE_INVALID: Final = ProblemDefinition(
    "state-machine-invalid",
    422,
    "The state machine does not hold",
    "Correct the states and fields listed in errors.",
    False,
)
REGISTRATION_FAILED: Final = ProblemDefinition(
    "registration-failed",
    503,
    "The agent could not be registered",
    "Look at the cause; the name may belong to another principal.",
    True,
)
