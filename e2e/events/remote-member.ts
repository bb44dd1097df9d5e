import { createHttpTransport, buildClient, type Client, newUuid } from '@soma/kernel'
import { eventsContract } from '@soma/events/contract'
import { type Defect, RETRY_AFTER_MS } from './load-modules.ts'
import { failureOf, isAnswered } from './workload.ts'

/** A settlement that is sent again after no answer would be told `lost`, though it was done. */
const PATIENCE_MS = 300_000

type Events = Client<typeof eventsContract>

/** What the members of one group did; shared by them. */
export interface GroupJournal {
  readonly group: string
  readonly tenantId: string
  /** Numbers whose ack was accepted, one entry an ack, in the order in which they were handled. */
  readonly done: { number: number; key: string }[]
  /** Events of another tenant. */
  foreign: number
  /** Settlements that are sent and not answered. */
  inFlight: number
  /** Settlements that came too late. */
  lost: number
}

export interface RemoteMember {
  stop(): Promise<void>
}

export interface MemberOptions {
  readonly url: string
  readonly headers: Record<string, string>
  readonly subscriptionId: string
  readonly journal: GroupJournal
  readonly defect: Defect
  readonly credits: number
}

interface Received {
  readonly deliveryId: string
  readonly attempt: number
  readonly event: {
    readonly tenantid?: string
    readonly partitionkey?: string
    readonly data?: unknown
  }
}

/** An agent as any language could write one: deliveries over SSE, settlements gathered while the last request is under way. */
export async function joinGroup(options: MemberOptions): Promise<RemoteMember> {
  const transport = createHttpTransport({
    url: options.url,
    headers: () => options.headers,
    fetch,
    timeoutMs: PATIENCE_MS,
  })
  const events: Events = buildClient(eventsContract, transport)
  const memberId = newUuid()
  const leaving = new AbortController()
  const context = undefined as never
  const frames = await events.deliveries.stream(context, {
    params: { subscriptionId: options.subscriptionId },
    query: { memberId, credits: options.credits },
    signal: leaving.signal,
  })
  const settler = createSettling(options, (body) =>
    events.deliveries.settle(context, {
      params: { subscriptionId: options.subscriptionId },
      body: { memberId, ...body } as never,
    }),
  )
  const reading = (async () => {
    try {
      for await (const frame of frames) if (frame.event === 'delivery') settler.add(frame.data as unknown as Received)
    } catch (error) {
      if (!leaving.signal.aborted) throw error
    }
  })()
  return {
    stop: async () => {
      leaving.abort()
      await reading
      await settler.idle()
    },
  }
}

type Settle = (body: object) => Promise<{ settled: string[]; lost: unknown[]; refused: unknown[] }>

function createSettling({ journal, defect }: MemberOptions, settle: Settle) {
  const waiting: Received[] = []
  let running: Promise<void> | undefined

  const pump = async () => {
    while (waiting.length > 0) await settleBatch(waiting.splice(0, 200))
    running = undefined
  }
  const settleBatch = async (batch: readonly Received[]) => {
    const acks = batch.filter((delivery) => failure(delivery) === 'none')
    const nacks = batch.filter((delivery) => failure(delivery) !== 'none')
    const entries = acks.map(({ deliveryId, event }) => ({
      deliveryId,
      entry: { number: numberOf(event), key: event.partitionkey ?? '' },
    }))
    // Noted before the request: the next event of a key can reach another member before this one has read its answer.
    journal.done.push(...entries.map(({ entry }) => entry))
    journal.inFlight += batch.length
    const answer = await settle({ acks: acks.map(ackOf), nacks: nacks.map(nackOf) })
    journal.inFlight -= batch.length
    if (answer.refused.length > 0) throw new Error(`an answer was refused: ${JSON.stringify(answer.refused[0])}`)
    journal.lost += answer.lost.length
    if (answer.lost.length === 0) return
    const settled = new Set(answer.settled)
    const undone = new Set(entries.filter(({ deliveryId }) => !settled.has(deliveryId)).map(({ entry }) => entry))
    const kept = journal.done.filter((entry) => !undone.has(entry))
    journal.done.splice(0, journal.done.length, ...kept)
  }
  const failure = ({ event, attempt }: Received) =>
    defect.repaired ? 'none' : failureOf(journal.group, numberOf(event), attempt)
  const ackOf = ({ deliveryId, attempt, event }: Received) => ({
    deliveryId,
    attempt,
    ...(isAnswered(journal.group, numberOf(event)) ? { emits: [answerTo(event)] } : {}),
  })
  const answerTo = (event: Received['event']) => ({
    type: 'load.answered',
    topic: 'action-results',
    data: { group: journal.group, number: numberOf(event) },
  })
  const nackOf = (delivery: Received) => {
    const { deliveryId, attempt } = delivery
    const retryable = failure(delivery) !== 'for-good'
    const detail = `planted: ${journal.group} cannot handle ${numberOf(delivery.event)} at attempt ${attempt}`
    return {
      deliveryId,
      attempt,
      problem: { code: retryable ? 'planted' : 'planted-for-good', detail, retryable },
      ...(retryable && failure(delivery) !== 'once' ? { retryAfterMs: RETRY_AFTER_MS } : {}),
    }
  }
  return {
    add: (delivery: Received) => {
      if (delivery.event.tenantid !== journal.tenantId) journal.foreign += 1
      waiting.push(delivery)
      // After this turn, so that frames of one chunk share a request.
      running ??= Promise.resolve().then(pump)
    },
    idle: () => running ?? Promise.resolve(),
  }
}

const numberOf = (event: Received['event']): number => (event.data as { number: number }).number
