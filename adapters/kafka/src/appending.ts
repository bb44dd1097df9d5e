import type { AppendedPosition, AppendRecord } from '@soma/kernel'
import type { Cluster } from './cluster.ts'
import { groupBy } from './group-by.ts'
import { breakThread, createPartitionWriter, type Item, type PartitionWriter, planAppend } from './partition-writer.ts'
import { createProducerIdentity } from './producer.ts'
import { keyOf } from './reading.ts'
import type { TopicNames } from './topic-names.ts'
import { type Failures, transmit } from './transmission.ts'

/** A call of `append` that waits for its round. */
interface Call {
  readonly records: readonly AppendRecord[]
  readonly resolve: (positions: AppendedPosition[]) => void
  readonly reject: (reason: unknown) => void
}

/** A record of a call, and what became of it. */
interface Entry {
  readonly record: AppendRecord
  readonly call: Call
  item: Item | undefined
}

/**
 * Appends in rounds: what is called while one is on its way goes with the next, in the order of the calls.
 * @param ends where each partition ended when the bus was opened
 */
export function createAppending(cluster: Cluster, names: TopicNames, ends: ReadonlyMap<string, number>) {
  const identity = createProducerIdentity(cluster, names)
  const writers = new Map<string, PartitionWriter>()
  let calls: Call[] = []
  let isRunning = false

  const writerOf = (record: AppendRecord): PartitionWriter => {
    const place = keyOf(record)
    const writer = writers.get(place) ?? createPartitionWriter(record, ends.get(place) ?? 0)
    writers.set(place, writer)
    return writer
  }
  const send = async (groups: ReadonlyMap<PartitionWriter, Entry[]>): Promise<Failures> => {
    const producer = await identity.current()
    const plans = [...groups].map(([writer, entries]) => {
      const plan = planAppend(
        writer,
        entries.map(({ record }) => record),
        producer,
      )
      for (const [index, entry] of entries.entries()) entry.item = plan.items[index]
      writer.unreported = [...plan.items, ...plan.left]
      return plan
    })
    const failures = await transmit(
      cluster,
      names,
      plans.flatMap(({ batches }) => batches),
    )
    for (const writer of failures.isFenced ? writers.values() : failures.broken) breakThread(writer)
    if (failures.broken.size > 0) identity.forget()
    return failures
  }
  /** A call that fails leaves what it stored with the writers, so that its repeat writes nothing twice. */
  const round = async (taken: readonly Call[]): Promise<void> => {
    const entries = taken.flatMap((call) => call.records.map((record): Entry => ({ record, call, item: undefined })))
    const groups = groupBy(entries, ({ record }) => writerOf(record))
    const reason = await send(groups).then(
      ({ reasons }) => reasons[0],
      (error: unknown) => error,
    )
    const reported = new Set<Item | undefined>()
    for (const [call, ofCall] of groupBy(entries, (entry) => entry.call)) {
      const positions = ofCall.map(({ item }) => positionOf(item))
      if (positions.every((position) => position !== undefined)) {
        for (const { item } of ofCall) reported.add(item)
        call.resolve(positions)
      } else call.reject(reason)
    }
    for (const writer of groups.keys()) writer.unreported = writer.unreported.filter((item) => !reported.has(item))
  }
  const run = async () => {
    isRunning = true
    while (calls.length > 0) {
      const taken = calls
      calls = []
      await round(taken)
    }
    isRunning = false
  }
  return (records: readonly AppendRecord[]): Promise<AppendedPosition[]> =>
    new Promise((resolve, reject) => {
      if (records.length === 0) return resolve([])
      calls.push({ records, resolve, reject })
      if (!isRunning) void run()
    })
}

function positionOf(item: Item | undefined): AppendedPosition | undefined {
  if (item?.batch.offset === undefined || item.batch.appendedAt === undefined) return undefined
  return { segment: 1, position: item.batch.offset + item.index + 1, recordedAt: item.batch.appendedAt }
}
