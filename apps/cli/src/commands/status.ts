import { commonProblems, isProblem } from '@soma/kernel'
import type { Clients } from '@soma/sdk/clients'
import { runningServer, dataDirectory, type Connected } from '../connection.ts'
import { EXIT } from '../failure.ts'
import { duration } from '../output/relative-time.ts'
import type { View } from '../output/view.ts'
import { type Led, lagLed } from './lag-led.ts'
import type { Handling } from '../session.ts'

interface Part {
  readonly name: string
  readonly led: Led
  readonly detail: string
}

interface Status {
  readonly url: string
  readonly parts: readonly Part[]
}

/** What `/ready` answers. */
interface ReadyReport {
  readonly status: 'ready' | 'degraded' | 'not-ready' | 'draining'
  readonly checks: readonly {
    readonly name: string
    readonly ok: boolean
    readonly detail?: string
    readonly ms: number
  }[]
}

const WORDS: Readonly<Record<Led, string>> = { green: 'ok', amber: 'warn', red: 'fail' }

const view: View<Status, Part> = {
  rows: ({ parts }) => parts,
  columns: [
    { title: 'part', of: ({ name }) => name },
    { title: 'state', of: ({ led }) => WORDS[led], kind: 'status' },
    { title: 'detail', of: ({ detail }) => detail, kind: 'text' },
  ],
  ids: ({ parts }) => parts.map(({ name }) => name),
}

/** Shows the server, its modules and dependencies, how far readers are behind and what waits for people. */
export async function showStatus({ session }: Handling<object>): Promise<number> {
  const connected = await session.connect()
  const { clients, url } = connected
  const report = await readReport(connected)
  const parts = [
    await serverPart(connected, report),
    ...report.checks.map(
      ({ name, ok, detail, ms }): Part => ({
        name,
        led: ok ? 'green' : 'red',
        detail: ok ? `${ms} ms` : (detail ?? 'not ready'),
      }),
    ),
    await part('delivery', () => lagPart(clients)),
    await part('dead letters', () => deadLetterPart(clients)),
    await part('gates', () => gatePart(clients)),
  ]
  await session.printer.result({ url, parts }, view)
  return parts.some(({ led }) => led === 'red') ? EXIT.checkFailed : EXIT.done
}

async function readReport({ get, url }: Connected): Promise<ReadyReport> {
  try {
    return (await (await get('/ready')).json()) as ReadyReport
  } catch (cause) {
    throw commonProblems.unavailable.create(`no server at ${url}`, { cause })
  }
}

async function serverPart({ get, url }: Connected, { status }: ReadyReport): Promise<Part> {
  const { info } = (await (await get('/openapi.json')).json()) as { info: { version: string } }
  const local = await runningServer(dataDirectory())
  const process = local?.url === url ? `, mode ${local.mode ?? 'unknown'}, pid ${local.pid}` : ''
  const led = { ready: 'green', degraded: 'amber', draining: 'amber', 'not-ready': 'red' }[status] as Led
  return { name: 'server', led, detail: `${status}, ${url}, version ${info.version}${process}` }
}

/** A part that the caller may not see is told as such, and is no fault. */
async function part(name: string, read: () => Promise<Omit<Part, 'name'>>): Promise<Part> {
  try {
    return { name, ...(await read()) }
  } catch (error) {
    if (!isProblem(error)) throw error
    const isDenied = error.status === 401 || error.status === 403
    return { name, led: isDenied ? 'amber' : 'red', detail: isDenied ? `not visible: ${error.message}` : error.message }
  }
}

async function lagPart(clients: Clients): Promise<Omit<Part, 'name'>> {
  const { items, lagSloMs } = await clients.events.lag.list({ query: {} })
  const behind = items.reduce((sum, { lag }) => sum + lag, 0)
  const oldestMs = Math.max(0, ...items.map(({ oldestAgeMs }) => oldestAgeMs ?? 0))
  const waiting = oldestMs === 0 ? '' : `, the oldest for ${duration(oldestMs)}`
  return { led: lagLed(items, lagSloMs), detail: `${behind} events to deliver${waiting}` }
}

async function deadLetterPart(clients: Clients): Promise<Omit<Part, 'name'>> {
  const { items } = await clients.events.deadLetters.causes({ query: {} })
  const count = items.reduce((sum, cause) => sum + cause.count, 0)
  return { led: count === 0 ? 'green' : 'amber', detail: `${count} open` }
}

async function gatePart(clients: Clients): Promise<Omit<Part, 'name'>> {
  const { items, nextCursor } = await clients.governance.gates.list({ query: { status: 'open', limit: 200 } })
  const oldest = items.at(-1)
  if (oldest === undefined) return { led: 'green', detail: 'none open' }
  const count = nextCursor === null ? `${items.length}` : `more than ${items.length}`
  const age = duration(Date.now() - new Date(oldest.openedAt).getTime())
  return { led: 'green', detail: `${count} open, the oldest for ${age}: ${oldest.title}` }
}
