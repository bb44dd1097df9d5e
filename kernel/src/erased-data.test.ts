import { expect, it } from 'vitest'
import { eraseData } from './erased-data.ts'

it('an event keeps its attributes in their order, its data is gone', () => {
  const event = { id: 'evt-1', type: 'order.placed', data: { name: 'Ada' }, tenantid: 't', userid: 'usr_1' }
  expect(eraseData(JSON.stringify(event))).toBe(
    '{"id":"evt-1","type":"order.placed","data":{"erased":true},"tenantid":"t","userid":"usr_1"}',
  )
})

it('bytes are erased like any other data, and say that they are JSON now', () => {
  const event = { id: 'evt-1', datacontenttype: 'image/png', data_base64: 'aGk=' }
  expect(JSON.parse(eraseData(JSON.stringify(event)))).toEqual({
    id: 'evt-1',
    datacontenttype: 'application/json',
    data: { erased: true },
  })
})

it('an event without data stays as it is, an erased one too', () => {
  const erased = eraseData('{"id":"evt-1","data":1}')
  expect(eraseData(erased)).toBe(erased)
  expect(eraseData('{"id":"evt-1"}')).toBe('{"id":"evt-1"}')
})

it.each(['no JSON', '[1]', '"text"', 'null'])('of %s, which is no event, nothing stays', (text) => {
  expect(eraseData(text)).toBe('')
})
