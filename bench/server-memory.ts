/** Resident memory of an idle embedded server: at ready, and 10 s later, on a new data directory and on one that exists. `npm run build` comes first. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median, printFigure, rounds } from './figures.ts'
import { startServerProcess } from './server-process.ts'

const ROUNDS = 3
const IDLE_MS = 10_000
const GOAL_MEBIBYTES = 350

for (const form of ['built', 'source'] as const) {
  const directory = await mkdtemp(join(tmpdir(), 'soma-memory-'))
  const measured = await rounds(ROUNDS + 1, async () => {
    const server = await startServerProcess(form, directory)
    const atReady = server.residentMebibytes()
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
    const idle = server.residentMebibytes()
    await server.stop()
    return { atReady, idle }
  })
  // The first made the data directory.
  const kinds = { 'first boot': measured.slice(0, 1), 'later starts': measured.slice(1) }
  for (const [name, starts] of Object.entries(kinds)) {
    const idle = starts.map((start) => start.idle)
    printFigure({
      bench: 'server.memory',
      what: `idle for 10 s, ${form}, ${name}, MiB`,
      values: idle,
      beside: { what: 'at ready', values: starts.map((start) => start.atReady) },
      goal: { text: `≤ ${GOAL_MEBIBYTES}`, isMet: median(idle) <= GOAL_MEBIBYTES },
    })
  }
  await rm(directory, { recursive: true, force: true })
}
