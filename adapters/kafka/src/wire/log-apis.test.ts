import { expect, it } from 'vitest'
import { createDecoder } from './decoder.ts'
import { createEncoder } from './encoder.ts'
import { produce } from './log-apis.ts'

it('EVT-R61 an append asks for the answer of all replicas that are in sync, outside any transaction', () => {
  const encoder = createEncoder()
  produce.encode(encoder, { timeoutMs: 4_500, batches: [{ topic: 'soma.memory', part: 0, bytes: Buffer.from('b') }] })
  const request = createDecoder(encoder.take())
  expect({ transactionalId: request.string(), acks: request.int16(), timeoutMs: request.int32() }).toEqual({
    transactionalId: null,
    acks: -1,
    timeoutMs: 4_500,
  })
})
