import { createTokenCodec } from '@soma/adapter-jose'
import { contract, defineModule, operation, type SigningKey, silentLogger, use } from '@soma/kernel'
import { beforeAll, expect, test } from 'vitest'
import { testContext } from '../testing/index.ts'
import { callersOf, createContextTokens } from './context-tokens.ts'

const get = operation({ method: 'GET', path: '/v1/toy', summary: 'A toy.', capability: 'authenticated' })
const aContract = (module: string) =>
  contract({
    module,
    summary: 'A toy.',
    operations: { things: { list: get, lookUp: get } },
    events: [],
    capabilities: {},
    settings: {},
  })
const parts = {
  create: () => ({ operations: { things: { list: async () => undefined, lookUp: async () => undefined } } }),
}
const modules = [
  defineModule({ contract: aContract('plans'), uses: {}, ...parts }),
  defineModule({
    contract: aContract('tracker'),
    uses: { plans: use(aContract('plans'), { 'things.lookUp': [] }) },
    ...parts,
  }),
]
const mayCall = callersOf({ modules, portsOf: () => ({}) })

const codec = createTokenCodec()
let key: SigningKey
beforeAll(async () => {
  key = await codec.createKey()
})

/** Signs in a process that hosts `modules`, for a call of `operation` by `caller`; verifies where `asked` was requested. */
async function call(caller: string | undefined, made: string, { hosts = [caller ?? 'plans'], asked = made } = {}) {
  const options = { codec, key, mayCall, log: silentLogger }
  const sending = createContextTokens({ ...options, processes: async () => [] })
  const joined = [{ modules: hosts, publicJwk: key.publicJwk }]
  const receiving = createContextTokens({ ...options, processes: async () => joined })
  return receiving.verify(await sending.sign(testContext({ tenantId: 'tenant-x' }), { caller, operation: made }), asked)
}
const refused = { code: 'unauthenticated' }

test('a module is believed for the operations that its uses names, and for no other', async () => {
  expect(await call('tracker', 'plans.things.look-up')).toMatchObject({ tenantId: 'tenant-x' })
  await expect(call('tracker', 'plans.things.list')).rejects.toMatchObject(refused)
  await expect(call('plans', 'tracker.things.list')).rejects.toMatchObject(refused)
})

test('a process is believed for the modules that it hosts alone', async () => {
  await expect(call('tracker', 'plans.things.look-up', { hosts: ['plans', 'events'] })).rejects.toMatchObject(refused)
})

test('the server of any process proves callers, and does nothing else', async () => {
  expect(await call(undefined, 'identity.credentials.verify')).toMatchObject({ tenantId: 'tenant-x' })
  expect(await call(undefined, 'events.deliveries.context')).toMatchObject({ tenantId: 'tenant-x' })
  await expect(call(undefined, 'plans.things.look-up')).rejects.toMatchObject(refused)
  await expect(call(undefined, 'identity.keys.create')).rejects.toMatchObject(refused)
})

test('a token for one operation opens no other', async () => {
  const asked = 'identity.processes.list'
  await expect(call(undefined, 'identity.credentials.verify', { asked })).rejects.toMatchObject(refused)
  await expect(call(undefined, 'events.deliveries.context', { asked })).rejects.toMatchObject(refused)
})
