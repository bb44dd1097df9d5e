import { perSecond } from './figures.ts'

/** What a plan of three tasks costs, the same for every peer. */
export interface ChainTimes {
  /** From the call to the answer, one plan at a time. */
  readonly aloneMs: readonly number[]
  /** Plans a second, 50 at once. */
  readonly perSecond: number
  /** CPU time of this process a plan then. Servers beside it are not in it. */
  readonly cpuMs: number
}

const WARM_UP = 50
const ALONE = 200
const CROWD = 500
const AT_ONCE = 50

/** @param run does a whole plan: three tasks, one after the other, each adding 1 to the number, and answers the last. */
export async function chainTimes(run: (number: number) => Promise<number>): Promise<ChainTimes> {
  const checked = async (number: number) => {
    const answer = await run(number)
    if (answer !== number + 3) throw new Error(`the plan of ${number} answered ${answer}, not ${number + 3}`)
  }
  await perSecond(WARM_UP, AT_ONCE, checked)
  const aloneMs: number[] = []
  for (let number = 0; number < ALONE; number += 1) {
    const startedAt = performance.now()
    await checked(number)
    aloneMs.push(performance.now() - startedAt)
  }
  const cpuBefore = process.cpuUsage()
  const rate = await perSecond(CROWD, AT_ONCE, checked)
  const { user, system } = process.cpuUsage(cpuBefore)
  return { aloneMs, perSecond: rate, cpuMs: (user + system) / 1_000 / CROWD }
}
