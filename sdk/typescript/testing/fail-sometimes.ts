import { commonProblems } from '@soma/kernel'

/** Throws `unavailable` as often as was asked for. */
export function failSometimes(activity: { failures: number }): void {
  if (activity.failures === 0) return
  activity.failures -= 1
  throw commonProblems.unavailable.create('a fault of the test')
}
