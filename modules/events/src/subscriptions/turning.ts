import type { Clock } from '@soma/kernel'
import { subscriptionResumed, subscriptionSuspended } from '../../contract/facts.ts'
import type { EventsPorts } from '../ports.ts'
import { factEnvelope } from '../writer/fact-envelope.ts'
import { toSubscription } from './config.ts'
import { changeState } from './store.ts'

export interface TurnOptions extends Pick<EventsPorts, 'busTransaction' | 'recorder'> {
  readonly clock: Clock
}

/** The server itself suspends a subscription, or lets it go on: row and fact in one transaction. Somebody who paused or deleted it meanwhile is right. */
export async function turnSubscription(
  subscriptionId: string,
  { to, reason }: { to: 'active' | 'suspended'; reason: string },
  { busTransaction, recorder, clock }: TurnOptions,
): Promise<void> {
  const [from, definition] =
    to === 'suspended' ? (['active', subscriptionSuspended] as const) : (['suspended', subscriptionResumed] as const)
  const facts = await busTransaction(async (session) => {
    const row = await changeState(session, subscriptionId, { from, to })
    if (row === undefined) return []
    const { id, name, topics, types, state } = toSubscription(row)
    const data = { subscriptionId: id, name, topics, types, state, reason }
    const about = { tenantId: row.tenant_id, spaceId: row.space_id }
    const fact = factEnvelope(definition, data, { about, now: clock.now(), key: id })
    await recorder.write(session, [fact])
    return [fact]
  })
  if (facts.length > 0) recorder.committed(facts)
}
