import { createHash } from 'node:crypto'
import { formatUuid } from '@soma/kernel'

const digestOf = (texts: readonly string[]) => createHash('sha256').update(JSON.stringify(texts)).digest()

/** The same UUID for the same texts. */
export function derivedUuid(...texts: readonly string[]): string {
  const bytes = digestOf(texts).subarray(0, 16)
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  return formatUuid(bytes)
}

const OWN_NAME = /^[a-z0-9][a-z0-9._-]{0,127}$/

/** Free text as a name of ours: itself where it is one, else a readable one that no other text has. */
export function toOwnName(text: string): string {
  if (OWN_NAME.test(text) && !text.startsWith('soorma.')) return text
  const readable = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 48)
  return `soorma.${readable}.${digestOf([text]).toString('hex').slice(0, 32)}`
}
