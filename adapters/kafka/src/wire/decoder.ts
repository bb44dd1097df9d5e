/** Reads what an Encoder writes, in order. @throws RangeError at the end of the bytes */
export interface Decoder {
  readonly int8: () => number
  readonly int16: () => number
  readonly int32: () => number
  readonly uint32: () => number
  /** Offsets and times stay below 2^53. */
  readonly int64: () => number
  readonly bigInt64: () => bigint
  readonly boolean: () => boolean
  readonly varint: () => number
  /** A view, not a copy. */
  readonly raw: (length: number) => Buffer
  readonly string: () => string | null
  readonly compactString: () => string | null
  readonly bytes: () => Buffer
  readonly compactBytes: () => Buffer
  readonly uuid: () => string
  readonly array: <T>(read: () => T) => T[]
  readonly compactArray: <T>(read: () => T) => T[]
  readonly skipTags: () => void
  readonly remaining: () => number
}

export function createDecoder(buffer: Buffer): Decoder {
  let at = 0
  const advance = (bytes: number): number => {
    const from = at
    if (bytes < 0 || from + bytes > buffer.length) throw new RangeError('the bytes end within a value')
    at += bytes
    return from
  }
  const raw = (length: number): Buffer => {
    const from = advance(length)
    return buffer.subarray(from, from + length)
  }
  const unsignedVarint = (): number => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = buffer.readUInt8(advance(1))
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
  }
  const text = (length: number): string | null => (length < 0 ? null : raw(length).toString())
  const list = <T>(length: number, read: () => T): T[] => Array.from({ length: Math.max(0, length) }, read)
  const int16 = () => buffer.readInt16BE(advance(2))
  const int32 = () => buffer.readInt32BE(advance(4))
  const bigInt64 = () => buffer.readBigInt64BE(advance(8))
  return {
    int8: () => buffer.readInt8(advance(1)),
    int16,
    int32,
    uint32: () => buffer.readUInt32BE(advance(4)),
    int64: () => Number(bigInt64()),
    bigInt64,
    boolean: () => buffer.readInt8(advance(1)) !== 0,
    varint: () => {
      const value = unsignedVarint()
      return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    },
    raw,
    string: () => text(int16()),
    compactString: () => text(unsignedVarint() - 1),
    bytes: () => raw(Math.max(0, int32())),
    compactBytes: () => raw(Math.max(0, unsignedVarint() - 1)),
    uuid: () => raw(16).toString('hex'),
    array: (read) => list(int32(), read),
    compactArray: (read) => list(unsignedVarint() - 1, read),
    skipTags: () => {
      for (let count = unsignedVarint(); count > 0; count--) {
        unsignedVarint()
        raw(unsignedVarint())
      }
    },
    remaining: () => buffer.length - at,
  }
}
