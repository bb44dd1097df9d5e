import { canonicalJson, commonProblems, type Json } from '@soma/kernel'
import { createHash } from 'node:crypto'

export const MAX_STATE_BYTES = 1_048_576

/** In JSON text: an escaped NUL or surrogate (whole pairs are never escaped) after an even number of backslashes. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/

/**
 * Refuses what a JSON column cannot hold or what is too large. Postgres has no NUL and no lone surrogate in jsonb.
 * @throws invalid-request, payload-too-large naming the limit.
 */
export function assertStorable(value: Json | undefined, where: string, limitBytes: number = MAX_STATE_BYTES): void {
  if (value === undefined) return
  const text = JSON.stringify(value)
  if (UNSTORABLE.test(text)) {
    throw commonProblems.invalidRequest.create(
      `${where} holds a NUL or half a surrogate pair, which cannot be stored`,
      {
        errors: [{ pointer: where, code: 'not-storable', detail: 'NUL and lone surrogates cannot be stored' }],
      },
    )
  }
  const bytes = Buffer.byteLength(text)
  if (bytes > limitBytes)
    throw commonProblems.payloadTooLarge.create(`${where} has ${bytes} bytes; at most ${limitBytes} are kept`, {
      limitBytes,
    })
}

/** sha256 of the canonical JSON: tells the same body from another one. */
export const digestOf = (value: unknown): string => createHash('sha256').update(canonicalJson(value)).digest('hex')
