import type { LogRecord, SqlSession } from '@soma/kernel'
import type { TopicAlias } from '../../contract/aliases.ts'
import { type EventFilter, FILTER_ATTRIBUTES, type TopicReadings } from './event-filter.ts'

interface LogRow {
  readonly topic: string
  readonly part: number
  readonly segment: number
  readonly pos: number
  readonly recorded_at: Date
  readonly tenant_id: string
  readonly event_id: string
  readonly type: string
  readonly key: string
  readonly user_id: string | null
  readonly envelope: string
}

const COLUMNS =
  'l.topic, l.part, l.segment, l.pos, l.recorded_at, l.tenant_id, l.event_id, l.type, l.key, l.user_id, l.envelope'

const toRecord = (row: LogRow): LogRecord => ({
  topic: row.topic,
  part: row.part,
  segment: row.segment,
  position: row.pos,
  recordedAt: row.recorded_at,
  tenantId: row.tenant_id,
  eventId: row.event_id,
  type: row.type,
  key: row.key,
  userId: row.user_id,
  envelope: row.envelope,
})

/** Collects parameters and answers their `$n`. */
function createParameters() {
  const values: unknown[] = []
  return { values, add: (value: unknown): string => `$${values.push(value)}` }
}

type Parameters = ReturnType<typeof createParameters>

const escapeLike = (text: string): string => text.replaceAll(/[\\%_]/g, (character) => `\\${character}`)

function typeCondition(patterns: readonly string[], parameters: Parameters): string {
  const parts = patterns.map((pattern) => {
    if (pattern === '*') return 'true'
    if (pattern.endsWith('.*')) return `l.type like ${parameters.add(`${escapeLike(pattern.slice(0, -1))}%`)}`
    return `l.type = ${parameters.add(pattern)}`
  })
  return `(${parts.join(' or ')})`
}

/** The envelope as jsonb, which refuses escapes of NUL and of lone surrogates: no attribute has one, data may. A slash is valid wherever an escape is, behind a backslash too. */
const ENVELOPE = String.raw`regexp_replace(l.envelope, '\\u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})', '/', 'g')::jsonb`

/** An attribute of the envelope. The text search comes first: parsing every envelope as JSON would cost ten times more. */
function attributeCondition(attribute: string, value: string, parameters: Parameters): string {
  const text = parameters.add(`${JSON.stringify(attribute)}:${JSON.stringify(value)}`)
  return `case when strpos(l.envelope, ${text}) > 0 then ${ENVELOPE} ->> '${attribute}' = ${parameters.add(value)} else false end`
}

function filterConditions(filter: EventFilter, parameters: Parameters): string[] {
  const conditions = filter.types === undefined ? [] : [typeCondition(filter.types, parameters)]
  if (filter.userId !== undefined) conditions.push(`l.user_id = ${parameters.add(filter.userId)}`)
  for (const [field, attribute] of Object.entries(FILTER_ATTRIBUTES)) {
    const value = filter[field as keyof typeof FILTER_ATTRIBUTES]
    if (value !== undefined) conditions.push(attributeCondition(attribute, value, parameters))
  }
  return conditions
}

function aliasCondition(alias: TopicAlias, parameters: Parameters): string {
  const parts = ['true']
  if (alias.types.length > 0) parts.push(typeCondition(alias.types, parameters))
  if (alias.exceptTypes.length > 0) parts.push(`not ${typeCondition(alias.exceptTypes, parameters)}`)
  if (alias.source !== undefined) parts.push(attributeCondition('source', alias.source, parameters))
  if (alias.dataTopics !== undefined)
    parts.push(`${ENVELOPE} -> 'data' ->> 'topic' = any(${parameters.add(alias.dataTopics)}::text[])`)
  return `(${parts.join(' and ')})`
}

function topicConditions(readings: TopicReadings, parameters: Parameters): string {
  const parts = [...readings].map(
    ([topic, aliases]) =>
      `(l.topic = ${parameters.add(topic)} and (${aliases.map((alias) => aliasCondition(alias, parameters)).join(' or ')}))`,
  )
  return `(${parts.join(' or ')})`
}

/** A place in the list of all events, newest first. */
export interface ListPlace {
  readonly recordedAt: Date
  readonly topic: string
  readonly part: number
  readonly position: number
}

/** The events of the session's tenant, newest first: the newest of each partition by index, then merged. */
export async function listEvents(
  session: SqlSession,
  wanted: {
    readings: TopicReadings
    filter: EventFilter
    key?: string
    from?: string
    to?: string
    before?: ListPlace
    limit: number
  },
): Promise<LogRecord[]> {
  const parameters = createParameters()
  const conditions = [topicConditions(wanted.readings, parameters), ...filterConditions(wanted.filter, parameters)]
  if (wanted.key !== undefined) conditions.push(`l.key = ${parameters.add(wanted.key)}`)
  if (wanted.from !== undefined) conditions.push(`l.recorded_at >= ${parameters.add(wanted.from)}::timestamptz`)
  if (wanted.to !== undefined) conditions.push(`l.recorded_at < ${parameters.add(wanted.to)}::timestamptz`)
  if (wanted.before !== undefined) {
    const { recordedAt, topic, part, position } = wanted.before
    const place = [
      `${parameters.add(recordedAt.toISOString())}::timestamptz`,
      parameters.add(topic),
      `${parameters.add(part)}::int2`,
      `${parameters.add(position)}::int8`,
    ]
    conditions.push(`(date_trunc('milliseconds', l.recorded_at), l.topic, l.part, l.pos) < (${place.join(', ')})`)
  }
  const topics = parameters.add([...wanted.readings.keys()])
  const limit = `${parameters.add(wanted.limit)}::int4`
  const rows = await session.query<LogRow>(
    `select l.* from events.partition p cross join lateral (
       select ${COLUMNS} from events.log l where l.topic = p.topic and l.part = p.part and ${conditions.join(' and ')}
       order by l.segment desc, l.pos desc limit ${limit}) l
     where p.topic = any(${topics}::text[])
     order by date_trunc('milliseconds', l.recorded_at) desc, l.topic desc, l.part desc, l.pos desc limit ${limit}`,
    parameters.values,
  )
  return rows.map(toRecord)
}

