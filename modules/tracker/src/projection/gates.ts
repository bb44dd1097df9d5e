import { type EventEnvelope, toUuid } from '@soma/kernel'
import * as z from 'zod'

const decider = z.union([z.object({ role: z.string() }), z.object({ principal: z.string() })])
const gateFact = z.object({
  gateId: z.string(),
  subject: z.object({ planId: z.string().optional() }).optional(),
  requirements: z.array(z.object({ deciders: z.array(decider).default([]) })).optional(),
  dueAt: z.string().optional(),
  outcome: z.string().optional(),
})

/** What a fact says of a gate; absent members say nothing. */
export interface GateChange {
  readonly id: string
  /** Roles as `role:<name>`, principals by id, and `gate:decide` for everybody who holds it. */
  readonly deciders: readonly string[] | undefined
  readonly dueAt: string | undefined
  readonly outcome: string | undefined
  /** Whose plan it is for, and who opened it. */
  readonly planId: string | undefined
  readonly spaceId: string
  readonly userId: string | undefined
}

const ANYBODY = 'gate:decide'

export const isGateFact = (event: EventEnvelope): boolean =>
  event.topic === 'system-events' && event.source === '/modules/governance' && event.type.startsWith('gate.')

export function gateChangeOf(event: EventEnvelope): GateChange | undefined {
  const parsed = gateFact.safeParse(event.data)
  if (!parsed.success) return undefined
  const { gateId, requirements, dueAt, outcome, subject } = parsed.data
  const isOpened = event.type === 'gate.opened'
  const whose = {
    planId: subject?.planId === undefined ? undefined : toUuid('plan', subject.planId),
    spaceId: isOpened ? (event.spaceid ?? '') : '',
    userId: isOpened ? event.userid : undefined,
  }
  if (event.type === 'gate.decided') return { id: gateId, deciders: undefined, dueAt: undefined, outcome, ...whose }
  if (requirements === undefined) return undefined
  return { id: gateId, deciders: namesOf(requirements), dueAt, outcome: undefined, ...whose }
}

const namesOf = (requirements: readonly { deciders: readonly z.output<typeof decider>[] }[]): string[] => [
  ...new Set(
    requirements.flatMap(({ deciders }) =>
      deciders.length === 0 ? [ANYBODY] : deciders.map((one) => ('role' in one ? `role:${one.role}` : one.principal)),
    ),
  ),
]
