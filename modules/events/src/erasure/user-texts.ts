import { type EventEnvelope, eraseData, type SqlSession } from '@soma/kernel'
import type { ErasedSubject } from '../ports.ts'

/** Events of one transaction, each 1 KB to 1 MB. */
const PAGE = 200

/** An event as text, where it lies. */
interface Text {
  /** What comes after it is read next. */
  readonly place: string | number
  readonly envelope: string
  /** It only names the user somewhere. */
  readonly isOfOthers?: boolean
}

/** One place where events of a user lie as text. */
export interface TextSource {
  /** In the order of places. */
  read(session: SqlSession, after: Text['place'] | undefined): Promise<Text[]>
  write(session: SqlSession, texts: readonly Text[]): Promise<unknown>
}

/** Erases the data of one page; answers how many events changed, and after which place to go on. */
export async function erasePage(
  session: SqlSession,
  source: TextSource,
  after: Text['place'] | undefined,
): Promise<{ changed: number; next: Text['place'] | undefined }> {
  const texts = await source.read(session, after)
  const changed = texts.flatMap(({ place, envelope, isOfOthers = false }) => {
    const erased = isOfOthers ? envelope : eraseData(envelope)
    return erased === envelope ? [] : [{ place, envelope: erased }]
  })
  if (changed.length > 0) await source.write(session, changed)
  return { changed: changed.length, next: texts.length < PAGE ? undefined : texts.at(-1)?.place }
}

export const inLog = ({ tenantId, userId }: ErasedSubject, topic: string, part: number): TextSource => ({
  read: (session, after = 0) =>
    session.query(
      `select pos as place, envelope from events.log
        where topic = $1 and part = $2 and tenant_id = $3 and user_id = $4 and pos > $5 order by segment, pos limit ${PAGE}`,
      [topic, part, tenantId, userId, after],
    ),
  write: (session, texts) =>
    session.execute(
      `update events.log l set envelope = t.envelope from unnest($3::int8[], $4::text[]) as t (pos, envelope)
        where l.topic = $1 and l.part = $2 and l.pos = t.pos`,
      [topic, part, ...columnsOf(texts)],
    ),
})

/** Locked, so that the relay ships a row before or after it was erased, and not between. */
export const inOutbox = ({ tenantId, userId }: ErasedSubject): TextSource => ({
  read: (session, after = 0) =>
    session.query(
      `select id as place, envelope from events.outbox where tenant_id = $1 and user_id = $2 and id > $3 order by id limit ${PAGE} for update`,
      [tenantId, userId, after],
    ),
  write: (session, texts) =>
    session.execute(
      'update events.outbox o set envelope = t.envelope from unnest($1::int8[], $2::text[]) as t (id, envelope) where o.id = t.id',
      columnsOf(texts),
    ),
})

/** Dead letters, or deliveries that bring their event along: the user stands in the text alone. What is no event is nobody's. */
export const inDeliveries = (
  { tenantId, userId }: ErasedSubject,
  table: 'events.dead_letter' | 'events.delivery',
): TextSource => ({
  read: async (session, after = '00000000-0000-0000-0000-000000000000') => {
    const texts = await session.query<Text>(
      `select delivery_id as place, envelope from ${table}
        where tenant_id = $1 and strpos(envelope, $2) > 0 and delivery_id > $3::uuid order by delivery_id limit ${PAGE} for update`,
      [tenantId, `"userid":${JSON.stringify(userId)}`, after],
    )
    return texts.map((text) => (isOf(text.envelope, userId) ? text : { ...text, isOfOthers: true }))
  },
  write: (session, texts) =>
    session.execute(
      `update ${table} d set envelope = t.envelope from unnest($1::uuid[], $2::text[]) as t (id, envelope) where d.delivery_id = t.id`,
      columnsOf(texts),
    ),
})

const columnsOf = (texts: readonly Text[]) => [texts.map(({ place }) => place), texts.map(({ envelope }) => envelope)]

function isOf(envelope: string, userId: string): boolean {
  try {
    return (JSON.parse(envelope) as Partial<EventEnvelope>).userid === userId
  } catch {
    return false
  }
}
