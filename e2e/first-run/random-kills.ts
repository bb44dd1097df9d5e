import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { createFirstRun, decide, type FirstRun, planEnd, type ReportFile, withRun } from './harness.ts'
import { assertOnce, type Digest, resumedAfter } from './kill-table.ts'
import { type Connected, connected } from './start-process.ts'

/** How long an undisturbed run takes, as a scale for the moments. */
export interface Durations {
  readonly readyMs: number
  readonly workMs: number
}

export interface RandomKillsOptions {
  readonly kills: number
  /** Equal seeds choose equal moments; what happens then is the machine's. */
  readonly seed: number
  readonly expected: readonly Digest[]
  readonly durations: Durations
  /** Told of each kill: how far the run was. */
  readonly report?: (line: string) => void
}

export interface Spread {
  readonly runs: number
  /** How many kills fell where. */
  readonly phases: Readonly<Record<string, number>>
  /** Of the starts that had something to go on with, in order. */
  readonly resumedMs: readonly number[]
}

/** A run is killed so often at most before it may end. */
const KILLS_A_RUN = 4

/**
 * Kills first runs with -9 at random moments, from one to four times each, until `kills` is reached, and proves after each run: equal bytes, one folder, files untouched since
 * they were written, one plan, one gate, one decision, each task once.
 */
export async function killAtRandom(options: RandomKillsOptions): Promise<Spread> {
  const random = createRandom(options.seed)
  const phases: Record<string, number> = {}
  const resumedMs: number[] = []
  let kills = 0
  let runs = 0
  while (kills < options.kills) {
    const planned = Math.min(options.kills - kills, 1 + Math.floor(random() * KILLS_A_RUN))
    await withRun(createFirstRun(), async (run) => {
      const seen = new Map<string, ReportFile>()
      for (let kill = 0; kill < planned; kill += 1) {
        const phase = await killOnce(run, { durations: options.durations, random, resumedMs })
        rememberFirst(run, seen)
        phases[phase] = (phases[phase] ?? 0) + 1
        options.report?.(`run ${runs + 1}, kill ${kills + kill + 1} of ${options.kills}: ${phase}`)
      }
      await proveEnd(run, { expected: options.expected, seen, resumedMs })
    })
    kills += planned
    runs += 1
  }
  return { runs, phases, resumedMs: resumedMs.toSorted((left, right) => left - right) }
}

interface Killing {
  readonly durations: Durations
  readonly random: () => number
  readonly resumedMs: number[]
}

/** A quarter of the kills hits the start of the server, the rest the work after it; answers what was under way. */
async function killOnce(run: FirstRun, { durations, random, resumedMs }: Killing): Promise<string> {
  const process = run.launch()
  if (random() < 0.25) {
    await Promise.race([pause(random() * durations.readyMs), process.ready])
    await process.kill()
    return 'starting'
  }
  const started = await connected(process)
  const work = decide(started).then(() => planEnd(started))
  // The kill breaks whatever is under way there.
  const over = work.then(
    () => undefined,
    () => undefined,
  )
  await pause(random() * durations.workMs)
  await process.kill()
  await over
  const resumed = resumedAfter(started)
  if (resumed !== undefined) resumedMs.push(resumed)
  return phaseOf(started)
}

function phaseOf({ events }: Connected): string {
  const last = (pattern: RegExp) => events.facts.some(({ type }) => pattern.test(type))
  if (last(/^plan\.completed$/)) return 'completed'
  if (last(/^gate\.decided$/)) return 'decided'
  if (last(/^gate\.opened$/)) return 'gate'
  if (last(/^task\.created$/)) return 'working'
  return 'before the plan'
}

/** A file that has once been seen must stay as it is. */
function rememberFirst(run: FirstRun, seen: Map<string, ReportFile>): void {
  for (const file of run.report()) {
    const first = seen.get(file.name)
    if (first !== undefined) assert.deepEqual(file, first, `${file.name} was written again`)
    seen.set(file.name, file)
  }
}

interface Proof {
  readonly expected: readonly Digest[]
  readonly seen: Map<string, ReportFile>
  readonly resumedMs: number[]
}

async function proveEnd(run: FirstRun, { expected, seen, resumedMs }: Proof): Promise<void> {
  const after = await run.start()
  await decide(after)
  const end = await planEnd(after)
  assert.equal(end.type, 'plan.completed', JSON.stringify(end.data.problem))
  rememberFirst(run, seen)
  await assertOnce(run, { after, expected })
  const resumed = resumedAfter(after)
  if (resumed !== undefined) resumedMs.push(resumed)
}

/** A small generator of even numbers in [0, 1): mulberry32. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
