import { operation } from '@soma/kernel'
import * as z from 'zod'
import { jwk } from './tokens.ts'
import { time } from './words.ts'

export const joinProcess = z.strictObject({
  /** Made at start; a process that starts again joins anew. */
  processId: z.uuid(),
  modules: z.array(z.string().min(1).max(64)).min(1).max(100),
  publicJwk: jwk,
  /** Seconds since the epoch; more than 60 s off is refused. */
  issuedAtSeconds: z.number().int(),
  /** Hexadecimal HMAC-SHA-256 of `processProofText` under the cluster secret. */
  proof: z.string().regex(/^[0-9a-f]{64}$/),
})
export type JoinProcess = z.output<typeof joinProcess>

/** What the proof of a join covers. */
export const processProofText = (join: Omit<JoinProcess, 'proof'>): string =>
  [
    'soma-join/1',
    join.processId,
    join.modules.toSorted().join(','),
    String(join.publicJwk['x']),
    join.publicJwk.kid,
    join.issuedAtSeconds,
  ].join('\n')

export const processRecord = z.strictObject({
  processId: z.uuid(),
  modules: z.array(z.string()),
  publicJwk: jwk,
  joinedAt: time,
  seenAt: time,
})
export type ProcessRecord = z.infer<typeof processRecord>

export const processOperations = {
  join: operation({
    method: 'POST',
    path: '/v1/identity/processes',
    summary: 'Registers the key with which a process signs its context tokens; the cluster secret proves it.',
    capability: 'public',
    body: joinProcess,
    output: processRecord,
    status: 201,
  }),
  list: operation({
    method: 'GET',
    path: '/v1/identity/processes',
    summary: 'The processes whose context tokens are accepted.',
    capability: 'internal',
    output: z.strictObject({ items: z.array(processRecord), nextCursor: z.null() }),
  }),
}
