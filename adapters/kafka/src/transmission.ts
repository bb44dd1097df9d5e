import { type Cluster, unavailable } from './cluster.ts'
import type { Batch, PartitionWriter } from './partition-writer.ts'
import { byLeader } from './reading.ts'
import { nameOf, type TopicNames } from './topic-names.ts'
import { CODES, codeOf, isPassing, kafkaError } from './wire/kafka-error.ts'
import { type Produced, produce } from './wire/log-apis.ts'

/** Far below the 100 MB that a broker takes. */
const REQUEST_BYTES = 8 * 1024 * 1024

/** What a leader needs to say that its replicas were too late, instead of nothing. */
const ANSWER_MS = 500

const FENCED: ReadonlySet<number | undefined> = new Set([CODES.INVALID_PRODUCER_EPOCH, CODES.PRODUCER_FENCED])

export interface Failures {
  /** Why; empty = all is stored. */
  readonly reasons: readonly unknown[]
  /** Another process has taken the next epoch. */
  readonly isFenced: boolean
  /** Writers whose leader refused a batch for good. */
  readonly broken: ReadonlySet<PartitionWriter>
}

/**
 * Sends the batches until each is stored or refused. A partition has one batch on its way at a time, so what follows a failed one is never sent; all partitions of a
 * leader go in one request.
 */
export async function transmit(cluster: Cluster, names: TopicNames, batches: readonly Batch[]): Promise<Failures> {
  const refusals = new Map<PartitionWriter, unknown>()
  const wave = async (timeoutMs: number): Promise<boolean> => {
    const next = firstWaiting(batches.filter(({ writer }) => !refusals.has(writer)))
    if (next.length === 0) return false
    const groups = await byLeader(
      cluster,
      names,
      next.map((batch) => ({ topic: batch.writer.topic, part: batch.writer.part, batch })),
      timeoutMs,
    )
    const requests = [...groups].flatMap(([leader, group]) => pack(group).map((packed) => ({ leader, packed })))
    const results = await Promise.allSettled(
      requests.map(({ leader, packed }) => sendBatches(cluster, names, { leader, batches: packed, timeoutMs })),
    )
    const errors = results.flatMap((result) =>
      result.status === 'rejected' ? [{ error: result.reason }] : result.value,
    )
    for (const { writer, error } of errors as Outcome[]) if (isRefusal(error)) refusals.set(writer, error)
    const passing = errors.find(({ error }) => !isRefusal(error))
    if (passing !== undefined) throw passing.error
    return true
  }
  const reasons: unknown[] = []
  try {
    for (let more = true; more; ) more = await cluster.attempt('events could not be appended', wave)
  } catch (error) {
    reasons.push(error)
  }
  for (const [{ topic, part }, error] of refusals)
    reasons.push(unavailable(`${nameOf(names, topic)}-${part} did not take events`, error))
  return {
    reasons,
    isFenced: [...refusals.values()].some((error) => FENCED.has(codeOf(error))),
    broken: new Set(refusals.keys()),
  }
}

const isRefusal = (error: unknown): boolean => {
  const code = codeOf(error)
  return code !== undefined && !isPassing(code)
}

/** The first batch of each partition that is not stored. */
function firstWaiting(batches: readonly Batch[]): Batch[] {
  const first = new Map<PartitionWriter, Batch>()
  for (const batch of batches)
    if (batch.offset === undefined && !first.has(batch.writer)) first.set(batch.writer, batch)
  return [...first.values()]
}

function pack(group: readonly { readonly batch: Batch }[]): Batch[][] {
  const requests: Batch[][] = []
  let room = 0
  for (const { batch } of group) {
    if (batch.bytes.length > room || requests.length === 0) {
      requests.push([])
      room = REQUEST_BYTES
    }
    requests.at(-1)?.push(batch)
    room -= batch.bytes.length
  }
  return requests
}

interface Outcome {
  readonly writer: PartitionWriter
  readonly error: unknown
}

/** Marks what is stored and answers the failures of the others. */
async function sendBatches(
  cluster: Cluster,
  names: TopicNames,
  { leader, batches, timeoutMs }: { leader: number; batches: readonly Batch[]; timeoutMs: number },
): Promise<Outcome[]> {
  const request = {
    timeoutMs: Math.max(1, timeoutMs - ANSWER_MS),
    batches: batches.map(({ writer, bytes }) => ({ topic: nameOf(names, writer.topic), part: writer.part, bytes })),
  }
  const answers = await cluster.send({ broker: leader, lane: 'append', timeoutMs }, produce, request)
  return batches.flatMap((batch) => {
    const name = nameOf(names, batch.writer.topic)
    const answer = answers.find(({ topic, part }) => topic === name && part === batch.writer.part)
    if (answer === undefined) return [{ writer: batch.writer, error: new Error(`no answer for ${name}`) }]
    if (answer.error !== 0) return [{ writer: batch.writer, error: kafkaError(answer.error, answer.message) }]
    markStored(batch, answer, name)
    return []
  })
}

/** @throws Problem when the log is shorter than what was written to it */
function markStored(batch: Batch, { baseOffset, appendedAtMs }: Produced, name: string): void {
  const { writer } = batch
  if (baseOffset < writer.end)
    throw unavailable(
      `${name}-${writer.part} goes on at offset ${baseOffset}, but ended at ${writer.end}: it was deleted and made again, or its leader lost events`,
    )
  batch.offset = baseOffset
  batch.appendedAt = appendedAtMs >= 0 ? new Date(appendedAtMs) : undefined
  writer.end = Math.max(writer.end, baseOffset + batch.count)
}
