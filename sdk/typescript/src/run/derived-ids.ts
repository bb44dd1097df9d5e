import { createHash } from 'node:crypto'
import { formatUuid, toId } from '@soma/kernel'

/** Namespace of all derived ids: UUIDv5 of the URL namespace and `https://soma/derived`. Fixed for ever: another value would double what a crash repeats. */
const NAMESPACE = uuid5Of(Buffer.from('6ba7b8119dad11d180b400c04fd430c8', 'hex'), 'https://soma/derived')

/** UUIDv5 (RFC 9562) of the parts: the same parts give the same id on every run, in every language. */
export function derivedUuid(...parts: readonly (string | number)[]): string {
  return formatUuid(uuid5Of(NAMESPACE, parts.join('\n')))
}

/** A derived TypeID: `task_…`. */
export const derivedId = (prefix: string, ...parts: readonly (string | number)[]): string =>
  toId(prefix, derivedUuid(...parts))

function uuid5Of(namespace: Uint8Array, name: string): Uint8Array {
  const digest = createHash('sha1').update(namespace).update(name).digest()
  const bytes = new Uint8Array(digest.subarray(0, 16))
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x50
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  return bytes
}
