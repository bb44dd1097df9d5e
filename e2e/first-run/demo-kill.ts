/**
 * `npm run demo:kill`: kills the first run with -9 at the five moments of docs/spec/examples.md, prints what held with its times, and exits with 1 when a row does not. `npm run demo:kill -- gate`: at those alone whose names hold
 * the word.
 */
import { createFirstRun, withRun } from './harness.ts'
import { type Digest, KILL_TABLE, type KillMoment, type KillRow, undisturbed } from './kill-table.ts'

const print = (text: string): void => void process.stdout.write(`${text}\n`)
const seconds = (ms: number | undefined): string => (ms === undefined ? 'nothing to do' : `${(ms / 1000).toFixed(1)} s`)

async function attempt(moment: KillMoment, expected: readonly Digest[]): Promise<KillRow | string> {
  try {
    return await withRun(createFirstRun(), (run) => moment.run(run, expected))
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    process.stderr.write(`${message}\n`)
    return message.split('\n', 1)[0] ?? ''
  }
}

function describeRow(row: KillRow | string): string {
  if (typeof row === 'string') return `DOES NOT HOLD: ${row}`
  const ready = seconds(row.readyAfterMs).padEnd(13)
  return `${ready} | ${seconds(row.resumedAfterMs).padEnd(21)} | ${seconds(row.endedAfterMs).padEnd(7)} | ${row.holds}`
}

const [word = ''] = process.argv.slice(2)
const moments = KILL_TABLE.filter(({ moment }) => moment.includes(word))
if (moments.length === 0)
  throw new Error(`no moment is called "${word}": there are ${KILL_TABLE.map(({ moment }) => moment).join(', ')}`)
const { digests } = await withRun(createFirstRun(), undisturbed)
print('kill -9                            | server ready  | first task fact after | ended   | holds')
for (const moment of moments) {
  const row = await attempt(moment, digests)
  if (typeof row === 'string') process.exitCode = 1
  print(`${moment.moment.padEnd(34)} | ${describeRow(row)}`)
}
