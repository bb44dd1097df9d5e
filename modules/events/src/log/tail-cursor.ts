import { TOPICS, type Topic } from '@soma/kernel'

/** Last position read of each partition, by topic. */
export type TailPositions = Map<Topic, number[]>

const VERSION = 1

/** One position per partition as base64url: version, then per topic its index, partition count and variable-length positions. */
export function encodeTailCursor(positions: TailPositions): string {
  const bytes: number[] = [VERSION]
  for (const [topic, parts] of positions) {
    bytes.push(TOPICS.indexOf(topic), parts.length & 0xff)
    for (const position of parts) pushNumber(bytes, position)
  }
  return Buffer.from(bytes).toString('base64url')
}

/** Undefined for anything that is not such a cursor. */
export function decodeTailCursor(cursor: string): TailPositions | undefined {
  if (!/^[A-Za-z0-9_-]+$/.test(cursor)) return undefined
  const bytes = Buffer.from(cursor, 'base64url')
  if (bytes[0] !== VERSION) return undefined
  const positions: TailPositions = new Map()
  let offset = 1
  while (offset < bytes.length) {
    const topic = TOPICS[bytes[offset] as number]
    const count = bytes[offset + 1]
    if (topic === undefined || count === undefined) return undefined
    offset += 2
    const parts: number[] = []
    for (let part = 0; part < (count === 0 ? 256 : count); part++) {
      const read = readNumber(bytes, offset)
      if (read === undefined) return undefined
      parts.push(read.value)
      offset = read.next
    }
    positions.set(topic, parts)
  }
  return positions
}

function pushNumber(bytes: number[], value: number): void {
  let rest = value
  while (rest >= 128) {
    bytes.push((rest % 128) | 0x80)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
}

function readNumber(bytes: Uint8Array, offset: number): { value: number; next: number } | undefined {
  let value = 0
  let scale = 1
  for (let next = offset; next < bytes.length && next < offset + 8; next++) {
    const byte = bytes[next] as number
    value += (byte & 0x7f) * scale
    if (byte < 128) return { value, next: next + 1 }
    scale *= 128
  }
  return undefined
}
