import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { docsTruthRequested, packFolder, writeBundle } from '@soma/example-docs-truth'
import { newId } from '@soma/kernel'
import { type Connected, connected, startProcess } from '../first-run/start-process.ts'

const PLANTED_LIES = fileURLToPath(new URL('../../examples/14-docs-truth/fixtures/planted-lies', import.meta.url))

export interface PlanAtGate {
  readonly planId: string
  readonly gateId: string
  readonly folder: string
  /** The address of its page. */
  readonly url: string
  /** The files of its report, by name. */
  report(): readonly string[]
}

/** A first run in a process of its own, and the plans of further folders on the same server. */
export interface ServedRun {
  readonly current: Connected
  /** The folder that the process was started on. */
  readonly first: () => Promise<PlanAtGate>
  /** Asks for a plan of another folder, by default a fresh copy of the planted lies, and waits for its gate. */
  plan(name: string, write?: (folder: string) => void): Promise<PlanAtGate>
  kill(): Promise<void>
  /** Starts again at the same address. */
  restart(): Promise<void>
  dispose(): Promise<void>
}

const writePlantedLies = (folder: string): void => cpSync(PLANTED_LIES, folder, { recursive: true })

export async function serveRun(words: readonly string[] = []): Promise<ServedRun> {
  const place = mkdtempSync(join(tmpdir(), 'soma-page-'))
  const dataDirectory = join(place, 'data')
  const folder = join(place, 'harbour')
  writePlantedLies(folder)
  const start = (port: number) => connected(startProcess({ cwd: folder, dataDirectory, port, words }))
  let current = await start(0)
  const port = Number(new URL(current.url).port)
  const seen = new Set<string>()

  const nextGate = async (checked: string): Promise<PlanAtGate> => {
    const opened = await current.events.until(
      ({ type, planid }) => type === 'gate.opened' && planid !== undefined && !seen.has(planid),
      'the gate',
    )
    const gateId = opened.data.gateId as string
    const planId = opened.planid as string
    seen.add(planId)
    const directory = join(checked, 'soma-report')
    const report = () => (existsSync(directory) ? readdirSync(directory).sort() : [])
    return { planId, gateId, folder: checked, url: `${current.url}/?plan=${planId}`, report }
  }

  return {
    get current() {
      return current
    },
    first: () => nextGate(folder),
    async plan(name, write = writePlantedLies) {
      const checked = join(place, name)
      mkdirSync(checked)
      write(checked)
      await askFor(current, checked, join(dataDirectory, 'docs-truth'))
      return nextGate(checked)
    },
    async kill() {
      current.events.close()
      await current.process.kill()
    },
    async restart() {
      current = await start(port)
    },
    async dispose() {
      current.events.close()
      await current.process.kill()
      rmSync(place, { recursive: true, force: true })
    },
  }
}

async function askFor({ clients }: Connected, folder: string, store: string): Promise<void> {
  const bundle = packFolder(folder)
  writeBundle(store, bundle)
  const body = {
    id: newId('evt'),
    type: docsTruthRequested.type,
    topic: docsTruthRequested.topic,
    correlationId: newId('evt'),
    responseType: 'docs-truth.completed',
    responseTopic: 'action-results',
    data: {
      bundle: bundle.digest,
      folder,
      question: 'What is this project?',
      maxStatements: 2_000,
      paceMs: 0,
      model: 'built-in: extracts, does not reason',
    },
  }
  await clients.events.events.publish({ body: body as never })
}
