import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import {
  BUILT_IN_MODEL,
  createDocsStore,
  createDocsTruthAgents,
  createProseChecker,
  DEFAULT_QUESTION,
  type DocsStore,
  docsTruthRequested,
  packFolder,
  type ProseChecker,
  writeBundle,
} from '@soma/example-docs-truth'
import { isProblem, newId } from '@soma/kernel'
import type { AgentBase, ConnectOptions } from '@soma/sdk'
import type { Clients } from '@soma/sdk/clients'
import { changesOf, patiently } from './changes.ts'

export interface DemoFlags {
  /** The folder to check. A new plan starts when it is named. */
  readonly folder?: string
  /** Starts a new plan although there is one. */
  readonly fresh?: boolean
  readonly question?: string
  readonly maxStatements?: number
  readonly paceMs?: number
  /** Base address of an OpenAI-compatible server: adds the prose checker. */
  readonly model?: string
}

/** One run of the job, as it is remembered between starts. Written before the goal is published, so that a killed start asks for the same plan again. */
export interface DemoRun {
  readonly eventId: string
  readonly correlationId: string
  readonly bundle: string
  readonly folder: string
  readonly question: string
  readonly maxStatements: number
  readonly paceMs: number
  readonly model: string
}

export interface Demo {
  readonly run: DemoRun
  readonly agents: readonly AgentBase[]
  readonly planId: string
  stop(): Promise<void>
}

/** Starts the agents, and continues the remembered run or begins a new one. */
export async function openDemo(
  flags: DemoFlags,
  options: { clients: Clients; connect: ConnectOptions; dataDirectory: string },
): Promise<Demo> {
  const store = createDocsStore(join(options.dataDirectory, 'docs-truth'))
  const run = chooseRun(flags, store)
  const agents = createDocsTruthAgents(store, proseCheckerOf(run))
  await Promise.all(agents.map((agent) => agent.start(options.connect)))
  const planId = await planOf(run, options.clients)
  return { run, agents, planId, stop: async () => void (await Promise.all(agents.map((agent) => agent.stop()))) }
}

/** Follows the run, not the flags: a start that continues one with a model must have an agent for its task. */
const proseCheckerOf = ({ model }: DemoRun): ProseChecker | undefined =>
  model === BUILT_IN_MODEL
    ? undefined
    : createProseChecker({ baseUrl: model, apiKey: process.env.OPENAI_API_KEY ?? '' })

function chooseRun(flags: DemoFlags, store: DocsStore): DemoRun {
  const file = join(store.directory, 'current.json')
  if (flags.folder === undefined && flags.fresh !== true && existsSync(file))
    return JSON.parse(readFileSync(file, 'utf8')) as DemoRun
  const folder = resolve(flags.folder ?? '.')
  const bundle = packFolder(folder)
  writeBundle(store.directory, bundle)
  const run: DemoRun = {
    eventId: newId('evt'),
    correlationId: newId('evt'),
    bundle: bundle.digest,
    folder,
    question: flags.question ?? DEFAULT_QUESTION,
    maxStatements: flags.maxStatements ?? 2_000,
    paceMs: flags.paceMs ?? 0,
    model: flags.model ?? BUILT_IN_MODEL,
  }
  // Whole or not at all: a start that is killed here must leave the former run, or none, and no half of one.
  writeFileSync(`${file}.tmp`, `${JSON.stringify(run)}\n`, { mode: 0o600, flush: true })
  renameSync(`${file}.tmp`, file)
  return run
}

/** The plan of a run. Publishing the goal again under its id is the same event, so a start that was killed half-way makes no second plan. */
async function planOf(run: DemoRun, clients: Clients): Promise<string> {
  const known = await findPlan(run, clients)
  if (known !== undefined) return known
  const { eventId, correlationId, ...data } = run
  const body = {
    id: eventId,
    type: docsTruthRequested.type,
    topic: docsTruthRequested.topic,
    data,
    correlationId,
    responseType: 'docs-truth.completed',
    responseTopic: 'action-results',
  }
  const { signal } = new AbortController()
  await patiently(() => clients.events.events.publish({ body: body as never }), signal)
  for await (const _change of changesOf(clients, signal)) {
    const made = await patiently(() => findPlan(run, clients), signal)
    if (made !== undefined) return made
  }
  throw new Error('the event stream ended before the plan was made')
}

async function findPlan(run: DemoRun, clients: Clients): Promise<string | undefined> {
  try {
    return (await clients.plans.plans.byCorrelation({ params: { correlationId: run.correlationId } })).plan.planId
  } catch (error) {
    if (isProblem(error) && error.code === 'not-found') return undefined
    throw error
  }
}
