import { createTokenCodec } from '@soma/adapter-jose'
import { newUuid } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JoinProcess } from '../../contract/index.ts'
import { type Installation, moduleCaller, nobody, openInstallation } from '../../testing/index.ts'
import { processProof } from './service.ts'

/** An embedded database opens in half a second, on a busy machine in many. */
const OPENING_MS = 60_000

let installation: Installation
const time = Date.now()
const clock = { now: () => new Date(time) }
const tokenCodec = createTokenCodec({ clock })
beforeAll(async () => {
  installation = await openInstallation({ clock })
}, OPENING_MS)
afterAll(() => installation.bench.close())

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

  test('lists the public key, for modules alone, and joining again replaces it', async () => {
    const { record, key } = await join(['plans'])
    const list = async () =>
      (await installation.identity.processes.list(moduleCaller())).items.filter(
        ({ processId }) => processId === record.processId,
      )
    expect(await list()).toMatchObject([{ modules: ['plans'], publicJwk: { kid: key.kid } }])
    const again = await join(['plans', 'tracker'], { processId: record.processId })
    expect(await list()).toMatchObject([{ modules: ['plans', 'tracker'], publicJwk: { kid: again.key.kid } }])
    expect(JSON.stringify(await list())).not.toContain('"d"')
    await expect(installation.identity.processes.list({ ...moduleCaller(), method: 'token' })).rejects.toMatchObject({
      code: 'forbidden',
    })
  })
})
