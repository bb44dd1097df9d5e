import { TOPICS, type Topic } from '@soma/kernel'

/** Last position read of each partition, by topic. */
export type TailPositions = Map<Topic, number[]>

/** A cursor travels in a header and in a query: it is never longer. */
export const CURSOR_CHARACTERS = 1_024

const VERSION = 2
const BYTE = 8
const BASE_BITS = 48
const WIDTH_BITS = 6
/** Fits beside up to 7 bits of the last byte into 31. */
const CHUNK_BITS = 24

/**
 * One position per partition as base64url: version, then per topic its index, partition count, lowest position, and how far each is above it in as many bits as the
 * farthest needs. 12 topics of 16 partitions fit into `CURSOR_CHARACTERS` while the positions of a topic lie within 2^27 of each other, 256 partitions of one topic within 2^23.
 */
export function encodeTailCursor(positions: TailPositions): string {
  const bits = createBits()
  bits.push(VERSION, BYTE)
  for (const [topic, parts] of positions) {
    const base = Math.min(...parts)
    const width = (Math.max(...parts) - base).toString(2).length
    bits.push(TOPICS.indexOf(topic) + 1, BYTE)
    bits.push(parts.length - 1, BYTE)
    bits.push(base, BASE_BITS)
    bits.push(width, WIDTH_BITS)
    for (const position of parts) bits.push(position - base, width)
  }
  return bits.end().toString('base64url')
}

/** Undefined for anything that is not such a cursor. */
export function decodeTailCursor(cursor: string): TailPositions | undefined {
  if (!/^[A-Za-z0-9_-]+$/.test(cursor)) return undefined
  const take = readBits(Buffer.from(cursor, 'base64url'))
  if (take(BYTE) !== VERSION) return undefined
  const positions: TailPositions = new Map()
  for (let index = take(BYTE); index > 0; index = take(BYTE)) {
    const topic = TOPICS[index - 1]
    const count = take(BYTE) + 1
    const base = take(BASE_BITS)
    const width = take(WIDTH_BITS)
    if (topic === undefined || Number.isNaN(width) || width > BASE_BITS) return undefined
    const parts = Array.from({ length: count }, () => base + take(width))
    if (parts.some(Number.isNaN)) return undefined
    positions.set(topic, parts)
  }
  return positions
}

/** Writes numbers bit by bit, highest first. */
function createBits() {
  const bytes: number[] = []
  let held = 0
  let heldBits = 0
  const push = (value: number, width: number) => {
    if (width > CHUNK_BITS) {
      push(Math.floor(value / 2 ** CHUNK_BITS), width - CHUNK_BITS)
      push(value % 2 ** CHUNK_BITS, CHUNK_BITS)
      return
    }
    held = (held << width) | value
    heldBits += width
    while (heldBits >= BYTE) {
      heldBits -= BYTE
      bytes.push(held >>> heldBits)
      held &= 2 ** heldBits - 1
    }
  }
  return {
    push,
    end: (): Buffer => {
      if (heldBits > 0) push(0, BYTE - heldBits)
      return Buffer.from(bytes)
    },
  }
}

/** Reads what `createBits` wrote; NaN past the end. */
function readBits(bytes: Uint8Array): (width: number) => number {
  let at = 0
  return (width) => {
    const end = at + width
    if (end > bytes.length * BYTE) return Number.NaN
    let value = 0
    for (; at < end; at++) value = value * 2 + (((bytes[at >> 3] as number) >> (7 - (at & 7))) & 1)
    return value
  }
}
