import {
  commonProblems,
  type Context,
  type EventEnvelope,
  isTopic,
  type LogReader,
  type LogRecord,
  type Topic,
} from '@soma/kernel'
import type * as z from 'zod'
import { resolveTopic } from '../../contract/aliases.ts'
import type { requestInputSchema } from '../../contract/envelope.ts'
import { noConsumer, responseTimeout } from '../../contract/problems.ts'
import { eventIn } from '../log/event-filter.ts'
import { onFirstAbort } from '../log/wake.ts'
import type { Consumers } from './consumers.ts'
import type { Publishing } from './service.ts'

type Request = z.output<typeof requestInputSchema>

export interface RequestOptions {
  readonly publishing: Publishing
  readonly consumers: Consumers
  readonly reader: LogReader
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
  { newEventId, signal, publishing, consumers, reader, draining }: RequestOptions & Call,
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
  const waiting = awaitReply(reader, topic, (record) => isReply(record, context.tenantId, { ...input, correlationId }))
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

function isReply(
  record: LogRecord,
  tenantId: string,
  request: { responseType: string; correlationId: string },
): boolean {
  return (
    record.tenantId === tenantId &&
    record.type === request.responseType &&
    record.envelope.includes(JSON.stringify(request.correlationId)) &&
    eventIn(record)?.correlationid === request.correlationId
  )
}

/** Listens from now on, so that a reply that comes before the publish has answered is not missed. */
function awaitReply(reader: LogReader, topic: Topic, matches: (record: LogRecord) => boolean) {
  let found: (event: EventEnvelope | undefined) => void = () => {}
  const first = new Promise<EventEnvelope | undefined>((resolve) => {
    found = resolve
  })
  const stop = reader.onAppend(topic, (records) => {
    const reply = records.find(matches)
    if (reply !== undefined) found(eventIn(reply))
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
