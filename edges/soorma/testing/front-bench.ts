import { openBench, openDatabase, type Bench, type BenchOptions } from '@soma/governance/testing'
import { identityModule } from '@soma/identity'
import { identityPorts } from '@soma/identity/testing'
import { commonProblems, type Database, type Front, type Logger, type Mode } from '@soma/kernel'
import { soormaEdge } from '../src/edge.ts'

export interface FrontBenchOptions {
  readonly settings?: Readonly<Record<string, unknown>>
  readonly mode?: Mode
  readonly clock?: { now(): Date }
  /** Default: silent. */
  readonly log?: Logger
  /** Of another bench, whose tenants are then here too; whoever made it closes it. */
  readonly database?: Database
}

export interface AnsweredRequest {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  // oxlint-disable-next-line typescript/no-explicit-any -- a test reads whatever members the wire has
  readonly body: any
}

export interface Tenant {
  readonly tenantId: string
  readonly adminKey: string
  /** What proves its administrator. */
  readonly admin: Readonly<Record<string, string>>
  principal(type: string): Promise<string>
  /** A header with a token for a new principal of this type. */
  token(type: string, asked?: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, string>>>
}

/** The edge over identity on a real embedded database, asked as over HTTP. Other modules run in no process here: what needs them is tested in e2e. */
export interface FrontBench {
  readonly bench: Bench
  readonly front: Front
  ask(
    request: string,
    options?: { readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown },
  ): Promise<AnsweredRequest>
  onboard(reference?: string): Promise<Tenant>
}

const ORIGIN = { version: '0.1.0', publicUrl: 'http://127.0.0.1:4000' }

const modulesOf = (mode: Mode): BenchOptions['modules'] => [
  { definition: identityModule, ports: identityPorts() },
  {
    definition: soormaEdge,
    ports: {
      ...ORIGIN,
      isProduction: mode.startsWith('production'),
      bus: 'postgres',
      reservedNouns: new Set(['plan', 'task']),
      draining: new AbortController().signal,
    },
  },
]

export async function openFrontBench({
  mode = 'test',
  database,
  ...options
}: FrontBenchOptions = {}): Promise<FrontBench> {
  const modules = modulesOf(mode)
  const bench = await openBench({
    modules,
    mode,
    database: database ?? (await openDatabase(modules)),
    remote: () => () => Promise.reject(commonProblems.unavailable.create('it runs in no process')),
    ...options,
  })
  const front = bench.modules.flatMap((module) => module.front ?? [])[0]
  if (front === undefined) throw new Error('the edge is off')
  const ask: FrontBench['ask'] = async (request, { headers = {}, body } = {}) => {
    const [method = 'GET', url = '/'] = request.split(' ')
    const [path = '', query = ''] = url.split('?')
    const answer = await front.answer({
      method,
      path: `/soorma${path}`,
      query,
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
      body: new TextEncoder().encode(typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body)),
      remoteAddress: '127.0.0.1',
      signal: new AbortController().signal,
    })
    const text = answer.body as string
    const isJson = answer.headers['content-type'] === 'application/json'
    return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : text }
  }
  return { bench, front, ask, onboard: (reference) => onboard(ask, reference) }
}

async function onboard(ask: FrontBench['ask'], reference?: string): Promise<Tenant> {
  const { body: made } = await ask('POST /v1/identity/onboarding', {
    headers: { 'x-identity-admin-key': 'dev-identity-admin' },
    body: reference === undefined ? {} : { bootstrapAdminExternalRef: reference },
  })
  const { platformTenantId: tenantId, tenantAdminApiKey: adminKey } = made
  const admin = { 'x-tenant-id': tenantId, 'x-identity-admin-key': adminKey }
  const principal = async (type: string): Promise<string> => {
    const { body } = await ask('POST /v1/identity/principals', {
      headers: admin,
      body: { tenantDomainId: tenantId, principalType: type },
    })
    return body.principalId
  }
  return {
    tenantId,
    adminKey,
    admin,
    principal,
    token: async (type, asked = {}) => {
      const principalId = await principal(type)
      const { body } = await ask('POST /v1/identity/tokens/issue', { headers: admin, body: { principalId, ...asked } })
      return { authorization: `Bearer ${body.token}` }
    },
  }
}
