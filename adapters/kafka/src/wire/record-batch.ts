import { gunzipSync } from 'node:zlib'
import { crc32c } from './crc32c.ts'
import { createDecoder, type Decoder } from './decoder.ts'
import { createEncoder } from './encoder.ts'

/** Bytes before the checksum ends, and of the whole header of a batch. */
const BEFORE_ATTRIBUTES = 21
const HEADER = 61
/** Bytes of base offset and length: what stands before the part that the length counts. */
const PREFIX = 12
const MAGIC = 2
const CODEC = 0b111
const GZIP = 1
const LOG_APPEND_TIME = 1 << 3
const TRANSACTIONAL = 1 << 4
const CONTROL = 1 << 5
const ABORT_MARKER = 0

export interface WireRecord {
  readonly key: Buffer | null
  readonly value: Buffer
  readonly headers: readonly (readonly [name: string, value: Buffer])[]
}

/** Who wrote a batch, so that a repeat of it is dropped by the leader. */
export interface BatchWriter {
  readonly producerId: bigint
  readonly epoch: number
  readonly sequence: number
}

/** Format 2, uncompressed, outside transactions. */
export function encodeBatch(records: readonly WireRecord[], writer: BatchWriter, atMs: number): Buffer {
  const body = createEncoder(4096)
  const one = createEncoder(1024)
  for (const [index, { key, value, headers }] of records.entries()) {
    one.int8(0).varint(0).varint(index)
    if (key === null) one.varint(-1)
    else one.varint(key.length).raw(key)
    one.varint(value.length).raw(value).varint(headers.length)
    for (const [name, content] of headers) {
      const label = Buffer.from(name)
      one.varint(label.length).raw(label).varint(content.length).raw(content)
    }
    const bytes = one.take()
    body.varint(bytes.length).raw(bytes)
  }
  const checked = createEncoder(HEADER)
    .int16(0)
    .int32(records.length - 1)
    .int64(atMs)
    .int64(atMs)
    .int64(writer.producerId)
    .int16(writer.epoch)
    .int32(writer.sequence)
    .int32(records.length)
    .raw(body.take())
    .take()
  return createEncoder(checked.length + BEFORE_ATTRIBUTES)
    .int64(0)
    .int32(BEFORE_ATTRIBUTES - PREFIX + checked.length)
    .int32(-1)
    .int8(MAGIC)
    .uint32(crc32c(checked))
    .raw(checked)
    .take()
}

export interface StoredRecord extends WireRecord {
  readonly offset: number
  readonly timestampMs: number
}

/** A transaction that was aborted: its records up to the marker do not count. */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: number
}

/** A place that holds nothing for readers: the marker of a transaction, or a record of an aborted one. */
export interface Hole {
  readonly offset: number
  readonly timestampMs: number
  readonly key?: undefined
}

interface Batch {
  readonly baseOffset: number
  readonly attributes: number
  readonly lastOffset: number
  readonly baseTimestampMs: number
  readonly maxTimestampMs: number
  readonly producerId: bigint
  readonly count: number
  readonly content: Buffer
}

/**
 * The records of a fetch answer from an offset on, with a hole for each offset that has none; a batch that the answer cuts off is left out.
 * @throws Error when a checksum is wrong or the compression is not gzip
 */
export function decodeBatches(
  bytes: Buffer,
  fromOffset: number,
  aborted: readonly AbortedTransaction[],
): (StoredRecord | Hole)[] {
  const records: (StoredRecord | Hole)[] = []
  const waiting = aborted.toSorted((left, right) => left.firstOffset - right.firstOffset)
  const abortedNow = new Set<bigint>()
  let next = fromOffset
  for (const batch of batchesOf(bytes)) {
    while (waiting[0] !== undefined && waiting[0].firstOffset <= batch.lastOffset)
      abortedNow.add((waiting.shift() as AbortedTransaction).producerId)
    const isAborted = (batch.attributes & TRANSACTIONAL) !== 0 && abortedNow.has(batch.producerId)
    const isControl = (batch.attributes & CONTROL) !== 0
    if (isControl && isAbortMarker(batch)) abortedNow.delete(batch.producerId)
    for (const record of isControl || isAborted ? [] : recordsOf(batch)) {
      if (record.offset < next) continue
      for (; next < record.offset; next++) records.push({ offset: next, timestampMs: record.timestampMs })
      records.push(record)
      next = record.offset + 1
    }
    for (; next <= batch.lastOffset; next++) records.push({ offset: next, timestampMs: batch.maxTimestampMs })
  }
  return records
}

function* batchesOf(bytes: Buffer): Generator<Batch> {
  for (let at = 0; at + PREFIX <= bytes.length; ) {
    const end = at + PREFIX + bytes.readInt32BE(at + 8)
    if (end > bytes.length) return
    yield openBatch(bytes.subarray(at, end))
    at = end
  }
}

function openBatch(bytes: Buffer): Batch {
  const decoder = createDecoder(bytes)
  const baseOffset = decoder.int64()
  decoder.raw(8)
  const magic = decoder.int8()
  if (magic !== MAGIC) throw new Error(`a record batch at offset ${baseOffset} has format ${magic}, which is not read`)
  if (decoder.uint32() !== crc32c(bytes.subarray(BEFORE_ATTRIBUTES)))
    throw new Error(`the record batch at offset ${baseOffset} arrived damaged`)
  const attributes = decoder.int16()
  const lastOffset = baseOffset + decoder.int32()
  const baseTimestampMs = decoder.int64()
  const maxTimestampMs = decoder.int64()
  const producerId = decoder.bigInt64()
  decoder.raw(6)
  const count = decoder.int32()
  const content = decompress(attributes & CODEC, bytes.subarray(HEADER))
  return { baseOffset, attributes, lastOffset, baseTimestampMs, maxTimestampMs, producerId, count, content }
}

function decompress(codec: number, content: Buffer): Buffer {
  if (codec === 0) return content
  if (codec === GZIP) return gunzipSync(content)
  throw new Error(`records are compressed with codec ${codec}: set compression.type of the topic to uncompressed`)
}

function* recordsOf(batch: Batch): Generator<StoredRecord> {
  const decoder = createDecoder(batch.content)
  for (let index = 0; index < batch.count; index++)
    yield readRecord(createDecoder(decoder.raw(decoder.varint())), batch)
}

function readRecord(
  decoder: Decoder,
  { attributes, baseOffset, baseTimestampMs, maxTimestampMs }: Batch,
): StoredRecord {
  const bytes = () => {
    const length = decoder.varint()
    return length < 0 ? null : decoder.raw(length)
  }
  decoder.int8()
  const timestampMs = baseTimestampMs + decoder.varint()
  const offset = baseOffset + decoder.varint()
  const key = bytes()
  const value = bytes() ?? Buffer.alloc(0)
  const headers = Array.from({ length: decoder.varint() }, () => {
    const name = (bytes() ?? Buffer.alloc(0)).toString()
    return [name, bytes() ?? Buffer.alloc(0)] as const
  })
  const isStamped = (attributes & LOG_APPEND_TIME) !== 0
  return { offset, timestampMs: isStamped ? maxTimestampMs : timestampMs, key, value, headers }
}

/** The key of a marker is its version and its type. */
function isAbortMarker(batch: Batch): boolean {
  for (const { key } of recordsOf(batch)) if (key?.readInt16BE(2) === ABORT_MARKER) return true
  return false
}
