/** `npm run demo:kill`: kills the first run with -9 at the five moments of docs/spec/examples.md, prints what held with its times, and exits with 1 when a row does not. */
import { createFirstRun, type FirstRun } from './harness.ts'
import { KILL_TABLE, type KillMoment, type KillRow, undisturbed } from './kill-table.ts'

const print = (text: string): void => void process.stdout.write(`${text}\n`)
const seconds = (ms: number | undefined): string => (ms === undefined ? 'nothing to do' : `${(ms / 1000).toFixed(1)} s`)

const runs: FirstRun[] = []
const create = (): FirstRun => {
  const run = createFirstRun()
  runs.push(run)
  return run
}

async function attempt(
  moment: KillMoment,
  expected: Awaited<ReturnType<typeof undisturbed>>,
): Promise<KillRow | string> {
  try {
    return await moment.run({ expected: expected.digests, create })
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

try {
  const expected = await undisturbed(create())
  print('kill -9                            | server ready  | first task fact after | ended   | holds')
  for (const moment of KILL_TABLE) {
    const row = await attempt(moment, expected)
    const label = moment.moment.padEnd(34)
    if (typeof row === 'string') {
      print(`${label} | DOES NOT HOLD: ${row}`)
      process.exitCode = 1
      continue
    }
    const { readyAfterMs, resumedAfterMs, endedAfterMs, holds } = row
    print(
      `${label} | ${seconds(readyAfterMs).padEnd(13)} | ${seconds(resumedAfterMs).padEnd(21)} | ${seconds(endedAfterMs).padEnd(7)} | ${holds}`,
    )
  }
} finally {
  for (const run of runs) await run.dispose()
}