/** The oldest position that can still be read. */
export async function oldestOf(session: SqlSession, topic: string, part: number): Promise<number | undefined> {
  const rows = await session.query<{ tail: number }>(
    'select tail from events.partition where topic = $1 and part = $2::int2',
    [topic, part],
  )
  return rows[0]?.tail
}

/** The newest events with these ids: an id is unique per source alone. */
export async function findEvents(session: SqlSession, eventIds: readonly string[]): Promise<LogRecord[]> {
  const rows = await session.query<LogRow>(
    `select ${COLUMNS} from events.log l where l.event_id = any($1::text[]) order by l.recorded_at desc limit 20`,
    [eventIds],
  )
  return rows.map(toRecord)
}

export interface TailRead {
  readonly topic: string
  /** Last position read, by partition. */
  readonly positions: readonly number[]
  readonly readings: TopicReadings
  readonly filter: EventFilter
  readonly limit: number
  /** No further event is read once those before it have so many bytes. Default: no bound. */
  readonly maxBytes?: number
}

/**
 * The session's tenant's events after the positions, in order of recording; inside a partition that is the order of positions. `heads` were read before, so a
 * result without more behind it holds everything up to them. `nowMs` is the time of the database, which dates the records too.
 */
export async function readAfter(
  session: SqlSession,
  wanted: TailRead,
): Promise<{ records: LogRecord[]; hasMore: boolean; heads: number[]; oldest: number[]; nowMs: number }> {
  const states = await session.query<{ part: number; head: number; tail: number; now_ms: number }>(
    'select part, head, tail, (extract(epoch from clock_timestamp()) * 1000)::float8 as now_ms from events.partition where topic = $1 order by part',
    [wanted.topic],
  )
  const parameters = createParameters()
  const topic = parameters.add(wanted.topic)
  const parts = parameters.add(wanted.positions.map((_position, part) => part))
  const positions = parameters.add(wanted.positions)
  const readings: TopicReadings = new Map([...wanted.readings].filter(([name]) => name === wanted.topic))
  const conditions = [topicConditions(readings, parameters), ...filterConditions(wanted.filter, parameters)].join(
    ' and ',
  )
  const limit = `${parameters.add(wanted.limit)}::int4`
  const rows = await session.query<LogRow & { readonly found: number }>(
    `select * from (
       select l.*, count(*) over ()::int4 as found, sum(octet_length(l.envelope)) over (order by l.recorded_at, l.part, l.pos) as bytes from (
         select l.* from unnest(${parts}::int2[], ${positions}::int8[]) as w (part, pos) cross join lateral (
           select ${COLUMNS} from events.log l where l.topic = ${topic} and l.part = w.part and l.pos > w.pos and ${conditions}
           order by l.segment, l.pos limit ${limit}) l
         order by l.recorded_at, l.part, l.pos limit ${limit}) l) l
     where bytes - octet_length(l.envelope) < ${parameters.add(wanted.maxBytes ?? Number.MAX_SAFE_INTEGER)}::int8
     order by l.recorded_at, l.part, l.pos`,
    parameters.values,
  )
  return {
    records: rows.map(toRecord),
    hasMore: rows[0] !== undefined && (rows[0].found === wanted.limit || rows[0].found > rows.length),
    heads: states.map(({ head }) => head),
    oldest: states.map(({ tail }) => tail),
    nowMs: states[0]?.now_ms ?? 0,
  }
}

/** How many of the session's tenant's events of a topic lie after `positions`, up to `heads`; counts no further than `limit`. */
export async function countBetween(
  session: SqlSession,
  wanted: Omit<TailRead, 'limit' | 'maxBytes'> & { readonly heads: readonly number[]; readonly limit?: number },
): Promise<number> {
  const parameters = createParameters()
  const topic = parameters.add(wanted.topic)
  const parts = parameters.add(wanted.positions.map((_position, part) => part))
  const positions = parameters.add(wanted.positions)
  const heads = parameters.add(wanted.heads)
  const readings: TopicReadings = new Map([...wanted.readings].filter(([name]) => name === wanted.topic))
  const conditions = [topicConditions(readings, parameters), ...filterConditions(wanted.filter, parameters)].join(
    ' and ',
  )
  const rows = await session.query<{ count: number }>(
    `select count(*)::int4 as count from (
       select 1 from unnest(${parts}::int2[], ${positions}::int8[], ${heads}::int8[]) as w (part, pos, head)
         join events.log l on l.topic = ${topic} and l.part = w.part and l.pos > w.pos and l.pos <= w.head
        where ${conditions} limit ${parameters.add(wanted.limit ?? null)}::int8) counted`,
    parameters.values,
  )
  return rows[0]?.count ?? 0
}
