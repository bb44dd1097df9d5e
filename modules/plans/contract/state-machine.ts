import * as z from 'zod'
import { eventType, jsonValue } from './json-value.ts'

const stateName = z.string().min(1).max(100)

export const machineState = z.strictObject({
  description: z.string().max(1000).optional(),
  /** What a planner does on entering: an event whose data may hold templates. The server stores it, the planner runs it. */
  action: z.strictObject({ event: eventType, data: jsonValue.optional(), response: eventType.optional() }).optional(),
  transitions: z
    .array(z.strictObject({ on: z.string().min(1).max(200), to: stateName, when: z.string().max(2000).optional() }))
    .max(100)
    .default([]),
  defaultNext: stateName.optional(),
  /** Milliseconds in this state before `onTimeout` is entered, or the plan fails with `timeout` where there is none. */
  timeoutMs: z.number().int().min(1).max(31_536_000_000).optional(),
  onTimeout: stateName.optional(),
  /** `true` or `completed`: entering it completes the plan; `failed`: entering it fails the plan. */
  terminal: z.union([z.boolean(), z.enum(['completed', 'failed'])]).optional(),
})

/** States by name (PLN-R57). Checked when the plan is made: targets exist, every state can be reached, a terminal state exists. */
export const stateMachine = z.record(stateName, machineState)
export type StateMachine = z.output<typeof stateMachine>
export type MachineState = z.output<typeof machineState>
