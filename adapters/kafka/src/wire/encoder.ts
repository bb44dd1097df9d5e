const START_BYTES = 1024
const NO_UUID = Buffer.alloc(16)

/** Writes Kafka's primitive types; `compact` ones carry their length + 1 as an unsigned varint, as the flexible versions of an API want. */
export interface Encoder {
  readonly int8: (value: number) => Encoder
  readonly int16: (value: number) => Encoder
  readonly int32: (value: number) => Encoder
  readonly uint32: (value: number) => Encoder
  readonly int64: (value: number | bigint) => Encoder
  readonly boolean: (value: boolean) => Encoder
  readonly unsignedVarint: (value: number) => Encoder
  /** Zigzag. */
  readonly varint: (value: number) => Encoder
  readonly raw: (value: Uint8Array) => Encoder
  readonly string: (value: string | null) => Encoder
  readonly compactString: (value: string | null) => Encoder
  readonly bytes: (value: Uint8Array) => Encoder
  /** 32 hexadecimal digits. */
  readonly uuid: (value: string | null) => Encoder
  readonly array: <T>(items: readonly T[], write: (item: T) => unknown) => Encoder
  readonly compactArray: <T>(items: readonly T[], write: (item: T) => unknown) => Encoder
  /** The end of a flexible structure: no tagged fields. */
  readonly noTags: () => Encoder
  /** What was written; the encoder may be used on, from the start. */
  readonly take: () => Buffer
}

export function createEncoder(startBytes = START_BYTES): Encoder {
  let buffer = Buffer.allocUnsafe(startBytes)
  let length = 0

  /** Makes room and answers where it begins. */
  const reserve = (bytes: number): number => {
    const at = length
    length += bytes
    if (length > buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, buffer.length * 2))
      buffer.copy(larger, 0, 0, at)
      buffer = larger
    }
    return at
  }
  const does =
    <T>(write: (value: T) => unknown) =>
    (value: T): Encoder => {
      write(value)
      return encoder
    }
  const writeUnsignedVarint = (value: number) => {
    let rest = value
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) {
      const at = reserve(1)
      buffer[at] = (rest % 128) | 0x80
    }
    const at = reserve(1)
    buffer[at] = rest
  }
  const raw = (value: Uint8Array) => {
    const at = reserve(value.length)
    buffer.set(value, at)
  }
  const writeArray =
    (writeLength: (length: number) => unknown) =>
    <T>(items: readonly T[], write: (item: T) => unknown): Encoder => {
      writeLength(items.length)
      for (const item of items) write(item)
      return encoder
    }
  /** `reserve` may replace the buffer, so the place comes before it is named. */
  const put = (bytes: number, write: (at: number) => unknown) => write(reserve(bytes))
  const int16 = (value: number) => put(2, (at) => buffer.writeInt16BE(value, at))
  const int32 = (value: number) => put(4, (at) => buffer.writeInt32BE(value, at))

  const encoder: Encoder = {
    int8: does((value) => put(1, (at) => buffer.writeInt8(value, at))),
    int16: does(int16),
    int32: does(int32),
    uint32: does((value) => put(4, (at) => buffer.writeUInt32BE(value, at))),
    int64: does((value) => put(8, (at) => buffer.writeBigInt64BE(BigInt(value), at))),
    boolean: does((value) => put(1, (at) => buffer.writeInt8(value ? 1 : 0, at))),
    unsignedVarint: does(writeUnsignedVarint),
    varint: does((value) => writeUnsignedVarint(value < 0 ? -2 * value - 1 : 2 * value)),
    raw: does(raw),
    string: does((value) => {
      if (value === null) return int16(-1)
      const text = Buffer.from(value)
      int16(text.length)
      raw(text)
    }),
    compactString: does((value) => {
      if (value === null) return writeUnsignedVarint(0)
      const text = Buffer.from(value)
      writeUnsignedVarint(text.length + 1)
      raw(text)
    }),
    bytes: does((value) => {
      int32(value.length)
      raw(value)
    }),
    uuid: does((value) => raw(value === null ? NO_UUID : Buffer.from(value, 'hex'))),
    array: writeArray(int32),
    compactArray: writeArray((count) => writeUnsignedVarint(count + 1)),
    noTags: () => {
      writeUnsignedVarint(0)
      return encoder
    },
    take: () => {
      const taken = Buffer.from(buffer.subarray(0, length))
      length = 0
      return taken
    },
  }
  return encoder
}
