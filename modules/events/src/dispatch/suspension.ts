import { turnSubscription } from '../subscriptions/turning.ts'
import { type FailureProblem, type Group, nowMs, type Suspension } from './group.ts'
import type { HeldEvent } from './held-event.ts'

/** So many keys in a row tell that not an event is at fault but what the handler needs (EVT-R36). */
const SUSPEND_AFTER_KEYS = 5
const PROBE_EVERY_MS = 5000
const RETRY_MS = 1000

const DEPENDENCY_CODES: ReadonlySet<string> = new Set(['unavailable', 'timeout', 'rate-limited'])

/**
 * Only what a member says of its handler: a lease that lapsed tells of the member, and one that dies with ten events in hand must not stop all others (decision 0015).
 */
export const isDependencyFailure = ({ code }: FailureProblem): boolean => DEPENDENCY_CODES.has(code)

export const createSuspension = (): Suspension => ({
  failing: new Set(),
  probe: undefined,
  probeAtMs: 0,
  saved: Promise.resolve(),
})

/** Answers whether the group is suspended. */
export function noteDependencyFailure(group: Group, { key }: HeldEvent): boolean {
  const { suspension, config } = group
  suspension.failing.add(key)
  if (config.state === 'active' && suspension.failing.size >= SUSPEND_AFTER_KEYS) {
    suspension.probeAtMs = nowMs(group) + PROBE_EVERY_MS
    turn(group, 'suspended')
  }
  return group.config.state === 'suspended'
}

/** A target of pushes that is gone is not asked again until somebody resumes (decision 0017). */
const isProbed = ({ config }: Group): boolean => config.push === undefined

/** An attempt of a member ended otherwise. */
export function noteEnd(group: Group): void {
  group.suspension.failing.clear()
  if (group.config.state === 'suspended' && isProbed(group)) turn(group, 'active')
}

/** How many events may be handed out now. */
export function roomOf(group: Group): number {
  const { suspension, config } = group
  if (config.state === 'active') return Number.POSITIVE_INFINITY
  if (config.state === 'paused' || !isProbed(group) || suspension.probe?.state === 'leased') return 0
  return nowMs(group) < suspension.probeAtMs ? 0 : 1
}

/** After these were taken to be handed out. */
export function noteTaken(group: Group, [probe]: readonly HeldEvent[]): void {
  if (group.config.state !== 'suspended' || probe === undefined) return
  group.suspension.probe = probe
  group.suspension.probeAtMs = nowMs(group) + PROBE_EVERY_MS
}

function turn(group: Group, state: 'active' | 'suspended'): void {
  const { config, suspension, dependencies } = group
  const { log, metrics } = dependencies
  group.config = { ...config, state }
  suspension.failing.clear()
  suspension.probe = undefined
  log.warn(state === 'suspended' ? 'group suspended: a dependency is down' : 'group resumed', {
    subscription: config.id,
  })
  metrics.gauge('soma_events_group_suspended', state === 'suspended' ? 1 : 0, { group: config.wireGroup })
  // The places of a broadcast are suspended one by one; the subscription itself goes on.
  if (config.mode === 'group') suspension.saved = suspension.saved.then(() => save(group, state))
}

/** As soon as the database takes it. */
async function save(group: Group, state: 'active' | 'suspended'): Promise<void> {
  const { id } = group.config
  const reason = state === 'suspended' ? 'a dependency of its handlers is down' : 'its handlers succeed again'
  try {
    await turnSubscription(id, { to: state, reason }, group.dependencies)
  } catch (error) {
    group.dependencies.log.warn('the state of a subscription cannot be written', { subscription: id, error })
    if (group.isClosed) return
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref())
    await save(group, state)
  }
}
