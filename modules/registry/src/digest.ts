import { createHash } from 'node:crypto'
import { canonicalJson } from '@soma/kernel'

/** SHA-256 of the canonical JSON, in lower-case hexadecimal. */
export const digestOf = (value: unknown): string => createHash('sha256').update(canonicalJson(value)).digest('hex')
