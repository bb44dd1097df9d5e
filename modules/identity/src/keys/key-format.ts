import { createHash, randomInt, timingSafeEqual } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { toUuid } from '@soma/kernel'

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** 43 characters of 62 are 256 bits. */
const SECRET_LENGTH = 43
const CHECKSUM_LENGTH = 6
const FORMAT = /^soma_([0-7][0-9a-hjkmnp-tv-z]{25})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})$/

export interface ParsedKey {
  /** Of the row. */
  readonly uuid: string
  readonly keyId: string
  readonly secret: string
}

export const newSecret = (): string => Array.from({ length: SECRET_LENGTH }, () => BASE62[randomInt(62)]).join('')

/** `soma_<26 id characters>_<43 secret><6 checksum>`. The checksum lets a scanner know a leaked key, and a typing error is refused without a read. */
export function formatKey(keyId: string, secret: string): string {
  const body = `soma_${keyId.slice('key_'.length)}_${secret}`
  return `${body}${checksumOf(body)}`
}

/** Undefined for anything that is no key: wrong shape or checksum. */
export function parseKey(text: string): ParsedKey | undefined {
  const match = FORMAT.exec(text)
  if (match === null) return undefined
  const [, characters, secret, checksum] = match as unknown as [string, string, string, string]
  if (checksumOf(text.slice(0, -CHECKSUM_LENGTH)) !== checksum) return undefined
  const keyId = `key_${characters}`
  const uuid = toUuid('key', keyId)
  return uuid === undefined ? undefined : { uuid, keyId, secret }
}

function checksumOf(body: string): string {
  let value = crc32(body)
  let text = ''
  for (let index = 0; index < CHECKSUM_LENGTH; index++) {
    text = BASE62[value % 62] + text
    value = Math.floor(value / 62)
  }
  return text
}

/** Hexadecimal SHA-256: a secret of 256 random bits needs no slow hash. */
export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex')

/** Of nothing: compared with when there is no key, so that an unknown key takes as long as a wrong one. */
const NO_HASH = hashSecret('')

/** True when the secret has one of the hashes, in a time that does not depend on which, or whether any. */
export function matchesSecret(
  secret: string,
  hashes: { current: string | undefined; previous: string | undefined },
): boolean {
  const presented = Buffer.from(hashSecret(secret), 'hex')
  const isCurrent = timingSafeEqual(presented, Buffer.from(hashes.current ?? NO_HASH, 'hex'))
  const isPrevious = timingSafeEqual(presented, Buffer.from(hashes.previous ?? NO_HASH, 'hex'))
  return isCurrent || isPrevious
}
