import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildBoundClient, createHttpTransport } from '@soma/kernel'
import { trackerContract } from '@soma/tracker/contract'
import type { Fact } from './event-log.ts'
import { writeSmallFolder } from './small-folder.ts'
import { type Connected, connected, type StartProcess, startProcess } from './start-process.ts'

export interface ReportFile {
  readonly name: string
  readonly sha256: string
  readonly modifiedAtNs: bigint
}

/** A folder, a data directory, and the processes that work on them one after another. */
export interface FirstRun {
  readonly folder: string
  readonly dataDirectory: string
  /** Starts on the folder, which is also the current folder of the process. */
  launch(words?: readonly string[]): StartProcess
  start(words?: readonly string[]): Promise<Connected>
  /** The folders that a report was written into, in the order of their numbers. */
  reportFolders(): readonly string[]
  /** The files of a report folder that are whole, by name. */
  report(directory?: string): readonly ReportFile[]
  /** What the processes said on stderr, one after another: the reason when something fails. */
  errors(): string
  /** Ends what still runs and deletes everything. */
  dispose(): Promise<void>
}

export interface FirstRunOptions {
  /** Default: the small project. */
  readonly write?: (folder: string) => void
  /** Where data is kept; made when missing. Default: beside the folder. */
  readonly dataDirectory?: string
}

export function createFirstRun(options: FirstRunOptions = {}): FirstRun {
  const place = mkdtempSync(join(tmpdir(), 'soma-first-run-'))
  const folder = join(place, 'ferry')
  const dataDirectory = options.dataDirectory ?? join(place, 'data')
  ;(options.write ?? writeSmallFolder)(folder)
  const processes: StartProcess[] = []
  const launch = (words: readonly string[] = []) => {
    const process = startProcess({ cwd: folder, dataDirectory, words })
    processes.push(process)
    return process
  }
  return {
    folder,
    dataDirectory,
    launch,
    start: (words) => connected(launch(words)),
    reportFolders: () =>
      readdirSync(folder)
        .filter((name) => /^soma-report(-\d+)?$/.test(name))
        .sort(),
    report: (directory = 'soma-report') => reportIn(join(folder, directory)),
    errors: () => processes.map((process) => process.stderr()).join(''),
    async dispose() {
      await Promise.all(processes.map((process) => process.kill()))
      rmSync(place, { recursive: true, force: true })
    },
  }
}

function reportIn(directory: string): readonly ReportFile[] {
  const names = statSync(directory, { throwIfNoEntry: false }) === undefined ? [] : readdirSync(directory)
  return names
    .filter((name) => !name.startsWith('.'))
    .sort()
    .map((name) => ({
      name,
      sha256: createHash('sha256')
        .update(readFileSync(join(directory, name)))
        .digest('hex'),
      modifiedAtNs: statSync(join(directory, name), { bigint: true }).mtimeNs,
    }))
}

export const isTask = (verb: string, key: string) => (fact: Fact) =>
  fact.type === `task.${verb}` && String(fact.data.key).startsWith(key)

/** The open gate, as soon as there is one. */
export async function openGate({ events, clients }: Connected) {
  const opened = await events.until(({ type }) => type === 'gate.opened', 'the gate')
  return clients.governance.gates.get({ params: { gateId: opened.data.gateId as string } })
}

export interface Decision {
  readonly decision?: 'approve' | 'reject'
  readonly edits?: { readonly files: readonly unknown[] }
}

/** Decides the open gate; one that is decided already is left as it is. */
export async function decide(run: Connected, { decision = 'approve', edits }: Decision = {}) {
  const gate = await openGate(run)
  if (gate.status !== 'open') return gate
  return run.clients.governance.gates.decide({
    params: { gateId: gate.gateId },
    body: {
      decision,
      payloadHash: gate.payloadHash,
      reason: 'read it',
      ...(edits === undefined ? {} : { edits: edits as never }),
    },
  })
}

const PLAN_ENDS = new Set(['plan.completed', 'plan.failed', 'plan.cancelled'])
export const planEnd = ({ events }: Connected, planId?: string): Promise<Fact> =>
  events.until(
    ({ type, data }) => PLAN_ENDS.has(type) && (planId === undefined || data.planId === planId),
    'the end of the plan',
  )

export async function plansOf({ clients }: Connected) {
  return (await clients.plans.plans.list({ query: { limit: 50 } })).items
}

export async function tasksOf({ clients }: Connected, planId: string) {
  const { items } = await clients.plans.tasks.list({ query: { planId, limit: 200 } })
  return items.toSorted((left, right) => left.key.localeCompare(right.key))
}

/** The tracker's timeline of an ended plan, as soon as the tracker has read the end. */
export async function timelineOf({ url }: Connected, planId: string) {
  const transport = createHttpTransport({ url, headers: () => ({}), fetch: globalThis.fetch })
  const tracker = buildBoundClient(trackerContract, transport)
  const params = { planId } as never
  const stream = await tracker.planStream.read({ params })
  for await (const frame of stream) {
    const { plan } = frame.data as { plan?: { status: string } }
    if (plan !== undefined && ['completed', 'failed', 'cancelled'].includes(plan.status)) break
  }
  return (await tracker.planTimeline.list({ params, query: { limit: 200 } })).items
}

/** Does the work and gives a failure what the servers said, then deletes the run. */
export async function withRun<Result>(run: FirstRun, work: (run: FirstRun) => Promise<Result>): Promise<Result> {
  try {
    return await work(run)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new Error(`${message}\n${run.errors().slice(-4_000)}`, { cause: error })
  } finally {
    await run.dispose()
  }
}
