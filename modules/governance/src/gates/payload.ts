import { createHash } from 'node:crypto'
import { canonicalJson, commonProblems } from '@soma/kernel'

/** What a decider can be asked to read, and what a hash, a diff and an event can carry without harm. */
export const MAXIMUM_PAYLOAD_BYTES = 262_144

/** The bytes that are shown, hashed and executed. @throws payload-too-large */
export function payloadText(payload: unknown): string {
  const text = canonicalJson(payload)
  const bytes = Buffer.byteLength(text)
  if (bytes > MAXIMUM_PAYLOAD_BYTES)
    throw commonProblems.payloadTooLarge.create(
      `the payload has ${bytes} bytes, at most ${MAXIMUM_PAYLOAD_BYTES} are allowed`,
    )
  return text
}

/** `sha256:` and hexadecimal of the text. */
export const hashOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`
