import { idSchema } from '@soma/kernel'
import * as z from 'zod'

export const gateId = idSchema('gate')
const principalReference = z.string().min(1).max(128)
export const payloadHash = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'sha256: and 64 hexadecimal characters')
export const reason = z.string().max(500)
const time = z.iso.datetime()
/** JSON that is stored and hashed as given. */
const json = z.json()

export const gateKind = z.enum(['review', 'policy', 'budget', 'input', 'effect', 'break-glass', 'change'])
export const gateStatus = z.enum(['open', 'approved', 'rejected', 'revise', 'expired', 'cancelled'])
export const gateOutcome = gateStatus.exclude(['open'])
export type GateOutcome = z.infer<typeof gateOutcome>
export const gateDecision = z.enum(['approve', 'reject', 'revise', 'abstain'])
export type GateDecision = z.infer<typeof gateDecision>

/** Who may vote: a holder of a role, or one principal. */
export const decider = z.union([
  z.strictObject({ role: z.string().min(1).max(128) }),
  z.strictObject({ principal: principalReference }),
])
export type Decider = z.infer<typeof decider>

/**
 * What must come together. An empty list of deciders means every holder of `gate:decide`.
 * `quorum` approvals are needed, of which at least `humans` by users; with `excludeRequester` the requester's vote is refused.
 */
export const requirement = z
  .strictObject({
    deciders: z.array(decider).max(50).default([]),
    quorum: z.number().int().min(1).max(50).default(1),
    humans: z.number().int().min(0).max(50).default(0),
    excludeRequester: z.boolean().default(true),
  })
  .refine(({ humans, quorum }) => humans <= quorum, { path: ['humans'], message: 'must not be above quorum' })
export type Requirement = z.output<typeof requirement>

/** What the gate is about. Every part is optional; a plan id orders its events with the plan's. */
export const gateSubject = z.strictObject({
  planId: idSchema('plan').optional(),
  taskId: z.string().min(1).max(128).optional(),
  executionId: z.string().min(1).max(128).optional(),
  sessionId: idSchema('ses').optional(),
  action: z.string().min(1).max(128).optional(),
  resource: z.strictObject({ type: z.string().min(1).max(64), id: z.string().min(1).max(256) }).optional(),
})
export type GateSubject = z.infer<typeof gateSubject>

/** Something the decider should see. `untrusted` marks an agent's own words. */
export const evidence = z.strictObject({
  label: z.string().min(1).max(200),
  text: z.string().max(20_000).optional(),
  link: z.string().max(2000).optional(),
  data: json.optional(),
  untrusted: z.boolean().default(false),
})

/** One step of escalation: who decides next, and how long they have. */
export const escalationStep = z.strictObject({
  deciders: z.array(decider).max(50),
  dueInMs: z.number().int().min(1000).max(2_592_000_000),
})

export const openGate = z.strictObject({
  /** Chosen by the caller, so that opening twice makes one gate; else derived from the Idempotency-Key. */
  gateId: gateId.optional(),
  kind: gateKind,
  title: z.string().min(1).max(200),
  subject: gateSubject.default({}),
  /** What would happen, at most 256 KiB: what is approved is exactly this. */
  payload: json,
  /** JSON Schema 2020-12 of the merge patch that a decider may send; absent = no edits. */
  editSchema: z.record(z.string(), json).optional(),
  requirements: z
    .array(requirement)
    .min(1)
    .max(10)
    .default([{ deciders: [], quorum: 1, humans: 0, excludeRequester: true }]),
  /** `any`: one rejection rejects. `majority`: as many rejections as a requirement's quorum do. */
  rejectPolicy: z.enum(['any', 'majority']).default('any'),
  /** Default: now + `governance.gateDefaultDueMs`. */
  dueAt: time.optional(),
  onExpire: z.enum(['deny', 'escalate']).default('deny'),
  escalation: z.array(escalationStep).max(10).default([]),
  /** How often the same subject may be sent back; the next `revise` counts as `reject`. */
  maxRevisions: z.number().int().min(0).max(20).default(3),
  evidence: z.array(evidence).max(50).default([]),
})
export type OpenGate = z.output<typeof openGate>

export const vote = z.strictObject({
  principalId: z.string(),
  decision: gateDecision,
  reason: z.string(),
  payloadHash,
  round: z.number().int(),
  at: time,
  /** Set when this vote changed the payload. */
  edits: json.optional(),
})
export type Vote = z.infer<typeof vote>

export const gateComment = z.strictObject({ principalId: z.string(), text: z.string(), at: time })

export const gate = z.strictObject({
  gateId,
  kind: gateKind,
  title: z.string(),
  status: gateStatus,
  outcome: gateOutcome.nullable(),
  subject: gateSubject,
  requirements: z.array(requirement),
  rejectPolicy: z.enum(['any', 'majority']),
  /** What would happen, or, once approved, what was approved: edits are in it. */
  payload: json,
  payloadHash,
  /** True when the payload is no longer the one the gate was opened with. */
  edited: z.boolean(),
  editSchema: z.record(z.string(), json).nullable(),
  evidence: z.array(evidence),
  requesterId: z.string(),
  /** Rises, and votes fall, when the payload changes. */
  round: z.number().int(),
  maxRevisions: z.number().int(),
  instructions: z.string().nullable(),
  openedAt: time,
  dueAt: time,
  /** 0 when due or decided. */
  timeLeftMs: z.number().int(),
  onExpire: z.enum(['deny', 'escalate']),
  escalation: z.array(escalationStep),
  /** Steps of escalation already taken. */
  escalated: z.number().int(),
  decidedAt: time.nullable(),
  /** Votes of the current round that made the outcome; `system:expiry` when time ran out. */
  decidedBy: z.array(z.string()),
  votes: z.array(vote),
  comments: z.array(gateComment),
})
export type Gate = z.infer<typeof gate>
