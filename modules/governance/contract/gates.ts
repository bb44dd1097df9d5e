import { operation, pageOf, pageQuery } from '@soma/kernel'
import * as z from 'zod'
import { gate, gateDecision, gateId, gateKind, gateStatus, openGate, payloadHash, reason } from './gate.ts'
import { governanceProblems } from './problems.ts'

const { gateClosed, notADecider, payloadChanged } = governanceProblems
const params = z.strictObject({ gateId })

/** A vote. `payloadHash` is the one the decider saw; `edits` is an RFC 7386 merge patch that `editSchema` allows and comes with `approve` alone. */
export const castVote = z.strictObject({
  decision: gateDecision,
  payloadHash,
  reason: reason.default(''),
  edits: z.json().optional(),
  /** With `revise`: what to do otherwise. */
  instructions: z.string().max(4000).optional(),
})
export type CastVote = z.output<typeof castVote>

export const gateOperations = {
  open: operation({
    method: 'POST',
    path: '/v1/governance/gates',
    summary: 'Opens a gate: a durable wait for a decision.',
    capability: 'gate:open',
    action: 'gate.open',
    body: openGate,
    output: gate,
    status: 201,
    /** 256 KiB of payload, and room for schema and evidence. */
    bodyLimitBytes: 2_097_152,
  }),
  list: operation({
    method: 'GET',
    path: '/v1/governance/gates',
    summary: 'Lists gates, newest first.',
    capability: 'gate:read',
    action: 'gate.read',
    query: z.strictObject({
      ...pageQuery,
      /** Only open gates at which the caller may vote. */
      mine: z.stringbool().optional(),
      status: gateStatus.optional(),
      kind: gateKind.optional(),
      planId: z.string().max(128).optional(),
    }),
    output: pageOf(gate),
  }),
  stream: operation({
    method: 'GET',
    path: '/v1/governance/gates/stream',
    summary: 'Streams gates as they are opened, voted on and decided: each frame is the whole gate.',
    capability: 'gate:read',
    action: 'gate.read',
    query: z.strictObject({ planId: z.string().max(128).optional() }),
    stream: { gate },
  }),
  get: operation({
    method: 'GET',
    path: '/v1/governance/gates/{gateId}',
    summary: 'Reads a gate with its votes and the time left.',
    capability: 'gate:read',
    action: 'gate.read',
    params,
    output: gate,
  }),
  decide: operation({
    method: 'POST',
    path: '/v1/governance/gates/{gateId}/decide',
    summary: 'Votes at a gate. A decider may change a vote until the gate is decided.',
    capability: 'gate:decide',
    action: 'gate.decide',
    params,
    body: castVote,
    output: gate,
    status: 200,
    problems: [payloadChanged, gateClosed, notADecider],
  }),
  decideMany: operation({
    method: 'POST',
    path: '/v1/governance/gates/decide',
    summary: 'Votes at many gates, each on its own: one that fails stops no other.',
    capability: 'gate:decide',
    action: 'gate.decide',
    body: z.strictObject({ votes: z.array(castVote.extend({ gateId })).min(1).max(100) }),
    output: z.strictObject({
      results: z.array(
        z.union([
          z.strictObject({ gateId, gate }),
          z.strictObject({
            gateId,
            problem: z.strictObject({ code: z.string(), detail: z.string(), status: z.number().int() }),
          }),
        ]),
      ),
    }),
    status: 200,
    problems: [payloadChanged, gateClosed, notADecider],
  }),
  comment: operation({
    method: 'POST',
    path: '/v1/governance/gates/{gateId}/comment',
    summary: 'Adds a comment for the other deciders.',
    capability: 'gate:decide',
    action: 'gate.comment',
    params,
    body: z.strictObject({ text: z.string().min(1).max(4000) }),
    output: gate,
    status: 200,
    problems: [gateClosed],
  }),
  cancel: operation({
    method: 'POST',
    path: '/v1/governance/gates/{gateId}/cancel',
    summary: 'Closes an open gate without a decision.',
    capability: 'gate:manage',
    action: 'gate.cancel',
    params,
    body: z.strictObject({ reason: reason.default('') }),
    output: gate,
    status: 200,
    problems: [gateClosed],
  }),
}
