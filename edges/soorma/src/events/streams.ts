import { randomUUID } from 'node:crypto'
import type { eventsContract } from '@soma/events/contract'
import { type Client, type Context, type EventEnvelope, type Logger, newUuid } from '@soma/kernel'
import type { SoormaSettings } from '../contract.ts'
import type { Caller } from '../wire/route.ts'
import { documentOr } from '../memory/foreign-ids.ts'
import { toSoormaEnvelope } from './envelope.ts'
import { isOwnFailure } from './failures.ts'
import { ensureGroup, type Group } from './groups.ts'
import { createHandoff, type Handoff } from './handoff.ts'
import { createSettling, type Held, type Settling } from './settling.ts'

/** A delivery counts when the connection lived so much longer than its frame took to be sent (SOO-R10). */
const CONFIRM_MS = 2000
/** How many deliveries of a topic a connection may have that do not count yet. */
const CREDITS = 1000

export interface StreamOptions {
  readonly events: Client<typeof eventsContract>
  readonly settings: Pick<SoormaSettings, 'delivery' | 'heartbeatMs'>
  /** Aborts when the process drains. */
  readonly draining: AbortSignal
  readonly log: Logger
}

export interface StreamRequest {
  readonly agentId: string
  readonly groups: readonly Group[]
  /** The last event that the client has. */
  readonly lastEventId: string | undefined
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal
}

export interface Connection {
  readonly connection_id: string
  readonly agent_id: string
  readonly topics: readonly string[]
}

type Item = { readonly held: Held; readonly event: EventEnvelope } | { readonly gap: unknown } | 'end'

/** The streams of this process: who is connected, and what each has in hand. */
export function createStreams(options: StreamOptions) {
  const connections = new Map<string, Connection & { readonly tenantId: string }>()
  return {
    count: () => connections.size,
    connectionsOf: (tenantId: string): Connection[] =>
      [...connections.values()]
        .filter((connection) => connection.tenantId === tenantId)
        .map(({ tenantId: _tenantId, ...connection }) => connection),

    /** Joins the groups; resolves when the connection is a member of each. @throws Problem where it may not be */
    open: async (caller: Caller, request: StreamRequest): Promise<AsyncIterable<string>> => {
      const ending = new AbortController()
      const { context } = caller
      const confirmMs = options.settings.delivery === 'at-most-once' ? 0 : CONFIRM_MS
      const settling = createSettling({ ...options, context, confirmMs })
      const handoff = createHandoff<Item>()
      const connection = {
        connection_id: randomUUID(),
        agent_id: request.agentId,
        topics: request.groups.map(({ topic }) => topic),
        tenantId: context.tenantId,
      }
      const close = async () => {
        connections.delete(connection.connection_id)
        await settling.end()
        ending.abort()
      }
      try {
        for (const group of request.groups)
          await join(caller, group, { ...options, handoff, settling, signal: ending.signal })
      } catch (error) {
        await close()
        throw error
      }
      for (const signal of [request.signal, options.draining]) onAbort(signal, ending.signal, () => handoff.push('end'))
      connections.set(connection.connection_id, connection)
      const requestOf = (event: EventEnvelope) => readRequest(options.events, context, event)
      return framesOf(connection, {
        ...request,
        requestOf,
        heartbeatMs: options.settings.heartbeatMs,
        handoff,
        settling,
        close,
      })
    },
  }
}

/** The data of the request that a failure of ours answers: its requester knows its task by them. Nothing where it can't be read. */
async function readRequest(
  events: StreamOptions['events'],
  context: Context,
  event: EventEnvelope,
): Promise<Readonly<Record<string, unknown>>> {
  const { causationid: eventId } = event
  if (eventId === undefined || !isOwnFailure(event)) return {}
  const request = await events.events.get(context, { params: { eventId }, query: {} }).catch(() => undefined)
  return documentOr(request?.data, {})
}

/** Calls back once, until the other signal aborts. */
function onAbort(signal: AbortSignal, until: AbortSignal, call: () => void): void {
  if (signal.aborted) call()
  else {
    signal.addEventListener('abort', call, { once: true })
    until.addEventListener('abort', () => signal.removeEventListener('abort', call), { once: true })
  }
}

interface Joining extends StreamOptions {
  readonly handoff: Handoff<Item>
  readonly settling: Settling
  readonly signal: AbortSignal
}

/** Becomes a member of a group and passes on what is handed to it. */
async function join(
  { context }: Caller,
  group: Group,
  { events, log, handoff, settling, signal }: Joining,
): Promise<void> {
  const subscriptionId = await ensureGroup(events, context, group)
  const memberId = newUuid()
  const frames = await events.deliveries.stream(context, {
    params: { subscriptionId },
    query: { memberId, credits: CREDITS },
    signal,
  })
  const pass = async () => {
    for await (const frame of frames) {
      if (frame.event === 'delivery') {
        const { deliveryId, attempt, event } = frame.data
        const held: Held = { deliveryId, attempt, subscriptionId, memberId }
        settling.hold(held)
        handoff.push({ held, event: event as unknown as EventEnvelope })
      } else if (frame.event === 'lease-lost') settling.lost(frame.data.deliveryId)
      else if (frame.event === 'gap') handoff.push({ gap: frame.data })
    }
  }
  void pass()
    .catch((error: unknown) => {
      if (!signal.aborted) log.warn('a group of a stream ended', { topic: group.topic, error })
    })
    .finally(() => handoff.push('end'))
}

interface Framing extends StreamRequest {
  readonly heartbeatMs: number
  readonly handoff: Handoff<Item>
  readonly settling: Settling
  readonly close: () => Promise<void>
  readonly requestOf: (event: EventEnvelope) => Promise<Readonly<Record<string, unknown>>>
}

/** The next frame is asked for when the one before was taken by the operating system: only then does its delivery begin to count. */
async function* framesOf(
  { tenantId: _tenantId, ...connection }: Connection & { readonly tenantId: string },
  { handoff, settling, heartbeatMs, lastEventId, close, requestOf }: Framing,
): AsyncGenerator<string, void> {
  const about = { connection_id: connection.connection_id }
  try {
    yield frame('connected', connection)
    for (;;) {
      const item = await handoff.take(heartbeatMs)
      if (item === undefined) yield frame('heartbeat', about)
      else if (item === 'end') return yield frame('disconnected', about)
      else if ('gap' in item) yield frame('gap', item.gap)
      else if (item.event.id === lastEventId) settling.known(item.held)
      else {
        const envelope = toSoormaEnvelope(item.event, await requestOf(item.event))
        yield frame('message', envelope, item.event.id)
        settling.taken(item.held)
      }
    }
  } finally {
    await close()
  }
}

/** Lines end in CRLF; a client drops a frame that lacks `event:` or `data:`. */
function frame(event: string, data: unknown, id?: string): string {
  const idLine = id === undefined || /[\r\n\0]/.test(id) ? '' : `id: ${id}\r\n`
  return `${idLine}event: ${event}\r\ndata: ${JSON.stringify(data)}\r\n\r\n`
}
