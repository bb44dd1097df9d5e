import type { EventEnvelope, SqlSession } from '@soma/kernel'
import type { DeliveryPlace } from './deliveries/store.ts'

/** `run`: first time, and the partition is still the caller's; `duplicate`: its effects exist; `lost`: another node owns the partition. */
export type InboxAnswer = 'run' | 'duplicate' | 'lost'

export type InboxEvent = Pick<EventEnvelope, 'id' | 'source' | 'tenantid' | 'replayid'>

/**
 * The first statement of a handler's transaction, for its events of one tenant and group in order; the answers in that order. It waits for another owner that has the same event in hand, so the effects of one event never happen twice,
 * and no later event of the key starts before.
 */
export async function enterInbox(
  session: SqlSession,
  entering: readonly { readonly place: DeliveryPlace; readonly event: InboxEvent }[],
): Promise<InboxAnswer[]> {
  const of = <Value>(value: (place: DeliveryPlace, event: InboxEvent) => Value): Value[] =>
    entering.map(({ place, event }) => value(place, event))
  const rows = await session.query<{ answer: InboxAnswer }>(
    `select runtime.enter_inbox($1, $2, w.event, w.source, w.replay, w.topic, w.part, w.epoch) as answer
     from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::int2[], $8::int8[]) as w (event, source, replay, topic, part, epoch)`,
    [
      entering[0]?.event.tenantid,
      entering[0]?.place.group,
      of((_place, event) => event.id),
      of((_place, event) => event.source),
      of((_place, event) => event.replayid ?? ''),
      of((place) => place.topic),
      of((place) => place.part),
      of((place) => place.epoch),
    ],
  )
  return rows.map(({ answer }) => answer)
}
