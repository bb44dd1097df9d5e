/** The runtime side of a promise: a problem that an operation does not list never reaches a caller under its own name. */
import { type Context, contract, newTraceparent, operation, problem, silentLogger } from '@soma/kernel'
import { bindOperations, createExecute } from '@soma/runtime'
import { expect, it } from 'vitest'

const locked = problem({ code: 'record-locked', status: 409, title: 'Locked', remedy: 'Wait.', retryable: true })

const read = { method: 'GET', path: '/v1/sample/records', summary: 'Reads.', capability: 'public' } as const

const caller: Context = {
  tenantId: 'ten_sample',
  spaceId: '',
  principal: { id: 'usr_sample', kind: 'user', roles: [], capabilities: [] },
  actors: [],
  method: 'none',
  region: 'local',
  constitutionHash: 'none',
  traceparent: newTraceparent(),
}

/** The code with which an operation answers whose handler throws `record-locked`. */
async function answeredCode(shape: Parameters<typeof operation>[0]): Promise<unknown> {
  const operations = { records: { list: operation(shape) } }
  const sample = contract({ module: 'sample', summary: '', operations, events: [], capabilities: {}, settings: {} })
  const list = () => Promise.reject(locked.create('Somebody else writes.'))
  const [bound] = bindOperations(sample, { operations: { records: { list } } })
  if (bound === undefined) throw new Error('the operation was not bound')
  const execute = createExecute({ log: silentLogger })
  return execute(bound, caller, {}).catch((error: { code: unknown }) => error.code)
}

it('answers internal where the handler throws what its operation does not list', async () => {
  expect(await answeredCode(read)).toBe('internal')
})

it('answers the problem itself where the operation lists it', async () => {
  expect(await answeredCode({ ...read, problems: [locked] })).toBe('record-locked')
})
