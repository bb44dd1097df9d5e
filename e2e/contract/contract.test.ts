import { Validator } from '@seriousme/openapi-schema-validator'
import { createPgliteDatabase } from '@soma/adapter-pglite'
import { type Contract, type Database, isProblem, type Operation, silentLogger } from '@soma/kernel'
import { problemsOf } from '@soma/runtime'
import { contractsOf, type RunningServer, somaPlatform, startServer } from '@soma/server'
import { createTestServer, type TestServer, testContext } from '@soma/server/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { generateDocs, stalePages } from '../../tools/generated-docs.ts'
import { type BadInput, badInputsOf } from './bad-input.ts'
import { declaredBy, OPERATIONS } from './operations.ts'
import { type Answer, call, send } from './requests.ts'
import { type Input, inputOf, schemaOf as jsonOf } from './sample.ts'

let database: Database
let server: TestServer
let strict: RunningServer

beforeAll(async () => {
  database = await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger })
  server = await createTestServer({ modules: somaPlatform.modules, portsOf: somaPlatform.portsOf, database })
  const flags = {
    mode: 'test',
    'server.port': 0,
    'server.dataDirectory': 'memory',
    'identity.authentication': 'strict',
  }
  strict = await startServer({
    platform: somaPlatform,
    database: { ...database, close: async () => {} },
    log: silentLogger,
    sources: { flags },
  })
}, 60_000)
afterAll(async () => {
  await strict.stop()
  await server.stop()
})

const everything = () => server.headersOf(testContext())
const nothing = () => server.headersOf(testContext({ capabilities: [], roles: [] }))
const guarded = (operation: Operation): boolean =>
  !['public', 'authenticated', 'internal'].includes(operation.capability)

/** What an answer breaks of the promise; undefined when nothing. */
function broken(operation: Operation, answer: Answer): string | undefined {
  if (answer.status < 400) return undefined
  const is = `${answer.status} ${answer.json?.code}`
  if (answer.status >= 500 || !declaredBy(operation).has(is))
    return `${operation.id} answers ${is}: ${answer.json?.detail}`
  if (answer.headers.get('content-type')?.startsWith('application/problem+json') !== true)
    return `${operation.id} answers ${is} as ${answer.headers.get('content-type')}`
  return undefined
}

/** The problem of a call in process: the same validation as over HTTP, without its cost. */
async function refusalOf(operation: Operation, input: Input): Promise<unknown> {
  const [module, noun, verb] = operation.id.split('.') as [string, string, string]
  const contract = contractsOf(somaPlatform).find((each) => each.module === module) as Contract
  try {
    return await server.transport({
      contract,
      noun,
      verb,
      operation,
      context: testContext(),
      input: { ...input, ifMatch: 1 },
    })
  } catch (error) {
    if (isProblem(error)) return { status: error.status, code: error.code, errors: error.extensions.errors }
    throw error
  }
}

function complaintOf(operation: Operation, { name, part }: BadInput, refusal: Answer['json']): string | undefined {
  const pointers = (refusal?.errors ?? []).map(({ pointer }: { pointer: string }) => pointer) as string[]
  if (refusal?.code === 'invalid-request' && pointers.some((pointer) => pointer.startsWith(`/${part}`)))
    return undefined
  return `${operation.id} ${name}: ${refusal?.status} ${refusal?.code} ${pointers.join(' ')}`
}

const firstOfEachPart = (faults: readonly BadInput[]): BadInput[] =>
  faults.filter(({ part }, index) => faults.findIndex((other) => other.part === part) === index)

async function eachOf(operations: readonly Operation[], look: (operation: Operation) => Promise<string | undefined>) {
  const found: string[] = []
  for (const operation of operations) {
    const complaint = await look(operation)
    if (complaint !== undefined) found.push(complaint)
  }
  return found
}

describe('who may call', () => {
  test('every operation that is not public refuses who proves nobody', async () => {
    const closed = OPERATIONS.filter(({ capability }) => capability !== 'public')
    const complaints = await eachOf(closed, async (operation) => {
      const { status, json } = await call(strict.url, operation, { input: inputOf(operation) })
      return status === 401 && json.code === 'unauthenticated' ? undefined : `${operation.id}: ${status} ${json?.code}`
    })
    expect(complaints).toEqual([])
  }, 30_000)

  test('every operation names the capability that its caller lacks, and those of modules refuse everybody else', async () => {
    const complaints = await eachOf(OPERATIONS, async (operation) => {
      if (!guarded(operation) && operation.capability !== 'internal') return undefined
      const headers = operation.capability === 'internal' ? everything() : nothing()
      const { status, json } = await call(server.url, operation, { input: inputOf(operation), headers })
      const named = operation.capability === 'internal' || json?.detail.includes(`"${operation.capability}"`)
      return status === 403 && json.code === 'forbidden' && named
        ? undefined
        : `${operation.id}: ${status} ${json?.detail}`
    })
    expect(complaints).toEqual([])
  }, 30_000)
})

