import { createTokenCodec } from '@soma/adapter-jose'
import { contract, defineModule, type SigningKey, use } from '@soma/kernel'
import { beforeAll, expect, test } from 'vitest'
import { testContext } from '../testing/index.ts'
import { callersOf, createContextTokens } from './context-tokens.ts'

const aContract = (module: string) =>
  contract({ module, summary: 'A toy.', operations: {}, events: [], capabilities: {}, settings: {} })
const plans = aContract('plans')
const parts = { create: () => ({ operations: {} }) }
const modules = [
  defineModule({ contract: aContract('identity'), uses: {}, ...parts }),
  defineModule({ contract: aContract('tracker'), uses: { plans: use(plans) }, ...parts }),
  defineModule({ contract: aContract('registry'), uses: {}, ...parts }),
]
const mayCall = callersOf({ modules, portsOf: () => ({}) })

const codec = createTokenCodec()
let key: SigningKey
beforeAll(async () => {
  key = await codec.createKey()
})

/** Signs in a process that hosts `caller`, and verifies in one that hosts `audience`. */
async function call(caller: string, audience: string) {
  const sending = createContextTokens({ codec, key, hosted: [caller], processes: async () => [], mayCall })
  const joined = [{ modules: [caller], publicJwk: key.publicJwk }]
  const receiving = createContextTokens({ codec, key, hosted: [audience], processes: async () => joined, mayCall })
  return receiving.verify(await sending.sign(testContext({ tenantId: 'tenant-x' }), audience))
}

test('a process is believed where a contract of its modules uses the audience, and where it proves callers', async () => {
  expect(await call('tracker', 'plans')).toMatchObject({ tenantId: 'tenant-x' })
  expect(await call('registry', 'identity')).toMatchObject({ tenantId: 'tenant-x' })
  await expect(call('registry', 'plans')).rejects.toMatchObject({ code: 'unauthenticated' })
  await expect(call('plans', 'tracker')).rejects.toMatchObject({ code: 'unauthenticated' })
})

test('a token for one module opens no other', async () => {
  const joined = [{ modules: ['tracker'], publicJwk: key.publicJwk }]
  const options = { codec, key, processes: async () => joined, mayCall }
  const token = await createContextTokens({ ...options, hosted: ['tracker'] }).sign(testContext(), 'identity')
  await expect(createContextTokens({ ...options, hosted: ['plans'] }).verify(token)).rejects.toMatchObject({
    code: 'unauthenticated',
  })
})
