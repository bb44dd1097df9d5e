import { createTokenCodec } from '@soma/adapter-jose'
import { type Context, NO_CONSTITUTION, newTraceparent, newUuid } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JoinProcess } from '../../contract/index.ts'
import { type Installation, moduleCaller, nobody, openInstallation } from '../../testing/index.ts'
import { createContextTokenSigner, createContextTokenVerifier } from './context-token.ts'
import { processProof } from './service.ts'

let installation: Installation
let time = Date.now()
const clock = { now: () => new Date(time) }
const tokenCodec = createTokenCodec({ clock })
beforeAll(async () => {
  installation = await openInstallation({ clock })
})
afterAll(() => installation.bench.close())

const caller: Context = {
  tenantId: 'default',
  spaceId: 's1',
  principal: { id: 'usr_1', kind: 'user', roles: ['User'], capabilities: ['plan:read'] },
  userId: 'usr_1',
  actors: [],
  method: 'api-key',
  region: 'local',
  constitutionHash: NO_CONSTITUTION,
  traceparent: newTraceparent(),
}

const join = async (modules: string[], changes: Partial<JoinProcess> = {}, secret = 'cluster secret of tests') => {
  const key = await tokenCodec.createKey()
  const request = {
    processId: newUuid(),
    modules,
    publicJwk: key.publicJwk as JoinProcess['publicJwk'],
    issuedAtSeconds: Math.floor(time / 1000),
    ...changes,
  }
  const body = { ...request, proof: changes.proof ?? processProof(request, secret) }
  const record = await installation.identity.processes.join(nobody(), { body })
  return { key, record }
}
const listed = async () => (await installation.identity.processes.list(moduleCaller())).items
const verifier = () =>
  createContextTokenVerifier({
    tokenCodec,
    processes: listed,
    mayCall: (from, to) => from === 'plans' && to === 'governance',
  })

describe('joining', () => {
  test('needs the cluster secret, over exactly these modules and this key, of this minute', async () => {
    const { record } = await join(['plans'])
    expect(record.modules).toEqual(['plans'])
    const refused = { code: 'unauthenticated' }
    await expect(join(['plans'], {}, 'another secret')).rejects.toMatchObject(refused)
    await expect(join(['plans'], { issuedAtSeconds: Math.floor(time / 1000) - 61 })).rejects.toMatchObject(refused)
    const lent = {
      processId: newUuid(),
      modules: ['plans'],
      publicJwk: (await tokenCodec.createKey()).publicJwk as JoinProcess['publicJwk'],
      issuedAtSeconds: Math.floor(time / 1000),
    }
    const proof = processProof(lent, 'cluster secret of tests')
    for (const change of [
      { modules: ['plans', 'identity'] },
      { publicJwk: (await tokenCodec.createKey()).publicJwk as JoinProcess['publicJwk'] },
      { processId: newUuid() },
    ]) {
      await expect(
        installation.identity.processes.join(nobody(), { body: { ...lent, ...change, proof } }),
      ).rejects.toMatchObject(refused)
    }
  })
})

describe('a context token', () => {
  test('IDN-R42 carries the whole context to one module for 30 s, from a joined process, and only where the contract uses it', async () => {
    const { key, record } = await join(['plans', 'tracker'])
    const signer = createContextTokenSigner({ tokenCodec, key, processId: record.processId, clock })
    const token = await signer.sign(caller, { from: 'plans', to: 'governance' })
    expect(JSON.parse(Buffer.from(token.split('.')[0] as string, 'base64url').toString())).toMatchObject({
      typ: 'soma-ctx+jwt',
      alg: 'EdDSA',
    })
    expect(await verifier().verify(token, { to: 'governance' })).toEqual({ context: caller, from: 'plans' })

    expect(await verifier().verify(token, { to: 'identity' })).toBeUndefined()
    const unused = await signer.sign(caller, { from: 'tracker', to: 'governance' })
    expect(await verifier().verify(unused, { to: 'governance' })).toBeUndefined()
    const lying = createContextTokenSigner({
      tokenCodec,
      key: (await join(['events'])).key,
      processId: record.processId,
      clock,
    })
    expect(
      await verifier().verify(await lying.sign(caller, { from: 'plans', to: 'governance' }), { to: 'governance' }),
    ).toBeUndefined()
    const { key: strange } = { key: await tokenCodec.createKey() }
    const unknown = createContextTokenSigner({ tokenCodec, key: strange, processId: record.processId, clock })
    expect(
      await verifier().verify(await unknown.sign(caller, { from: 'plans', to: 'governance' }), { to: 'governance' }),
    ).toBeUndefined()

    time += 36_000
    expect(await verifier().verify(token, { to: 'governance' })).toBeUndefined()
  })

  test('is no access token, and an access token is no context token', async () => {
    const { key, record } = await join(['plans'])
    const token = await createContextTokenSigner({ tokenCodec, key, processId: record.processId, clock }).sign(caller, {
      from: 'plans',
      to: 'governance',
    })
    await expect(installation.as(token)).rejects.toMatchObject({ code: 'unauthenticated' })
    const { admin } = await installation.bootstrap()
    const access = (await installation.identity.tokens.create(admin, { body: {} })).accessToken
    expect(await verifier().verify(access, { to: 'governance' })).toBeUndefined()
  })
})
