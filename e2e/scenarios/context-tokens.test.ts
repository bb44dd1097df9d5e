import { createHmac } from 'node:crypto'
import { createTokenCodec } from '@soma/adapter-jose'
import { eventsContract } from '@soma/events/contract'
import { identityContract, processProofText } from '@soma/identity/contract'
import {
  buildBoundClient,
  type Context,
  createHttpTransport,
  newTraceparent,
  newUuid,
  type SigningKey,
} from '@soma/kernel'
import { registryContract } from '@soma/registry/contract'
import { moduleContext } from '@soma/runtime'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { CLUSTER_SECRET, type Home, openHome } from '../homes/home.ts'

const codec = createTokenCodec()
/** The claims of each context token that leaves a server opened after this, in order. */
function recordTokens(): Record<string, unknown>[] {
  const seen: Record<string, unknown>[] = []
  const send = fetch
  vi.stubGlobal('fetch', (url: string, request?: RequestInit) => {
    const { authorization } = (request?.headers ?? {}) as Record<string, string>
    const [header = '', payload = ''] = (authorization ?? '').replace('Bearer ', '').split('.')
    if (decode(header)?.['typ'] === 'soma-ctx+jwt') seen.push(decode(payload) as never)
    return send(url, request)
  })
  return seen
}

function decode(part: string): Record<string, unknown> | undefined {
  const text = Buffer.from(part, 'base64url').toString()
  return text.startsWith('{') ? JSON.parse(text) : undefined
}

/** Publishes a type that events must look up in the registry, in developer mode, so that a proof and a module's call cross processes. */
async function publish(home: Home) {
  const events = buildBoundClient(
    eventsContract,
    createHttpTransport({ url: home.url, headers: () => ({}), fetch: globalThis.fetch }),
  )
  const body = { type: 'toy.asked', topic: 'action-requests', data: {} } as const
  return events.events.publish({ body: body as never }).catch((error: unknown) => error)
}

const OPENING_MS = 60_000

describe('apart', () => {
  const tokens = recordTokens()
  let home: Home
  let key: SigningKey
  beforeAll(async () => {
    home = await openHome('process-a-module', { settings: { mode: 'developer-light' } })
    key = await codec.createKey()
  }, OPENING_MS)
  afterAll(() => home.stop(), 120_000)

  /** Another process of the cluster: it knows the secret, and says which modules it hosts. */
  async function join(modules: string[]) {
    const request = { processId: newUuid(), modules, publicJwk: key.publicJwk as never, issuedAtSeconds: seconds() }
    const proof = createHmac('sha256', CLUSTER_SECRET).update(processProofText(request)).digest('hex')
    const transport = createHttpTransport({ url: urlOf(home, 'identity'), headers: () => ({}), fetch })
    await buildBoundClient(identityContract, transport).processes.join({ body: { ...request, proof } })
  }

  /** How the registry answers a call that events alone may make, with a token as our key signs it. */
  async function askRegistry(changes: Record<string, unknown> = {}, type = 'soma-ctx+jwt') {
    const context: Context = { ...moduleContext('default', { name: 'events', jobCapabilities: ['*'] }, 'local') }
    const claims = {
      iss: 'soma:process',
      aud: 'registry',
      sub: 'module:events',
      jti: newUuid(),
      iat: seconds(),
      exp: seconds() + 30,
      caller: 'events',
      operation: 'registry.events.get',
      context,
      ...changes,
    }
    const headers = { authorization: `Bearer ${await codec.sign(claims, key, type)}`, traceparent: newTraceparent() }
    const transport = createHttpTransport({ url: urlOf(home, 'registry'), headers: () => headers, fetch })
    const asked = buildBoundClient(registryContract, transport).events.get({
      params: { topic: 'action-requests', type: 'toy.absent' },
    })
    return asked.then(
      () => 'ok',
      ({ code }: { code: string }) => code,
    )
  }

  test('IDN-R42 every call between processes carries a token of at most 30 s for one module, with caller, context, trace and constitution', async () => {
    await publish(home)
    const call = tokens.find(({ operation }) => operation === 'registry.events.get') as Record<string, never>
    expect(call).toMatchObject({
      aud: 'registry',
      caller: 'events',
      context: { tenantId: 'default', principal: { capabilities: expect.arrayContaining(['event-definition:read']) } },
    })
    expect(call['context']).toMatchObject({ traceparent: expect.stringMatching(/^00-/), constitutionHash: 'none' })
    for (const { aud, exp, iat, operation } of tokens as {
      aud: string
      exp: number
      iat: number
      operation: string
    }[]) {
      expect(operation).toMatch(new RegExp(`^${aud}\\.`))
      expect(exp - iat).toBeLessThanOrEqual(30)
    }
  })

  test('IDN-R42 a token is believed from a joined process, for a module that it hosts and an operation that this module uses', async () => {
    expect(await askRegistry()).toBe('unauthenticated')
    await join(['tracker'])
    expect(await askRegistry()).toBe('unauthenticated')
    expect(await askRegistry({ caller: 'tracker' })).toBe('unauthenticated')
    expect(await askRegistry({ caller: 'server' })).toBe('unauthenticated')
    expect(await askRegistry({ caller: undefined })).toBe('unauthenticated')
    key = await codec.createKey()
    await join(['events'])
    expect(await askRegistry()).toBe('not-found')
    const now = seconds()
    for (const changes of [
      { aud: 'identity' },
      { operation: 'registry.events.list' },
      { iat: now, exp: now + 31 },
      { iat: now - 40, exp: now - 10 },
    ])
      expect([changes, await askRegistry(changes)]).toEqual([changes, 'unauthenticated'])
    expect(await askRegistry({}, 'at+jwt')).toBe('unauthenticated')
  })

  test('IDN-R42 what is for modules alone is opened by a context token alone', async () => {
    const answer = await fetch(`${urlOf(home, 'identity')}/v1/identity/processes`)
    expect(answer.status).toBe(403)
  })
})

test(
  'IDN-R42 in one process no token is made',
  async () => {
    const tokens = recordTokens()
    const home = await openHome('one-process', { settings: { mode: 'developer-light' } })
    await publish(home)
    await home.stop()
    expect(tokens).toEqual([])
  },
  OPENING_MS,
)

const seconds = (): number => Math.floor(Date.now() / 1000)
const urlOf = (home: Home, module: string): string => (home.servers[module] as { url: string }).url
