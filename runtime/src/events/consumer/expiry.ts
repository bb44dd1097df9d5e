import type { EventEnvelope } from '@soma/kernel'
import { failedReply } from './dead-letter-event.ts'
import { eventProblems } from './failure.ts'
import { type DeliverOptions, type InHand, isExact, persist, succeed } from './outcomes.ts'

export const isExpired = ({ expirytime }: EventEnvelope): boolean =>
  expirytime !== undefined && Date.parse(expirytime) < Date.now()

/** Not handled, counted; whoever asked gets one failed reply. Its id is derived, so a repeat after a crash is the same event. */
export async function expire(inHand: InHand, event: EventEnvelope, options: DeliverOptions): Promise<void> {
  const { record, lane, place, deliveryId, attempt } = inHand
  const { group, emitter, metrics } = options
  metrics.count('soma_events_deliveries_total', { group, outcome: 'expired' })
  const problem = eventProblems.expired.create(`the event expired at ${event.expirytime}, before it was first handled`)
  const dead = { record, event, place, deliveryId, attempts: attempt, problem, handler: group }
  const asked = options.handlers.matching(record.topic, record.type).some(isExact)
  const reply = asked ? failedReply(dead, new Date()) : undefined
  if (reply !== undefined) {
    const envelopes = [reply]
    const written = await persist(lane, options, (session) => emitter.write(session, envelopes))
    if (written === 'lost') return options.lose(lane)
    emitter.committed(envelopes)
  }
  await succeed(inHand, options)
}
