"""One delivery from its arrival to how it settles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from soma.context.failure import failed_data
from soma.define.definition import AgentDefinition
from soma.json_value import storable
from soma.problem import Problem, problem_summary
from soma.run.cancellations import ENDED_ELSEWHERE
from soma.run.dispatch import is_race, run_handler
from soma.run.handling import Handling, follow
from soma.run.settler import Settlement
from soma.sdk_problems import HANDLER_FAILED

# Races of two handlers of one plan are run again at once this often; then the delivery is tried later.
_MAXIMUM_RACES: Final = 10


async def handle_delivery(definition: AgentDefinition, begin: Callable[[], Handling]) -> Settlement:
    """Runs the handler, writes what it left for `plans`, and says how the delivery settles. Raises nothing."""
    handling = begin()
    entry = definition.entry_of(handling.event)
    if entry is None:
        return Settlement("ack")
    races = 0
    while True:
        try:
            await run_handler(definition, entry, handling)
            if handling.signal.reason == ENDED_ELSEWHERE:
                # The requester has heard from `plans` already.
                return Settlement("ack")
            for effect in handling.effects:
                await effect()
            return Settlement("ack", emits=handling.emits)
        except Exception as error:
            if handling.signal.aborted:
                return Settlement("release")
            if not is_race(error) or races == _MAXIMUM_RACES:
                return _settlement_of(error, handling)
        races += 1
        # After a race the store is looked at first: somebody has been here.
        handling = begin()
        handling.redelivered = True


def _settlement_of(error: Exception, handling: Handling) -> Settlement:
    """A problem that no repeat can mend is answered at once; everything else is tried again."""
    event = handling.event
    is_final = isinstance(error, Problem) and not error.retryable and not is_race(error)
    handling.log.warning(
        "a handler of %s failed (event %s, attempt %d, final: %s)",
        *(event["type"], event["id"], handling.attempt, is_final),
        exc_info=error,
    )
    problem = error if isinstance(error, Problem) else HANDLER_FAILED.create(str(error) or type(error).__name__)
    summary = storable(problem_summary(problem))
    if not is_final:
        return Settlement("nack", problem={**summary, "retryable": True})
    response_type = event.get("responsetype")
    if response_type is None:
        return Settlement("nack", problem=summary, dead=True)
    reply = follow(
        handling,
        id=handling.reply_id(event["id"], response_type),
        type=response_type,
        topic=event.get("responsetopic", "action-results"),
        data=failed_data(problem),
        outcome="failed",
    )
    return Settlement("ack", emits=[reply])
