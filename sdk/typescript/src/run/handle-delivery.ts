import { isProblem, problemSummary } from '@soma/kernel'
import { failedData } from '../context/failure.ts'
import { storable } from '../context/storable.ts'
import type { AgentDefinition } from '../define/agent-definition.ts'
import type { HandlerEntry } from '../define/handlers.ts'
import { sdkProblems } from '../sdk-problems.ts'
import { TaskEndedElsewhere } from './cancellations.ts'
import { derivedId } from './derived-ids.ts'
import { isRace, runHandler } from './dispatch.ts'
import { createHandling, follow, type Handling } from './handling.ts'
import type { Settlement } from './settler.ts'

/** Races of two handlers of one plan are run again at once this often; then the delivery is tried later. */
const MAXIMUM_RACES = 10

type Base = Parameters<typeof createHandling>[0]

/** The handler of an event: its own, else the one for every type of the topic. */
export const entryOf = (
  definition: AgentDefinition,
  event: { type: string; topic: string },
): HandlerEntry | undefined =>
  definition.entries.find((entry) => entry.topic === event.topic && entry.type === event.type) ??
  definition.entries.find((entry) => entry.topic === event.topic && entry.type === '*')

/** Runs the handler, writes what it left for `plans`, and says how the delivery settles. Never throws. */
export async function handleDelivery(definition: AgentDefinition, base: Base): Promise<Settlement> {
  const entry = entryOf(definition, base.event)
  if (entry === undefined) return { kind: 'ack', emits: [] }
  for (let races = 0; ; races++) {
    // After a race the store is looked at first: somebody has been here.
    const handling = createHandling(races === 0 ? base : { ...base, redelivered: true })
    try {
      await runHandler(definition, entry, handling)
      if (endedElsewhere(base)) return NOTHING
      for (const effect of handling.effects) await effect()
      return { kind: 'ack', emits: handling.emits }
    } catch (error) {
      if (base.signal.aborted) return { kind: 'release' }
      if (isRace(error) && races < MAXIMUM_RACES) continue
      return settlementOf(error, handling)
    }
  }
}

/** The requester has heard from `plans` already. */
const NOTHING: Settlement = { kind: 'ack', emits: [] }
const endedElsewhere = ({ signal }: Base): boolean => signal.reason instanceof TaskEndedElsewhere

/** A problem that no repeat can mend is answered at once; everything else is tried again. */
function settlementOf(error: unknown, handling: Handling): Settlement {
  const { event, log } = handling
  const isFinal = isProblem(error) && !error.retryable && !isRace(error)
  log.warn('a handler failed', { type: event.type, eventId: event.id, attempt: handling.attempt, isFinal, error })
  const problem = isProblem(error)
    ? error
    : sdkProblems.handlerFailed.create(error instanceof Error ? error.message : String(error))
  const summary = storable(problemSummary(problem))
  if (!isFinal) return { kind: 'nack', problem: { ...summary, retryable: true } }
  if (event.responsetype === undefined) return { kind: 'nack', problem: summary, dead: true }
  const reply = follow(
    handling,
    {
      id: derivedId('evt', event.id, handling.agent.name, 'reply', event.responsetype),
      type: event.responsetype,
      topic: event.responsetopic ?? 'action-results',
      data: failedData(problem),
    },
    { outcome: 'failed' },
  )
  return { kind: 'ack', emits: [reply] }
}
