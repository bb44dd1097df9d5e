import {
  commonProblems,
  type Context,
  type EventEnvelope,
  isTopic,
  type LogReader,
  type LogRecord,
  type ModuleDatabase,
  type Topic,
} from '@soma/kernel'
import type * as z from 'zod'
import { resolveTopic } from '../../contract/aliases.ts'
import type { requestInputSchema } from '../../contract/envelope.ts'
import { noConsumer, responseTimeout } from '../../contract/problems.ts'
import { eventIn } from '../log/event-filter.ts'
import { onFirstAbort } from '../log/wake.ts'
import type { Consumers } from './consumers.ts'
import { readEvents } from './reply-contracts.ts'
import { isAnswerTo } from './reply-id.ts'
import type { Publishing } from './service.ts'

type Request = z.output<typeof requestInputSchema>

export interface RequestOptions {
  readonly publishing: Publishing
  readonly consumers: Consumers
  readonly reader: LogReader
  readonly database: ModuleDatabase
  /** Aborts when the process drains. */
  readonly draining: AbortSignal
}

interface Call {
  readonly newEventId: () => string
  readonly signal: AbortSignal
}

/**
 * Publishes a request and waits for the first reply of its tenant with its type, topic and correlation, written by any process (EVT-R54).
 * @throws response-timeout, or unavailable when the process drains, both with the `correlationId` under which the reply can be read
 */
export async function requestReply(
  context: Context,
  { timeoutMs, requireConsumer, ...input }: Request,
  { newEventId, signal, publishing, consumers, reader, database, draining }: RequestOptions & Call,
): Promise<EventEnvelope> {
  const id = input.id ?? newEventId()
  const correlationId = input.correlationId ?? id
  const requestTopic = topicOf(input.topic)
  if (
    requireConsumer &&
    requestTopic !== undefined &&
    !(await consumers.hasLive(context.tenantId, requestTopic, input.type))
  )
    throw noConsumer.create(`no connected group reads "${input.type}" on "${requestTopic}"`)
  // An unknown reply topic is refused by the publish itself; until then there is nothing to listen to.
  const topic = topicOf(input.responseTopic ?? 'action-results') ?? 'action-results'
  const wanted: Wanted = { id, type: input.responseType, topic, correlationId }
  const waiting = awaitReply(reader, topic, {
    isCandidate: (record) => isCandidate(record, context, wanted),
    isAnswer: (event) => isNobodyElses(event, wanted, (ids) => readEvents(context, ids, database)),
  })
  try {
    await publishing.publish(context, { ...input, id, correlationId }, newEventId)
    const reply = await waiting.reply(timeoutMs, [signal, draining])
    if (reply !== undefined) return reply
    const published = { correlationId, eventId: id }
    if (draining.aborted)
      throw commonProblems.unavailable.create('this process is stopping before the reply came', {
        ...published,
        retryAfterMs: 500,
      })
    throw responseTimeout.create(`no "${input.responseType}" came within ${timeoutMs} ms`, published)
  } finally {
    waiting.stop()
  }
}

const topicOf = (name: string | undefined): Topic | undefined => {
  const topic = name === undefined ? undefined : resolveTopic(name)?.topics[0]
  return topic !== undefined && isTopic(topic) ? topic : undefined
}

interface Wanted {
  /** Of the request. */
  readonly id: string
  readonly type: string
  readonly topic: Topic
  readonly correlationId: string
}

function isCandidate(record: LogRecord, { tenantId, spaceId }: Context, { type, correlationId }: Wanted): boolean {
  return (
    record.tenantId === tenantId &&
    record.type === type &&
    record.envelope.includes(JSON.stringify(correlationId)) &&
    eventIn(record)?.correlationid === correlationId &&
    (spaceId === '' || eventIn(record)?.spaceid === spaceId)
  )
}

/** Requests of one conversation may share a correlation: what another of them caused is the answer to that one. */
async function isNobodyElses(
  { causationid: cause }: EventEnvelope,
  wanted: Wanted,
  read: (ids: readonly string[]) => Promise<EventEnvelope[]>,
): Promise<boolean> {
  if (cause === undefined || cause === wanted.id) return true
  return (await read([cause])).every((event) => !isAnswerTo(event, wanted))
}

/** Listens from now on, so that a reply that comes before the publish has answered is not missed. */
function awaitReply(
  reader: LogReader,
  topic: Topic,
  replies: { isCandidate: (record: LogRecord) => boolean; isAnswer: (event: EventEnvelope) => Promise<boolean> },
) {
  let found: (event: EventEnvelope | undefined) => void = () => {}
  let fail: (error: unknown) => void = () => {}
  const first = new Promise<EventEnvelope | undefined>((resolve, reject) => {
    found = resolve
    fail = reject
  })
  // Where the publish is refused nobody waits for it.
  first.catch(() => undefined)
  let looked = Promise.resolve()
  const look = async (event: EventEnvelope) => {
    if (await replies.isAnswer(event)) found(event)
  }
  const stop = reader.onAppend(topic, (records) => {
    for (const event of records.filter(replies.isCandidate).flatMap((record) => eventIn(record) ?? []))
      looked = looked.then(() => look(event)).catch(fail)
  })
  return {
    stop,
    reply: async (timeoutMs: number, ends: readonly AbortSignal[]): Promise<EventEnvelope | undefined> => {
      const giveUp = () => found(undefined)
      const timer = setTimeout(giveUp, timeoutMs)
      const stopListening = onFirstAbort(ends, giveUp)
      try {
        return await first
      } finally {
        clearTimeout(timer)
        stopListening()
      }
    },
  }
}
