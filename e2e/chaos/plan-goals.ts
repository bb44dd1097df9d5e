/** What the agents of `plan-agents.ts` are told to be. */
export interface AgentsOrder {
  readonly url: string
  readonly tenantId: string
  readonly roles: readonly ('planner' | 'worker')[]
}

export const SUM_REQUESTED = 'sum.requested'
export const SUM_COMPLETED = 'sum.completed'

/** What a goal asks for: rows that are summed side by side, whose numbers are doubled side by side. */
export const goalOf = (number: number): { readonly rows: readonly (readonly number[])[] } => ({
  rows: [0, 1, 2].map((row) => [0, 1, 2].map((column) => 9 * number + 3 * row + column)),
})
/** Tasks of the plan of a goal: its rows and their numbers. */
export const TASKS_OF_GOAL = 3 + 9

/** The one right answer: a result counted twice, or not at all, shows in the sums and in the counts. */
export function answerOf(number: number): unknown {
  const sums = goalOf(number).rows.map((row) => row.reduce((sum, value) => sum + 2 * value, 0))
  return { sum: sums.reduce((sum, value) => sum + value, 0), joined: 3, members: [3, 3, 3] }
}
