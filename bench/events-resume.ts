/**
 * After kill -9: a process on the embedded engine starts again, until the event that killed it reaches its handler; one of two processes on Postgres is gone, until the
 * other handles events of every partition.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median, printFigure, rounds } from './figures.ts'
import { type Forked, forkProcess } from './processes/forked.ts'
import type { NodeGiven, NodeOrder, NodeTold } from './processes/node.ts'
import { newPostgresDatabase } from './stores.ts'

const ROUNDS = 3
/** Keys enough for each partition to have some. */
const EVENTS = 200
/** First number of the events after the kill. */
const SECOND = 1_000_000
const GOALS_SECONDS = { restart: 5, 'fail-over': 10 }

const embedded = await rounds(ROUNDS, restart)
print('restart', 'PGlite', 'start of the process → first delivery, s', embedded)
const url = process.env.DATABASE_URL
if (url !== undefined)
  print('fail-over', 'Postgres', 'one of two is gone → all keys move, s', await rounds(ROUNDS, () => failOver(url)))

async function restart(): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'soma-bench-'))
  const first = startNode({ database: { directory }, diesAtFirst: true })
  await first.hear<NodeTold>()
  const died = new Promise((resolve) => first.child.once('exit', resolve))
  first.child.send({ publish: { from: 0, count: 1 } } satisfies NodeOrder)
  await died
  const startedAt = performance.now()
  const second = startNode({ database: { directory }, diesAtFirst: false })
  const seen = handledBy(second, { from: 0, count: 1 })
  await until(() => seen.size === 1)
  const seconds = (performance.now() - startedAt) / 1_000
  await second.end('SIGKILL')
  await rm(directory, { recursive: true, force: true })
  return seconds
}

async function failOver(server: string): Promise<number> {
  const database = { url: await newPostgresDatabase(server) }
  const lost = startNode({ database, diesAtFirst: false })
  await lost.hear<NodeTold>()
  const left = startNode({ database, diesAtFirst: false })
  await left.hear<NodeTold>()
  for (let from = 0, isShared = false; !isShared; from += EVENTS) {
    const handled = [lost, left].map((node) => handledBy(node, { from, count: EVENTS }))
    left.child.send({ publish: { from, count: EVENTS } } satisfies NodeOrder)
    await until(() => handled.reduce((sum, { size }) => sum + size, 0) >= EVENTS)
    isShared = handled.every(({ size }) => size > 0)
  }
  await lost.end('SIGKILL')
  const startedAt = performance.now()
  await handles(left, { from: SECOND, count: EVENTS })
  const seconds = (performance.now() - startedAt) / 1_000
  await left.end('SIGKILL')
  return seconds
}

function startNode(given: NodeGiven): Forked {
  return forkProcess('node', given)
}

interface Numbers {
  readonly from: number
  readonly count: number
}

/** The events of these numbers that the process has handled; it grows. */
function handledBy({ child }: Forked, { from, count }: Numbers): ReadonlySet<number> {
  const seen = new Set<number>()
  child.on('message', ({ handled }: NodeTold) => {
    if (handled !== undefined && handled >= from && handled < from + count) seen.add(handled)
  })
  return seen
}

/** Publishes there, until all is handled there. */
async function handles(node: Forked, numbers: Numbers): Promise<void> {
  const seen = handledBy(node, numbers)
  node.child.send({ publish: numbers } satisfies NodeOrder)
  await until(() => seen.size === numbers.count)
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}

function print(which: keyof typeof GOALS_SECONDS, store: string, what: string, values: readonly number[]): void {
  const goal = GOALS_SECONDS[which]
  printFigure({
    bench: `events.resume, ${store}`,
    what: `${which}: ${what}`,
    values,
    goal: { text: `≤ ${goal}`, isMet: median(values) <= goal },
  })
}
