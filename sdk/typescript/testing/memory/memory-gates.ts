import { createHash } from 'node:crypto'
import { canonicalJson, commonProblems, type Json, newId } from '@soma/kernel'
import { type Gate, type OpenGate, openGate } from '@soma/governance/contract'
import type * as z from 'zod'
import type { MemoryClock } from './memory-clock.ts'

/** Gates that one vote decides. */
export interface MemoryGates {
  open(input: z.input<typeof openGate>): Gate
  get(gateId: string): Gate
  list(): readonly Gate[]
  decide(
    gateId: string,
    vote: { decision: string; payloadHash: string; edits?: unknown; instructions?: string | undefined },
  ): Gate
  onDecided(listener: (gate: Gate) => void): void
}

const OUTCOMES = { approve: 'approved', reject: 'rejected', revise: 'revise' } as const
const DAY_MS = 86_400_000

const hashOf = (payload: unknown): string =>
  `sha256:${createHash('sha256').update(canonicalJson(payload)).digest('hex')}`

export function createMemoryGates(clock: MemoryClock): MemoryGates {
  const gates = new Map<string, Gate>()
  const listeners: ((gate: Gate) => void)[] = []
  const get = (gateId: string): Gate => {
    const gate = gates.get(gateId)
    if (gate === undefined) throw commonProblems.notFound.create(`no gate ${gateId}`)
    return gate
  }
  return {
    get,
    list: () => [...gates.values()].reverse(),
    open(input) {
      const wanted = openGate.parse(input)
      const known = gates.get(wanted.gateId ?? '')
      if (known !== undefined) return known
      const gate = newGate(wanted, clock)
      gates.set(gate.gateId, gate)
      return gate
    },
    decide(gateId, vote) {
      const gate = get(gateId)
      const outcome = OUTCOMES[vote.decision as keyof typeof OUTCOMES]
      if (outcome === undefined) return gate
      if (gate.status !== 'open') throw commonProblems.conflict.create(`gate ${gateId} is ${gate.status}`)
      const payload = (vote.edits === undefined ? gate.payload : merge(gate.payload, vote.edits as Json)) as Json
      const decided = {
        ...gate,
        status: outcome,
        outcome,
        payload,
        payloadHash: hashOf(payload),
        edited: vote.edits !== undefined,
        instructions: vote.instructions ?? null,
        decidedAt: clock.iso(),
        decidedBy: ['test'],
        timeLeftMs: 0,
      } as Gate
      gates.set(gateId, decided)
      for (const listener of listeners) listener(decided)
      return decided
    },
    onDecided: (listener) => void listeners.push(listener),
  }
}

function newGate(wanted: OpenGate, clock: MemoryClock): Gate {
  const dueAt = wanted.dueAt ?? new Date(clock.nowMs() + DAY_MS).toISOString()
  return {
    gateId: wanted.gateId ?? newId('gate'),
    kind: wanted.kind,
    title: wanted.title,
    status: 'open',
    outcome: null,
    subject: wanted.subject,
    requirements: wanted.requirements,
    rejectPolicy: wanted.rejectPolicy,
    payload: wanted.payload,
    payloadHash: hashOf(wanted.payload),
    edited: false,
    editSchema: wanted.editSchema ?? null,
    evidence: wanted.evidence,
    requesterId: 'test',
    round: 1,
    maxRevisions: wanted.maxRevisions,
    instructions: null,
    openedAt: clock.iso(),
    dueAt,
    timeLeftMs: Date.parse(dueAt) - clock.nowMs(),
    onExpire: wanted.onExpire,
    escalation: wanted.escalation,
    escalated: 0,
    decidedAt: null,
    decidedBy: [],
    votes: [],
    comments: [],
  }
}

/** JSON merge patch (RFC 7386). */
export function merge(target: unknown, patch: Json): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const base = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {}
  const merged = base as Record<string, unknown>
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name]
    else merged[name] = merge(merged[name], value)
  }
  return merged
}
