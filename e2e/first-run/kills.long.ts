import { beforeAll, describe, expect, test } from 'vitest'
import { createFirstRun, withRun } from './harness.ts'
import { KILL_TABLE, RESUME_MS, type Undisturbed, undisturbed } from './kill-table.ts'
import { killAtRandom } from './random-kills.ts'

const print = (text: string): void => void process.stdout.write(`${text}\n`)
/** How many random kills, and which moments: `KILLS=n SEED=n`. */
const kills = Number(process.env['KILLS'] ?? 50)
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

let expected: Undisturbed
beforeAll(async () => {
  expected = await withRun(createFirstRun(), undisturbed)
})

test('the report of a second run from the beginning, with its own data directory, has the same bytes', async () => {
  const again = await withRun(createFirstRun(), undisturbed)
  expect(again.digests).toEqual(expected.digests)
  expect(again.keys).toEqual(expected.keys)
})

describe('kill -9', () => {
  test.each(KILL_TABLE)('$moment', async (row) => {
    const held = await withRun(createFirstRun(), (run) => row.run(run, expected.digests))
    print(JSON.stringify(held))
    expect(held.moment).toBe(row.moment)
  })
})

test('EXA-R4 kills at random moments lose nothing, repeat nothing, and end in the same bytes', async () => {
  print(`${kills} kills, SEED=${seed}`)
  const spread = await killAtRandom({ kills, seed, expected: expected.digests, durations: expected, report: print })
  const { resumedMs } = spread
  const at = (part: number) => resumedMs[Math.floor((resumedMs.length - 1) * part)]
  const slow = resumedMs.filter((ms) => ms > RESUME_MS).length
  print(`${spread.runs} runs, ${JSON.stringify(spread.phases)}`)
  print(
    `first task fact after readiness: median ${at(0.5)} ms, worst ${at(1)} ms, ${slow} of ${resumedMs.length} over ${RESUME_MS} ms`,
  )
  expect(resumedMs.length).toBeGreaterThan(0)
}, 1_800_000)
