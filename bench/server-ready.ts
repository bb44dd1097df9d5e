/** `soma serve`: first boot on an empty data directory and second start, until the line that says it is ready. `npm run build` comes first. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median, printFigure, rounds } from './figures.ts'
import { type Form, startServerProcess } from './server-process.ts'

const ROUNDS = 3
const SECOND_START_MS = 3_000

for (const form of ['built', 'source'] as const) {
  const measured = await rounds(ROUNDS, () => bootTwice(form))
  for (const [index, name] of ['first boot', 'second start'].entries()) {
    const starts = measured.map((round) => round[index] as Start)
    const ready = starts.map(({ readyMs }) => readyMs)
    printFigure({
      bench: 'server.ready',
      what: `${name}, ${form}, ms`,
      values: ready,
      beside: { what: 'CPU ms', values: starts.map(({ readyCpuMs }) => readyCpuMs) },
      ...(index === 0 ? {} : { goal: { text: `≤ ${SECOND_START_MS}`, isMet: median(ready) <= SECOND_START_MS } }),
    })
  }
}

interface Start {
  readonly readyMs: number
  readonly readyCpuMs: number
}

async function bootTwice(form: Form): Promise<[Start, Start]> {
  const directory = await mkdtemp(join(tmpdir(), 'soma-ready-'))
  const first = await startServerProcess(form, directory)
  await first.stop()
  const second = await startServerProcess(form, directory)
  await second.stop()
  await rm(directory, { recursive: true, force: true })
  return [first, second]
}
