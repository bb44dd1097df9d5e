import type { Json } from '@soma/kernel'
import * as z from 'zod'

const json: z.ZodType<Json> = z.json()

/** What a planner does next. */
export const nextAction = z.discriminatedUnion('action', [
  z.strictObject({
    action: z.literal('publish'),
    type: z.string(),
    topic: z.string().optional(),
    data: json,
  }),
  z.strictObject({ action: z.literal('complete'), result: json }),
  z.strictObject({
    action: z.literal('wait'),
    reason: z.string().min(1).max(400),
    expectedType: z.string(),
    timeoutMs: z.number().int().min(1).max(31_536_000_000),
  }),
  /** The planner must be live and take the goal; the request goes to whoever takes it. */
  z.strictObject({
    action: z.literal('delegate'),
    planner: z.string(),
    goalType: z.string(),
    goalData: json,
  }),
  z.strictObject({
    action: z.literal('ask'),
    question: z.string().min(1).max(200),
    schema: z.record(z.string(), json),
  }),
])
export type NextAction = z.output<typeof nextAction>

/** One decision of a choreography planner; the last ones are kept with the plan. */
export const plannerDecision = z.strictObject({
  planId: z.string(),
  /** Where the plan stands, in the decider's words. */
  currentState: z.string().max(500),
  nextAction,
  /** What was weighed and not taken. */
  alternatives: z.array(z.string().max(300)).max(10).optional(),
  confidence: z.number().min(0).max(1),
  reasoning: z.string().max(2000),
})
export type PlannerDecision = z.output<typeof plannerDecision>

export const DECISION_SCHEMA: Readonly<Record<string, unknown>> = z.toJSONSchema(plannerDecision)

/** A decision as the plan's state keeps it. */
export interface DecisionRecord {
  readonly at: string
  readonly decision: PlannerDecision
  readonly by: 'model' | 'builtin'
}
