import { type Clock, commonProblems, type EventEnvelope, isProblem, type LogRecord, sequenceOf } from '@soma/kernel'
import type { EventsPorts } from '../ports.ts'
import type { EventOutcome, Fence, HeldRow, WriteRequest, WriteResult } from './requests.ts'
import * as store from './store.ts'

/** Most requests that share a transaction: bounds how long the first of them waits for the last. */
const BATCH_REQUESTS = 512
/** Most events and rows that share a transaction. */
const BATCH_WEIGHT = 2_000

export interface Writer {
  /**
   * Resolves when it is durable. Requests that arrive while a transaction runs share the next one; an idle writer starts at once. Those of a tenant are written in their
   * order; tenants take turns, a request each.
   */
  write(tenantId: string, request: WriteRequest): Promise<WriteResult>
  /** Resolves when nothing waits. */
  idle(): Promise<void>
}

interface Waiting {
  readonly request: WriteRequest
  resolve(result: WriteResult): void
  reject(error: unknown): void
}

/**
 * The group commit of the API path: publishes, settles and leases of concurrent callers in one transaction. Order inside it: remember event ids → acks →
 * failures → leases and cursors → the events, whose append is the last statement, so that the order of the log is the order of commits.
 */
export function createWriter(
  options: Pick<EventsPorts, 'busTransaction' | 'recorder'> & {
    clock: Clock
    dedupeMs: number
    /** Other processes write too. */
    isShared: boolean
  },
): Writer {
  /** By tenant, the one whose turn it is first. */
  const waiting = new Map<string, Waiting[]>()
  let running: Promise<void> | undefined

  const run = async () => {
    while (waiting.size > 0) await commit(takeBatch(), options)
    running = undefined
  }
  const takeBatch = (): Waiting[] => {
    const batch: Waiting[] = []
    let weight = 0
    for (const [tenantId, queue] of waiting) {
      const entry = queue[0] as Waiting
      weight += weightOf(entry.request)
      if (batch.length > 0 && (weight > BATCH_WEIGHT || batch.length === BATCH_REQUESTS)) break
      batch.push(entry)
      queue.shift()
      // Put in again it is the last, and the loop comes to it again.
      waiting.delete(tenantId)
      if (queue.length > 0) waiting.set(tenantId, queue)
    }
    return batch
  }
  return {
    write: (tenantId, request) =>
      new Promise((resolve, reject) => {
        const entry = { request, resolve, reject }
        const queue = waiting.get(tenantId)
        if (queue === undefined) waiting.set(tenantId, [entry])
        else queue.push(entry)
        running ??= Promise.resolve().then(run)
      }),
    idle: async () => {
      while (running !== undefined) await running
    },
  }
}

const weightOf = (request: WriteRequest): number =>
  1 + (request.events?.length ?? 0) + (request.held?.length ?? 0) + (request.returned?.length ?? 0)

type CommitOptions = Parameters<typeof createWriter>[0]

/** Never throws: every request of the batch is answered. A refused one rolls the transaction back, and the rest is written again without it. */
async function commit(batch: readonly Waiting[], options: CommitOptions): Promise<void> {
  let rest = batch
  while (rest.length > 0) {
    const refused = new Map<Waiting, WriteResult>()
    try {
      const answers = await transact(rest, options, refused)
      for (const entry of rest) entry.resolve(answers.get(entry) as WriteResult)
      return
    } catch (error) {
      if (refused.size === 0) {
        const failure = isProblem(error) ? error : unavailable(error)
        for (const entry of rest) entry.reject(failure)
        return
      }
      for (const [entry, result] of refused) entry.resolve(result)
      rest = rest.filter((entry) => !refused.has(entry))
    }
  }
}

const unavailable = (cause: unknown) =>
  commonProblems.unavailable.create('the event log cannot be written', { cause, retryAfterMs: 1000 })

/** @throws Error after `refused` was filled: nothing of the batch was written. */
async function transact(
  batch: readonly Waiting[],
  options: CommitOptions,
  refused: Map<Waiting, WriteResult>,
): Promise<Map<Waiting, WriteResult>> {
  const at = { now: options.clock.now(), windowMs: options.dedupeMs }
  const envelopes: EventEnvelope[] = []
  const lost = new Set<Waiting>()
  let fenced: ReadonlySet<string> = new Set()
  let overtaken = new Map<Waiting, WriteResult>()
  const outcomes = await options.busTransaction(async (session) => {
    if (options.isShared) overtaken = await findOvertaken(session, batch)
    const standing = batch.filter((entry) => !overtaken.has(entry))
    const byRequest = await admitEvents(session, standing, at, refused)
    for (const entry of await acknowledgeAll(session, standing)) {
      if ((entry.request.events ?? entry.request.facts ?? []).length > 0) refused.set(entry, { status: 'lost' })
      else lost.add(entry)
    }
    if (refused.size > 0) throw new Error('rolled back: some requests are refused')
    fenced = await writeRows(session, standing)
    envelopes.push(...standing.flatMap(({ request }) => envelopesOf(request, byRequest.get(request) ?? [])))
    if (envelopes.length > 0) await options.recorder.write(session, envelopes)
    return byRequest
  })
  const sequences = announce(envelopes, options.recorder)
  return new Map(
    batch.map((entry) => [
      entry,
      overtaken.get(entry) ??
        (lost.has(entry)
          ? { status: 'lost' }
          : {
              status: 'written',
              events: withSequences(entry.request, outcomes.get(entry.request) ?? [], sequences),
              isFenced: entry.request.cursors?.some(({ group }) => fenced.has(group)) ?? false,
            }),
    ]),
  )
}

