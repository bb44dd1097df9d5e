import { failedReply } from './failed-reply.ts'
import { countDeliveries, type Group } from './group.ts'
import { eventOf, type HeldEvent } from './held-event.ts'
import { finish } from './promoting.ts'

/** Its expirytime passed before the group's first attempt (EVT-R12). */
export function isExpired(group: Group, held: HeldEvent): boolean {
  if (held.attempt > 0 || held.record === undefined || !held.record.envelope.includes('"expirytime"')) return false
  const { expirytime } = eventOf(held)
  return expirytime !== undefined && Date.parse(expirytime) < group.dependencies.clock.now().getTime()
}

/** Not delivered, counted; a request gets a failed reply. */
export function expire(group: Group, held: HeldEvent): void {
  const { dependencies, config } = group
  const { writer, log, clock } = dependencies
  held.isSettling = true
  countDeliveries(group, 'expired')
  const problem = { code: 'expired', detail: 'the event expired before it was first handed out' }
  const facts = failedReply(eventOf(held), { group: config.group, problem, now: clock.now() })
  const written =
    facts.length === 0 ? Promise.resolve() : writer.write(config.tenantId, { facts }).then(() => undefined)
  written
    .catch((error: unknown) => log.warn('the failed reply of an expired event was not written', { error }))
    .finally(() => finish(group, held))
}
