import {
  type Context,
  commonProblems,
  type LogReader,
  type Metrics,
  type ModuleDatabase,
  TOPICS,
  type Topic,
} from '@soma/kernel'
import { positionTrimmed } from '../../contract/problems.ts'
import type { Connections } from '../connections.ts'
import type { EventsPorts } from '../ports.ts'
import type { EventFilter } from './event-filter.ts'
import { readableBy, requireReadings } from './service.ts'
import { followLog, type TailFrame } from './tail.ts'
import { CURSOR_CHARACTERS, decodeTailCursor, encodeTailCursor, type TailPositions } from './tail-cursor.ts'
import type { TailHub } from './tail-hub.ts'
import { closable } from './wake.ts'

export interface TailQuery {
  readonly topics?: readonly string[] | undefined
  readonly types?: readonly string[] | undefined
  readonly planId?: string | undefined
  readonly sessionId?: string | undefined
  readonly correlationId?: string | undefined
  readonly from: string
}

export interface TailServiceOptions {
  readonly database: ModuleDatabase
  readonly reader: LogReader
  readonly bus: EventsPorts['bus']
  readonly hub: TailHub
  readonly connections: Connections
  readonly tailMaxLag: number
  readonly quotaStreams: number
  readonly metrics: Metrics
}

export function createTailService(options: TailServiceOptions) {
  const heads = async (topic: Topic): Promise<number[]> =>
    (await options.reader.heads(topic))
      .toSorted((left, right) => left.part - right.part)
      .map(({ position }) => position)

  return {
    stream: async (
      context: Context,
      query: TailQuery,
      call: { lastEventId?: string; signal: AbortSignal },
    ): Promise<AsyncIterable<TailFrame>> => {
      const filter = filterOf(context, query)
      const readings = requireReadings(query.topics ?? TOPICS)
      const current = await eachTopic(readings, heads)
      requireCursor(current)
      const from = call.lastEventId ?? query.from
      const positions = await startOf(from, current, options)
      if (options.connections.count(context.tenantId, 'tail') >= options.quotaStreams)
        throw commonProblems.rateLimited.create(`the tenant has ${options.quotaStreams} streams open, its quota`, {
          retryAfterMs: 5000,
        })
      const leave = options.connections.add({ kind: 'tail', context })
      return closable(call.signal, (signal) => {
        signal.addEventListener('abort', leave, { once: true })
        return followLog(
          {
            context,
            database: options.database,
            hub: options.hub,
            recent: options.reader.recent,
            readings,
            filter,
            positions,
            startsAtHead: from === 'now',
            heads,
            maxLag: options.tailMaxLag,
            metrics: options.metrics,
          },
          signal,
        )
      })
    },
  }
}

function filterOf(context: Context, query: TailQuery): EventFilter {
  const { types, planId, sessionId, correlationId } = query
  return {
    ...(types === undefined ? {} : { types }),
    ...(planId === undefined ? {} : { planId }),
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(correlationId === undefined ? {} : { correlationId }),
    ...readableBy(context),
  }
}

const eachTopic = async (
  topics: { keys(): Iterable<Topic> },
  positionsOf: (topic: Topic) => Promise<number[]>,
): Promise<TailPositions> =>
  new Map(await Promise.all(Array.from(topics.keys(), async (topic) => [topic, await positionsOf(topic)] as const)))

/** Room that positions which go on need before a stream ends. */
const SPARE_CHARACTERS = 64

/** @throws invalid-request for a tail of so many partitions that its cursors would not fit into their bound. */
function requireCursor(heads: TailPositions): void {
  if (encodeTailCursor(heads).length <= CURSOR_CHARACTERS - SPARE_CHARACTERS) return
  const detail = 'the place in all partitions of these topics is longer than a cursor may be; name fewer topics'
  throw commonProblems.invalidRequest.create(detail, {
    errors: [{ pointer: '/query/topics', code: 'too-many-partitions', detail }],
  })
}

async function startOf(
  from: string,
  current: TailPositions,
  { bus, reader }: Pick<TailServiceOptions, 'bus' | 'reader'>,
): Promise<TailPositions> {
  if (from === 'now') return current
  if (from === 'earliest')
    return eachTopic(current, async (topic) =>
      (await reader.heads(topic))
        .toSorted((left, right) => left.part - right.part)
        .map(({ oldestPosition }) => oldestPosition - 1),
    )
  const at = new Date(from)
  if (/^\d{4}-\d\d-\d\dT/.test(from) && !Number.isNaN(at.getTime()))
    return eachTopic(current, async (topic) =>
      Promise.all(
        (current.get(topic) ?? []).map(async (_head, part) => (await bus.positionAt(topic, part, at)).position),
      ),
    )
  return resumeAt(decodeTailCursor(from), current, reader)
}

/** @throws invalid-request for what is no cursor of this log; position-trimmed when the log no longer reaches back to it. */
async function resumeAt(
  cursor: TailPositions | undefined,
  current: TailPositions,
  reader: LogReader,
): Promise<TailPositions> {
  if (
    cursor === undefined ||
    [...cursor].some(([topic, parts]) => current.has(topic) && current.get(topic)?.length !== parts.length)
  )
    throw commonProblems.invalidRequest.create(
      'from is neither now, earliest, an instant nor a cursor of this stream',
      {
        errors: [
          {
            pointer: '/query/from',
            code: 'invalid-cursor',
            detail: 'send now, earliest, an RFC 3339 instant or the id of a frame',
          },
        ],
      },
    )
  for (const [topic, parts] of current) {
    const wanted = cursor.get(topic)
    if (wanted === undefined) continue
    current.set(
      topic,
      wanted.map((position, part) => Math.min(position, parts[part] ?? 0)),
    )
    for (const state of await reader.heads(topic)) {
      if ((wanted[state.part] ?? 0) + 1 < state.oldestPosition)
        throw trimmed(topic, state.part, state.oldestPosition, current)
    }
  }
  return current
}

function trimmed(topic: Topic, part: number, oldestPosition: number, positions: TailPositions) {
  return positionTrimmed.create(`the oldest event of "${topic}", partition ${part}, is at position ${oldestPosition}`, {
    oldestPosition,
    head: encodeTailCursor(positions),
  })
}
