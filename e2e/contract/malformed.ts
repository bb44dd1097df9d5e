/**
 * `npm run test:malformed`: sends generated malformed requests over every operation to a server in developer-light and tells what breaks the promise:
 * a 500, no answer within 5 s, a problem that the operation does not declare, an answer that is no problem document.
 * `--count` (10000) and `--seed` (1) choose the requests.
 */
import { Agent } from 'node:http'
import { parseArgs } from 'node:util'
import type { Logger, Operation } from '@soma/kernel'
import { somaPlatform, startServer } from '@soma/server'
import { fullInputOf } from './full-input.ts'
import { malformedRequests, type WireRequest } from './mutations.ts'
import { oneOfEverything, paramsOf, type Things } from './one-of-everything.ts'
import { declaredBy, OPERATIONS } from './operations.ts'
import { type RawAnswer, sendRaw } from './raw-request.ts'
import { type Input, inputOf } from './sample.ts'

/** A read may wait 5 s for an event (TRK-R4), which a wrong id never is. */
const TIMEOUT_MS = 10_000
const AT_ONCE = 8

const { values } = parseArgs({
  options: { count: { type: 'string', default: '10000' }, seed: { type: 'string', default: '1' } },
})
const count = Number(values.count)
const causes = new Map<string, string>()
const server = await startServer({
  platform: somaPlatform,
  log: rememberCauses(causes),
  sources: { flags: { mode: 'developer-light', 'server.port': 0, 'server.dataDirectory': 'memory' } },
})
const things = await oneOfEverything({ url: server.url, headers: {} }, 'default')
const targets = OPERATIONS.map((operation) => ({ operation, inputs: inputsOf(operation, things) }))
const faults = new Map<string, string>()
const statuses = new Map<number, number>()
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })
const waiting = malformedRequests(targets, { count, seed: Number(values.seed) })[Symbol.iterator]()
await Promise.all(Array.from({ length: AT_ONCE }, work))
await server.stop()
agent.destroy()
report()

async function work(): Promise<void> {
  for (const { operation, request } of waiting) {
    const fault = await tryOne(operation, request)
    if (fault === undefined) continue
    const kind = `${operation.id}: ${fault}`
    if (!faults.has(kind)) faults.set(kind, show(request))
  }
}

async function tryOne(operation: Operation, request: WireRequest): Promise<string | undefined> {
  try {
    const answer = await sendRaw(server.url, request, { agent, timeoutMs: TIMEOUT_MS })
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
    return broken(operation, request, answer)
  } catch (error) {
    return (error as Error).message
  }
}

function broken(
  operation: Operation,
  { method }: WireRequest,
  { status, contentType, text }: RawAnswer,
): string | undefined {
  if (status < 400) return undefined
  if (method === 'HEAD') return status === 500 ? 'HEAD answers 500' : undefined
  const code = contentType.startsWith('application/problem+json')
    ? (JSON.parse(text) as { code: string }).code
    : `(${contentType})`
  const mayWait = status === 504 && operation.id === 'events.events.request'
  if (declaredBy(answering(operation, method)).has(`${status} ${code}`) && (status < 500 || mayWait)) return undefined
  return `${status} ${code} ${causes.get(operation.id) ?? ''}`
}

/** With another method the same path may be another operation. */
function answering(operation: Operation, method: string): Operation {
  return OPERATIONS.find((other) => other.path === operation.path && other.method === method) ?? operation
}

/** The least and the fullest input, about things that exist. */
function inputsOf(operation: Operation, things: Things): Input[] {
  const params = paramsOf(operation, things)
  return [inputOf(operation), fullInputOf(operation)].map((input) => {
    const body = input.body === undefined ? {} : { body: { ...input.body, ...impatient(input.body) } }
    return { ...input, ...body, ...(params === undefined ? {} : { params }) }
  })
}

/** What waits for something that never comes waits briefly. */
function impatient(body: Record<string, unknown>): Record<string, number> {
  return { ...('waitMs' in body ? { waitMs: 0 } : {}), ...('timeoutMs' in body ? { timeoutMs: 100 } : {}) }
}

function rememberCauses(into: Map<string, string>): Logger {
  const remember = (_message: string, fields: Record<string, unknown> = {}) => {
    const error = fields.error as { message?: string; code?: string; cause?: { message?: string } } | undefined
    into.set(
      String(fields.operation),
      `${error?.message} ${error?.code ?? ''} ${error?.cause?.message ?? ''}`.slice(0, 300),
    )
  }
  const log: Logger = { debug() {}, info() {}, warn() {}, error: remember, child: () => log }
  return log
}

function show({ how, method, path, headers, body }: WireRequest): string {
  return `${how}: ${method} ${path.slice(0, 300)} ${JSON.stringify(headers).slice(0, 300)} ${String(body ?? '').slice(0, 600)}`
}

function report(): void {
  const answered = [...statuses]
    .sort(([left], [right]) => left - right)
    .map(([status, times]) => `${times} × ${status}`)
  process.stdout.write(
    `${count} malformed requests over ${OPERATIONS.length} operations, seed ${values.seed}: ${answered.join(', ')}\n`,
  )
  for (const [kind, example] of faults) process.stdout.write(`FAULT ${kind}\n      ${example}\n`)
  process.stdout.write(
    faults.size === 0 ? 'no 500, no hang, declared problems alone\n' : `${faults.size} kinds of fault\n`,
  )
  process.exitCode = faults.size === 0 ? 0 : 1
}
