import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type OwnServer, ownServer } from '@soma/runtime/testing'
import { headersOf, testContext } from '@soma/server/testing'
import type { BackendName } from '../backends.ts'
import { untilReached } from '../chaos/checker.ts'
import { type ServerProcess, startProcess } from '../chaos/process.ts'
import { prepareCut, tracedTo } from './trace.ts'

const PUBLISHERS = 8
/** Answers. */
const BEFORE_CUT = 200
const AFTER_CUT = 40
const EVENT_TYPE = 'power.seen'

/** A machine whose disk is emulated: what runs there, and the folder that is its disk. */
interface Machine {
  readonly name: string
  readonly disk: string
  readonly isJournaled: boolean
  /** Of a server beside ours; undefined is our own process. */
  readonly server: OwnServer | undefined
}

export interface PowerRunOptions {
  readonly backend: BackendName
  readonly durability: 'power' | 'process'
}

export interface CutOutcome {
  readonly acknowledged: number
  /** Acknowledged and not in the log after the restart; all when nothing could be started. */
  readonly lost: number
  /** Why nothing could be started. */
  readonly fault?: string
}

/** Cuts the power of our server and its stores, all at one moment while events are published, and starts them from what their disks held. */
export async function cutPower(options: PowerRunOptions): Promise<CutOutcome> {
  const folder = await mkdtemp(join(tmpdir(), 'soma-power-'))
  const stores = await openStores(options, folder)
  const own: Machine = { name: 'soma', disk: join(folder, 'soma'), isJournaled: false, server: undefined }
  await mkdir(own.disk)
  const machines = [...stores, own]
  const traceOf = ({ name }: Machine) => join(folder, `${name}.trace`)
  const settings = settingsOf(options, machines)
  try {
    const cuts = machines.map(({ disk, isJournaled }) => prepareCut({ root: disk, isJournaled }))
    for (const store of stores) await store.server?.start(tracedTo(traceOf(store)))
    const server = await startProcess({ settings, through: tracedTo(traceOf(own)) })
    const answers = await publishMany(server.url)
    await crashTraced(server)
    for (const store of stores) await store.server?.kill()
    const moment = (answers[BEFORE_CUT - 1] as Answered).at + 1
    for (const [index, machine] of machines.entries()) {
      const left = `${machine.disk}-left`
      await cuts[index]?.({ trace: traceOf(machine), moment, folder: left })
      await rm(machine.disk, { recursive: true })
      await rename(left, machine.disk)
    }
    const acknowledged = answers.filter(({ at }) => at < moment).map(({ id }) => id)
    const left = await startAgain(stores, settings).catch((error: unknown) => ({ fault: String(error) }))
    if ('fault' in left) return { acknowledged: acknowledged.length, lost: acknowledged.length, ...left }
    return { acknowledged: acknowledged.length, lost: acknowledged.filter((id) => !left.has(id)).length }
  } finally {
    for (const { server } of stores) await server?.end()
    await rm(folder, { recursive: true, force: true })
  }
}

/** How servers are told to sync; those of other tests are not. */
const SYNCING: Readonly<Record<string, Record<string, string>>> = {
  postgres: { POSTGRES_OPTIONS: '-c fsync=on -c synchronous_commit=on -c full_page_writes=on' },
  nats: { NATS_SYNC: 'always' },
}

async function openStores({ backend, durability }: PowerRunOptions, folder: string): Promise<Machine[]> {
  const names = backend === 'pglite' ? [] : backend === 'postgres' ? [backend] : (['postgres', backend] as const)
  return Promise.all(
    names.map(async (name) => {
      const run = join(folder, name)
      await mkdir(run)
      const syncing = durability === 'power' ? SYNCING[name] : {}
      const server = await ownServer(name, { ...syncing, OWN_RUN: run })
      // Made long before the power is cut, and synced since.
      await server.stop()
      return { name, disk: join(run, name), isJournaled: name !== 'postgres', server }
    }),
  )
}

function settingsOf({ backend, durability }: PowerRunOptions, machines: readonly Machine[]): Record<string, unknown> {
  const urlOf = (name: BackendName) => machines.find((machine) => machine.name === name)?.server?.url
  return {
    'server.dataDirectory': join((machines.at(-1) as Machine).disk, 'data'),
    'server.logLevel': 'error',
    'events.durability': durability,
    'events.validation': 'warn',
    // A stream or log a partition of each topic is made under strace.
    'events.partitions': 2,
    ...(backend === 'pglite' ? {} : { 'server.databaseUrl': urlOf('postgres') }),
    ...(backend === 'nats'
      ? { 'events.bus': 'nats', 'events.natsUrl': urlOf('nats'), 'events.natsSyncsAlways': true }
      : {}),
    ...(backend === 'kafka' ? { 'events.bus': 'kafka', 'events.kafkaBrokers': urlOf('kafka') } : {}),
  }
}

interface Answered {
  readonly id: string
  /** Milliseconds since 1970. */
  readonly at: number
}

/** In the order of the answers. */
async function publishMany(url: string): Promise<Answered[]> {
  const answers: Answered[] = []
  let last = 0
  const publishOn = async () => {
    while (answers.length < BEFORE_CUT + AFTER_CUT) {
      const id = `event-${++last}`
      await publish(url, id)
      answers.push({ id, at: Date.now() })
    }
  }
  await Promise.all(Array.from({ length: PUBLISHERS }, publishOn))
  return answers
}

async function publish(url: string, id: string): Promise<void> {
  const response = await fetch(`${url}/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headersOf(testContext()) },
    body: JSON.stringify({
      id,
      topic: 'business-facts',
      type: EVENT_TYPE,
      partitionKey: id,
      data: { text: id.repeat(50) },
    }),
  })
  if (response.status !== 201) throw new Error(`publishing answered ${response.status}: ${await response.text()}`)
}

/** kill -9 of what strace runs, which then ends with a whole trace. */
async function crashTraced(server: ServerProcess): Promise<void> {
  const children = await readFile(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8')
  for (const pid of children.trim().split(' ')) process.kill(Number(pid), 'SIGKILL')
  await server.ended
}

/** Ids of the events in the log of an installation that starts again and takes another one. */
async function startAgain(stores: readonly Machine[], settings: Readonly<Record<string, unknown>>) {
  for (const { server } of stores) await server?.start()
  const server = await startProcess({ settings })
  try {
    await publish(server.url, 'afterwards')
    await untilReached(() => isShipped(server))
    const rows = await server.ask<{ id: string }>(`select event_id as id from events.log where type = '${EVENT_TYPE}'`)
    return new Set(rows.map(({ id }) => id))
  } finally {
    await server.kill()
  }
}

/** The log itself holds as much as the database's copy of it: what a bus has lost is not there. */
async function isShipped(server: ServerProcess): Promise<{ isReached: boolean; seen: unknown }> {
  const [row] = await server.ask<{ outbox: number; copied: number }>(
    'select (select count(*)::int4 from events.outbox) as outbox, (select sum(head)::int4 from events.partition) as copied',
  )
  const heads = (await server.heads()).reduce((sum, { position }) => sum + position, 0)
  return { isReached: row?.outbox === 0 && row.copied === heads, seen: { ...row, heads } }
}
