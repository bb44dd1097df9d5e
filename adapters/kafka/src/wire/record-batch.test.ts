import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { crc32c } from './crc32c.ts'
import { createDecoder } from './decoder.ts'
import { createEncoder } from './encoder.ts'
import { decodeBatches, encodeBatch, type WireRecord } from './record-batch.ts'

const HEADER = 61
const writer = { producerId: 7n, epoch: 3, sequence: 11 }
const aRecord = (value: string): WireRecord => ({
  key: Buffer.from('tenant/key'),
  value: Buffer.from(value),
  headers: [['ce_id', Buffer.from('ünï')]],
})

/** As a leader stores it: with an offset, other attributes, another content, and a checksum that fits. */
function stored(
  batch: Buffer,
  changes: { offset: number; attributes?: number; producerId?: bigint; content?: Buffer },
) {
  const bytes = Buffer.concat([batch.subarray(0, HEADER), changes.content ?? batch.subarray(HEADER)])
  bytes.writeBigInt64BE(BigInt(changes.offset), 0)
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes.writeInt16BE(changes.attributes ?? 0, 21)
  bytes.writeBigInt64BE(changes.producerId ?? 7n, 43)
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17)
  return bytes
}
const TRANSACTIONAL = 1 << 4
const marker = (offset: number, type: number, producerId = 7n) => {
  const key = Buffer.from([0, 0, 0, type])
  const batch = encodeBatch([{ key, value: Buffer.alloc(6), headers: [] }], writer, 1)
  return stored(batch, { offset, attributes: TRANSACTIONAL | (1 << 5), producerId })
}
const texts = (bytes: Buffer, from: number, aborted: { producerId: bigint; firstOffset: number }[] = []) =>
  decodeBatches(bytes, from, aborted).map((each) => [each.offset, 'value' in each ? each.value.toString() : undefined])

it('the checksum is CRC-32C', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa)
})

it('numbers of every size are read as they were written', () => {
  const numbers = [0, 1, -1, 63, 64, -64, -65, 300, 2 ** 31 - 1, -(2 ** 31), 2 ** 40]
  const encoder = createEncoder(1)
  for (const number of numbers) encoder.varint(number).int64(number)
  const decoder = createDecoder(encoder.take())
  expect(numbers.map(() => [decoder.varint(), decoder.int64()])).toEqual(numbers.map((number) => [number, number]))
  expect(decoder.remaining()).toBe(0)
  expect(() => decoder.int8()).toThrow('end within a value')
})

it('records are read as they were written, from any offset on, and a batch that is cut off is left for later', () => {
  const batch = encodeBatch(
    [aRecord('a'), aRecord('b'), { key: null, value: Buffer.from('c'), headers: [] }],
    writer,
    5,
  )
  const bytes = stored(batch, { offset: 40 })
  const read = decodeBatches(bytes, 40, [])
  expect(read[0]).toEqual({ offset: 40, timestampMs: 5, ...aRecord('a') })
  expect(read[2]).toEqual({ offset: 42, timestampMs: 5, key: null, value: Buffer.from('c'), headers: [] })
  expect(texts(bytes, 41)).toEqual([
    [41, 'b'],
    [42, 'c'],
  ])
  const more = stored(batch, { offset: 43 })
  expect(texts(Buffer.concat([bytes, more.subarray(0, -1)]), 40)).toHaveLength(3)
})

it('a stamped batch has the time of the broker, a compressed one is opened, and a damaged one or another codec is refused', () => {
  const batch = encodeBatch([aRecord('a')], writer, 5)
  const bytes = stored(batch, { offset: 0, attributes: (1 << 3) | 1, content: gzipSync(batch.subarray(HEADER)) })
  bytes.writeBigInt64BE(99n, 35)
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17)
  expect(decodeBatches(bytes, 0, [])[0]).toMatchObject({ timestampMs: 99, value: Buffer.from('a') })
  expect(() => decodeBatches(stored(batch, { offset: 0, attributes: 4 }), 0, [])).toThrow('codec 4')
  const damaged = stored(batch, { offset: 0 })
  damaged.writeInt8(1, damaged.length - 1)
  expect(() => decodeBatches(damaged, 0, [])).toThrow('arrived damaged')
})

it('markers, aborted records and offsets that are gone are holes, whoever writes between them', () => {
  const one = encodeBatch([aRecord('x')], writer, 5)
  const theirs = (offset: number, producerId: bigint) => stored(one, { offset, attributes: TRANSACTIONAL, producerId })
  const bytes = Buffer.concat([
    theirs(10, 7n),
    theirs(11, 8n),
    stored(one, { offset: 12, producerId: 7n }),
    marker(13, 0, 7n),
    theirs(14, 7n),
    marker(15, 1, 7n),
    marker(16, 1, 8n),
    stored(one, { offset: 19 }),
  ])
  const aborted = [{ producerId: 7n, firstOffset: 10 }]
  expect(texts(bytes, 10, aborted)).toEqual([
    [10, undefined],
    [11, 'x'],
    [12, 'x'],
    [13, undefined],
    [14, 'x'],
    [15, undefined],
    [16, undefined],
    [17, undefined],
    [18, undefined],
    [19, 'x'],
  ])
  expect(texts(bytes, 13, aborted)[0]).toEqual([13, undefined])
})
