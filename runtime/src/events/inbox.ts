import type { EventEnvelope, SqlSession } from '@soma/kernel'
import type { DeliveryPlace } from './deliveries/store.ts'

/** `run`: first time, and the partition is still the caller's; `duplicate`: its effects exist; `lost`: another node owns the partition. */
export type InboxAnswer = 'run' | 'duplicate' | 'lost'

/**
 * The first statement of a handler's transaction. It waits for another owner that has the same event in hand, so the effects of one event never happen twice,
 * and no later event of the key starts before.
 */
export async function enterInbox(
  session: SqlSession,
  place: DeliveryPlace,
  event: Pick<EventEnvelope, 'id' | 'source' | 'tenantid' | 'replayid'>,
): Promise<InboxAnswer> {
  const rows = await session.query<{ answer: InboxAnswer }>(
    'select runtime.enter_inbox($1, $2, $3, $4, $5, $6, $7::int2, $8::int8) as answer',
    [event.tenantid, place.group, event.id, event.source, event.replayid ?? '', place.topic, place.part, place.epoch],
  )
  return rows[0]?.answer ?? 'lost'
}
