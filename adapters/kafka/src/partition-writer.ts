import type { AppendRecord } from '@soma/kernel'
import { toMessage } from './message.ts'
import type { Producer } from './producer.ts'
import { encodeBatch, type WireRecord } from './wire/record-batch.ts'
import type { Place } from './topic-names.ts'

/** Half of what Kafka takes as one batch by default; a larger record is a batch of its own. */
const BATCH_BYTES = 512 * 1024
/** Lengths, offset and time of a record, and the length of a header, at most. */
const RECORD_OVERHEAD = 32
const HEADER_OVERHEAD = 8
/** Sequences are non-negative 32-bit numbers and start again at 0. */
const SEQUENCES = 2 ** 31

/** Records that are written to a partition at once, as bytes that may be sent again: the leader knows them by producer, epoch and sequence. */
export interface Batch {
  readonly writer: PartitionWriter
  readonly bytes: Buffer
  readonly count: number
  /** Where the first record lies, once the leader has said so. */
  offset: number | undefined
  appendedAt: Date | undefined
}

/** A record in its batch. */
export interface Item {
  readonly record: AppendRecord
  readonly batch: Batch
  readonly index: number
}

/** What this process has written to a partition. */
export interface PartitionWriter extends Place {
  /** Undefined until the first batch, and after the leader lost the thread: the next batch begins a new one. */
  producer: Producer | undefined
  sequence: number
  /** The lowest offset that the next record may get: below it the log is not the one that was written to. */
  end: number
  /** What a failed call has written or may have written, in order: when the same records come again they are these. */
  unreported: Item[]
}

export const createPartitionWriter = ({ topic, part }: Place, end: number): PartitionWriter => ({
  topic,
  part,
  producer: undefined,
  sequence: 0,
  end,
  unreported: [],
})

export interface Plan {
  /** One for each record, in order. */
  readonly items: Item[]
  /** What has to be sent, in order: first what is in doubt, asked for or not. */
  readonly batches: readonly Batch[]
  /** Unreported items that the records did not reach. */
  readonly left: Item[]
}

/** Finds the records among the unreported ones and makes batches of the others. */
export function planAppend(writer: PartitionWriter, records: readonly AppendRecord[], producer: Producer): Plan {
  const { unreported } = writer
  let known = 0
  while (known < records.length && isSame(unreported[known]?.record, records[known])) known += 1
  const isContinued = known === records.length
  const fresh = makeItems(writer, records.slice(known), producer)
  const inDoubt = unreported.filter(({ batch }) => batch.offset === undefined)
  return {
    items: [...unreported.slice(0, known), ...fresh],
    batches: [...new Set([...inDoubt, ...fresh].map(({ batch }) => batch))],
    left: isContinued ? unreported.slice(known) : [],
  }
}

const isSame = (known: AppendRecord | undefined, given: AppendRecord | undefined): boolean =>
  known?.eventId === given?.eventId && known?.tenantId === given?.tenantId && known?.envelope === given?.envelope

function makeItems(writer: PartitionWriter, records: readonly AppendRecord[], producer: Producer): Item[] {
  const items: Item[] = []
  for (const group of bySize(records)) {
    if (writer.producer === undefined) {
      writer.producer = producer
      writer.sequence = 0
    }
    const numbered = { ...writer.producer, sequence: writer.sequence }
    const messages = group.map(({ message }) => message)
    const bytes = encodeBatch(messages, numbered, Date.now())
    const batch: Batch = { writer, bytes, count: group.length, offset: undefined, appendedAt: undefined }
    items.push(...group.map(({ record }, index) => ({ record, batch, index })))
    writer.sequence = (writer.sequence + group.length) % SEQUENCES
  }
  return items
}

interface Sized {
  readonly record: AppendRecord
  readonly message: WireRecord
}

function bySize(records: readonly AppendRecord[]): Sized[][] {
  const groups: Sized[][] = []
  let room = 0
  for (const record of records) {
    const message = toMessage(record)
    const size = sizeOf(message)
    if (size > room || groups.length === 0) {
      groups.push([])
      room = BATCH_BYTES
    }
    groups.at(-1)?.push({ record, message })
    room -= size
  }
  return groups
}

const sizeOf = ({ key, value, headers }: WireRecord): number =>
  headers.reduce(
    (sum, [name, content]) => sum + HEADER_OVERHEAD + name.length + content.length,
    RECORD_OVERHEAD + (key?.length ?? 0) + value.length,
  )

/** The leader does not go on where this process stopped: what is in doubt stays so, and the next batch begins anew. */
export function breakThread(writer: PartitionWriter): void {
  writer.producer = undefined
  writer.unreported = writer.unreported.filter(({ batch }) => batch.offset !== undefined)
}
