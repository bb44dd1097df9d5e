import * as z from 'zod'
import { randomBytes } from './random-bytes.ts'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const BODY = '[0-7][0-9a-hjkmnp-tv-z]{25}'

/** A new UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, then random. Sorts by time of making. */
export function newUuid(nowMs: number = Date.now()): string {
  const bytes = randomBytes(16)
  for (let index = 0; index < 6; index++) bytes[index] = Math.floor(nowMs / 2 ** (8 * (5 - index))) & 0xff
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x70
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  return formatUuid(bytes)
}

const HEX_DIGITS = '0123456789abcdef'
/** Value of each character by its code; -1 for all others. */
const HEX_VALUES = valuesOf(HEX_DIGITS)
const BASE32_VALUES = valuesOf(ALPHABET)

function valuesOf(alphabet: string): Int8Array {
  const values = new Int8Array(128).fill(-1)
  for (let index = 0; index < alphabet.length; index++) values[alphabet.charCodeAt(index)] = index
  return values
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Formats 16 bytes as a lower-case UUID. */
export function formatUuid(bytes: Uint8Array): string {
  let text = ''
  for (let index = 0; index < 16; index++) {
    if (index === 4 || index === 6 || index === 8 || index === 10) text += '-'
    text += HEX[bytes[index] as number]
  }
  return text
}

/** A stored uuid as a TypeID of the edge: `plan_01j…` (https://github.com/jetify-com/typeid, 26 base32 characters). */
export function toId(prefix: string, uuid: string): string {
  const hex = uuid.replaceAll('-', '')
  let text = ''
  let bits = 0
  let count = 2
  // 128 bits are 26 characters of 5 after two leading zero bits.
  for (let index = 0; index < 32; index++) {
    bits = (bits << 4) | (HEX_VALUES[hex.charCodeAt(index)] as number)
    count += 4
    if (count < 5) continue
    count -= 5
    text += ALPHABET[(bits >> count) & 31]
    bits &= (1 << count) - 1
  }
  return `${prefix}_${text}`
}

/** The uuid inside a TypeID; undefined when the text is not an id of that prefix. */
export function toUuid(prefix: string, id: string): string | undefined {
  if (id.length !== prefix.length + 27 || !id.startsWith(prefix) || id[prefix.length] !== '_') return undefined
  let hex = ''
  let bits = 0
  let count = -2
  for (let index = prefix.length + 1; index < id.length; index++) {
    const value = BASE32_VALUES[id.charCodeAt(index)] ?? -1
    if (value < 0 || (index === prefix.length + 1 && value > 7)) return undefined
    bits = (bits << 5) | value
    for (count += 5; count >= 4; ) {
      count -= 4
      hex += HEX_DIGITS[(bits >> count) & 15]
    }
    bits &= (1 << count) - 1
  }
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The uuid of an id that a schema has already accepted. @throws TypeError for anything else. */
export function uuidOf(prefix: string, id: string): string {
  const uuid = toUuid(prefix, id)
  if (uuid === undefined) throw new TypeError(`"${id}" is not a ${prefix}_ id`)
  return uuid
}

/** Makes a new id with a prefix. */
export const newId = (prefix: string): string => toId(prefix, newUuid())

/** Schema of an id with this prefix. */
export const idSchema = (prefix: string) =>
  z
    .string()
    .regex(new RegExp(`^${prefix}_${BODY}$`), `must be a ${prefix}_ id`)
    .meta({ examples: [`${prefix}_01h455vb4pex5vsknk084sn02q`] })
