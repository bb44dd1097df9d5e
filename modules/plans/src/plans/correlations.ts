import type { PlanGoal } from '../../contract/index.ts'

const MAXIMUM = 32

/** The ids by which replies find a plan: those of its goal are always among them. */
export const correlationsOf = (
  goal: Pick<PlanGoal, 'correlationId' | 'eventId'> | undefined,
  others: readonly string[],
): string[] =>
  [...new Set([goal?.correlationId, goal?.eventId, ...others].filter((id) => id !== undefined))].slice(0, MAXIMUM)