function envelopesOf(request: WriteRequest, outcomes: readonly EventOutcome[]): EventEnvelope[] {
  const accepted = (request.events ?? []).filter((_event, index) => outcomes[index]?.status === 'accepted')
  return [...accepted.map(({ envelope }) => envelope), ...(request.facts ?? [])]
}

type Session = Parameters<Parameters<EventsPorts['busTransaction']>[0]>[0]

/** Finds duplicates and reused ids. A request with a reused id goes to `refused` as a whole. */
async function admitEvents(
  session: Session,
  batch: readonly Waiting[],
  at: { now: Date; windowMs: number },
  refused: Map<Waiting, WriteResult>,
): Promise<Map<WriteRequest, EventOutcome[]>> {
  const events = batch.flatMap(({ request }) => request.events ?? [])
  if (events.length === 0) return new Map()
  const known = new Map((await store.rememberEvents(session, events, at)).map((row) => [row.idx, row]))
  const recordedAt = at.now.toISOString()
  const outcomes = new Map<WriteRequest, EventOutcome[]>()
  let index = 0
  for (const entry of batch) {
    const decided = (entry.request.events ?? []).map((event): EventOutcome => {
      const first = known.get(++index)
      if (first === undefined) return { status: 'accepted', recordedAt }
      return first.content === event.content
        ? { status: 'duplicate', recordedAt: first.recorded_at.toISOString() }
        : { status: 'reused' }
    })
    outcomes.set(entry.request, decided)
    if (decided.some(({ status }) => status === 'reused')) refused.set(entry, { status: 'refused', events: decided })
  }
  return outcomes
}

const fenceKey = ({ lease, epoch }: Fence): string => `${lease}:${epoch}`

/** Requests of dispatchers that were replaced, and those that end a lease which another process settled. */
async function findOvertaken(session: Session, batch: readonly Waiting[]): Promise<Map<Waiting, WriteResult>> {
  const fences = new Map(
    batch.flatMap(({ request: { fence } }) => (fence === undefined ? [] : [[fenceKey(fence), fence]])),
  )
  const ends = batch.flatMap(({ request }) => request.ends ?? [])
  const standing = fences.size === 0 ? undefined : await store.holdFences(session, [...fences.values()])
  const leased = ends.length === 0 ? undefined : await store.lockLeases(session, ends)
  const overtaken = new Map<Waiting, WriteResult>()
  for (const entry of batch) {
    const { fence, ends: ended } = entry.request
    if (fence !== undefined && standing?.has(fenceKey(fence)) === false) overtaken.set(entry, { status: 'replaced' })
    else if (ended !== undefined && leased?.has(ended.deliveryId) === false) overtaken.set(entry, { status: 'lost' })
  }
  return overtaken
}

/** Answers the requests whose lease is lost. */
async function acknowledgeAll(session: Session, batch: readonly Waiting[]): Promise<Waiting[]> {
  const acks = batch.filter(({ request }) => request.ack !== undefined)
  if (acks.length === 0) return []
  const references = acks.map(({ request }) => request.ack as NonNullable<WriteRequest['ack']>)
  return (await store.acknowledge(session, references)).map((index) => acks[index - 1] as Waiting)
}

/** An event that was parked and promoted meanwhile has two rows here: the later one holds. */
function lastByPlace(rows: readonly HeldRow[]): HeldRow[] {
  return [...new Map(rows.map((row) => [`${row.group}:${row.topic}:${row.part}:${row.position}`, row])).values()]
}

/** Answers the groups whose cursors were moved by other means. */
async function writeRows(session: Session, batch: readonly Waiting[]): Promise<ReadonlySet<string>> {
  const all = <Row>(pick: (request: WriteRequest) => readonly Row[] | undefined): Row[] =>
    batch.flatMap(({ request }) => pick(request) ?? [])
  const returned = all((request) => request.returned)
  const held = lastByPlace(all((request) => request.held))
  const extended = all((request) => request.extended)
  const cursors = all((request) => request.cursors)
  if (returned.length > 0) await store.returnRows(session, returned)
  for (const row of all((request) => request.dead)) await store.buryRow(session, row)
  if (held.length > 0) await store.holdRows(session, held)
  if (extended.length > 0) await store.extendLeases(session, extended)
  return cursors.length > 0 ? store.moveCursors(session, cursors) : new Set()
}

/** Tells the readers and learns the places of what went straight into the log. */
function announce(envelopes: readonly EventEnvelope[], recorder: EventsPorts['recorder']): Map<string, string> {
  const sequences = new Map<string, string>()
  if (envelopes.length === 0) return sequences
  const stop = recorder.onAppend((records: readonly LogRecord[]) => {
    for (const record of records)
      sequences.set(`${record.tenantId}\0${record.topic}\0${record.eventId}`, sequenceOf(record.part, record.position))
  })
  try {
    recorder.committed(envelopes)
  } finally {
    stop()
  }
  return sequences
}

function withSequences(
  request: WriteRequest,
  outcomes: readonly EventOutcome[],
  sequences: ReadonlyMap<string, string>,
): EventOutcome[] {
  return outcomes.map((outcome, index) => {
    const envelope = request.events?.[index]?.envelope
    const sequence =
      envelope === undefined ? undefined : sequences.get(`${envelope.tenantid}\0${envelope.topic}\0${envelope.id}`)
    return outcome.status === 'accepted' && sequence !== undefined ? { ...outcome, sequence } : outcome
  })
}
