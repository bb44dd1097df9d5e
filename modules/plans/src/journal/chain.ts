import { createHash } from 'node:crypto'
import { canonicalJson, type Json } from '@soma/kernel'

/** A line of a journal as it is hashed. */
export interface JournalLine {
  readonly seq: number
  readonly kind: string
  readonly data: Json
  readonly at: string
}

/** sha256 over the hash of the line before (nothing for the first) and the canonical JSON of the line. */
export function hashLine(previous: Uint8Array | undefined, line: JournalLine): Uint8Array {
  const hash = createHash('sha256')
  if (previous !== undefined) hash.update(previous)
  return hash.update(canonicalJson({ seq: line.seq, kind: line.kind, data: line.data, at: line.at })).digest()
}

export type JournalVerdict =
  | { readonly intact: true; readonly head: string }
  | { readonly intact: false; readonly seq: number; readonly reason: 'gap' | 'hash' }

/**
 * Checks a whole journal, oldest line first: dense `seq` from 1 and every hash. Names the first line that does not hold.
 * `head` is the hash that stands in the plan's record as `journal.hash`.
 */
export function verifyJournal(entries: readonly (JournalLine & { readonly hash: string })[]): JournalVerdict {
  let previous: Uint8Array | undefined
  for (const [index, entry] of entries.entries()) {
    if (entry.seq !== index + 1) return { intact: false, seq: index + 1, reason: 'gap' }
    const hash = hashLine(previous, entry)
    if (hex(hash) !== entry.hash) return { intact: false, seq: entry.seq, reason: 'hash' }
    previous = hash
  }
  return { intact: true, head: previous === undefined ? '' : hex(previous) }
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