describe('what comes in', () => {
  const refused = OPERATIONS.filter(({ capability }) => capability !== 'internal')

  test('every generated fault is refused with a pointer to it', async () => {
    const complaints: string[] = []
    let tried = 0
    for (const operation of refused) {
      for (const bad of badInputsOf(operation)) {
        tried++
        const complaint = complaintOf(operation, bad, await refusalOf(operation, bad.input))
        if (complaint !== undefined) complaints.push(complaint)
      }
    }
    expect(complaints).toEqual([])
    expect(tried).toBeGreaterThan(3000)
  }, 60_000)

  test('a fault in each part is refused over HTTP as in process', async () => {
    const complaints: string[] = []
    for (const operation of refused) {
      for (const bad of firstOfEachPart(badInputsOf(operation))) {
        const answer = await call(server.url, operation, { input: bad.input, headers: everything() })
        const complaint = complaintOf(operation, bad, answer.json) ?? broken(operation, answer)
        if (complaint !== undefined) complaints.push(complaint)
      }
    }
    expect(complaints).toEqual([])
  }, 60_000)

  test('what does not exist is not found', async () => {
    const about = refused.filter(({ id, params }) => params !== undefined && !(id in ANSWERED_FOR_ABSENT))
    const complaints = await eachOf(about, async (operation) => {
      const answer = await call(server.url, operation, { input: inputOf(operation), headers: everything() })
      return answer.status === 404
        ? broken(operation, answer)
        : `${operation.id}: ${answer.status} ${answer.text.slice(0, 200)}`
    })
    expect(complaints).toEqual([])
  }, 30_000)
})

/** Operations whose ids need not exist, and why. */
const ANSWERED_FOR_ABSENT: Readonly<Record<string, string>> = {
  'events.topics.get': 'the topics are fixed: another name is unknown-topic',
  'events.topics.update': 'the topics are fixed, and belong to the platform',
  'registry.instances.register': 'makes what it names',
  'tracker.traces.get': 'a trace is whatever carries its id, be it nothing',
  'tracker.correlations.get': 'so is a correlation',
  'tracker.session-plans.list': 'the tracker knows no sessions, only the plans that name one',
}

describe('what goes out', () => {
  test('every list and every read without an id answers what its contract says', async () => {
    const reads = OPERATIONS.filter(
      ({ method, params, capability }) => method === 'GET' && params === undefined && capability !== 'internal',
    )
    const complaints = await eachOf(reads, async (operation) => {
      const answer = await call(server.url, operation, { input: inputOf(operation), headers: everything() })
      if (answer.status !== 200) return `${operation.id}: ${answer.status} ${answer.json?.detail}`
      const parsed = operation.output?.safeParse(answer.json)
      return parsed?.success === false ? `${operation.id}: ${parsed.error.message}` : undefined
    })
    expect(complaints).toEqual([])
  })

  test('an operation whose answer holds a secret says so', () => {
    const holding = OPERATIONS.filter(({ output }) =>
      /"(?:secret|accessToken)":/.test(JSON.stringify(output === undefined ? {} : jsonOf(output))),
    )
    expect(holding.length).toBeGreaterThan(3)
    expect(holding.filter(({ secret }) => secret !== true).map(({ id }) => id)).toEqual([])
  })
})

describe('what is documented', () => {
  test('the OpenAPI document is valid and lists every operation with all its problems', async () => {
    const { json } = await send(`${server.url}/openapi.json`)
    expect((await new Validator().validate(structuredClone(json))).errors).toBeUndefined()
    const complaints = OPERATIONS.flatMap((operation) => {
      const documented = json.paths[operation.path]?.[operation.method.toLowerCase()]?.responses ?? {}
      return [...declaredBy(operation)]
        .map((line) => line.split(' ') as [string, string])
        .filter(([status, code]) => !documented[status]?.description.split(', ').includes(code))
        .map(([status, code]) => `${operation.id} does not document ${status} ${code}`)
    })
    expect(complaints).toEqual([])
  })

  test('the AsyncAPI document has every event of every contract', async () => {
    const { json } = await send(`${server.url}/asyncapi.json`)
    const declared = contractsOf(somaPlatform).flatMap(({ events }) => events)
    expect(json.asyncapi).toBe('3.1.0')
    expect(Object.keys(json.components.messages).toSorted()).toEqual(
      declared.map(({ topic, type, version }) => `${topic}.${type}.${version}`).toSorted(),
    )
  })

  test('the pages of the reference say what the contracts say', () => {
    expect(stalePages(process.cwd(), generateDocs(contractsOf(somaPlatform)))).toEqual([])
  })

  test('every declared problem has its page, and one code has one status', async () => {
    const problems = [...problemsOf(contractsOf(somaPlatform)).values()]
    for (const { code, title } of problems) {
      const { status, text } = await send(`${server.url}/problems/${code}`)
      expect({ code, status, text }).toMatchObject({ code, status: 200, text: expect.stringContaining(title) })
    }
    const declared = new Map<string, string>()
    for (const line of OPERATIONS.flatMap((operation) => [...declaredBy(operation)])) {
      const [status, code] = line.split(' ') as [string, string]
      expect(declared.get(code) ?? status, code).toBe(status)
      declared.set(code, status)
    }
  })
})
