import { event } from '@soma/kernel'
import * as z from 'zod'
import { decider, gateId, gateKind, gateOutcome, gateSubject, payloadHash, requirement } from './gate.ts'

/** Key of all gate events: the plan, else the gate. */
export const gateOpened = event({
  type: 'gate.opened',
  topic: 'system-events',
  summary: 'A decision is waited for.',
  data: z.strictObject({
    gateId,
    kind: gateKind,
    subject: gateSubject,
    title: z.string(),
    requirements: z.array(requirement),
    deciders: z.array(decider),
    payloadHash,
    dueAt: z.iso.datetime(),
  }),
})

const progress = z.strictObject({ gateId, principalId: z.string(), what: z.string(), round: z.number().int() })
export const gateVoted = event({
  type: 'gate.voted',
  topic: 'system-events',
  summary: 'A decider voted; `what` is the decision.',
  data: progress,
})
export const gateCommented = event({
  type: 'gate.commented',
  topic: 'system-events',
  summary: 'A decider left a comment.',
  data: progress,
})
export const gateEscalated = event({
  type: 'gate.escalated',
  topic: 'system-events',
  version: '1.1.0',
  summary: 'Time ran out and the next deciders were asked.',
  data: z.strictObject({
    ...progress.shape,
    /** What must come together from now on. */ requirements: z.array(requirement).optional(),
  }),
})

export const gateDecided = event({
  type: 'gate.decided',
  topic: 'system-events',
  summary: 'A gate is decided, exactly once.',
  data: z.strictObject({
    gateId,
    kind: gateKind,
    outcome: gateOutcome,
    /** Of the approved payload, with edits. */
    payloadHash,
    edited: z.boolean(),
    instructions: z.string().optional(),
    deciders: z.array(z.string()),
    subject: gateSubject,
  }),
})

/** Emitted by every module that changes configuration or rights, in the transaction of the change. Values that are secret are masked before. */
export const changeRecorded = event({
  type: 'change.recorded',
  topic: 'audit',
  summary: 'A change that must be logged.',
  data: z.strictObject({
    action: z.string(),
    actor: z.strictObject({ type: z.string(), id: z.string(), onBehalfOf: z.string().optional() }),
    resource: z.strictObject({ type: z.string(), id: z.string() }),
    outcome: z.enum(['success', 'denied', 'failed', 'unknown']),
    reason: z.string().optional(),
    /** Changed members, before and after; absent members were not there. */
    diff: z.array(z.strictObject({ member: z.string(), before: z.json().optional(), after: z.json().optional() })),
  }),
})

export const governanceFacts = [
  gateOpened,
  gateVoted,
  gateCommented,

  gateEscalated,
  gateDecided,
  changeRecorded,
]
