import { describe, expect, it } from 'vitest'
import { decodeEvent, decodeEvents } from './decode.ts'

const wire = {
  specversion: '1.0',
  id: 'e-1',
  source: '/shop',
  type: 'order.placed',
  topic: 'business-facts',
  planid: 'plan-1',
  datacontenttype: 'application/json',
  comexampleextension: 'kept',
  data: { amount: 1 },
}
const plain = {
  id: 'e-1',
  source: '/shop',
  type: 'order.placed',
  topic: 'business-facts',
  planId: 'plan-1',
  dataContentType: 'application/json',
  data: { amount: 1 },
  extensions: { comexampleextension: 'kept' },
}

describe('decoding', () => {
  it('structured, binary and batched CloudEvents and plain JSON are the same event', () => {
    const { data, datacontenttype: _type, ...attributes } = wire
    const headers = Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [`ce-${name}`, encodeURIComponent(value)]),
    )
    expect(
      decodeEvent({ contentType: 'application/cloudevents+json; charset=utf-8', headers: {}, body: wire }),
    ).toEqual(plain)
    expect(decodeEvent({ contentType: 'application/json', headers, body: data })).toEqual(plain)
    expect(decodeEvent({ contentType: 'application/json', headers: {}, body: plain })).toBe(plain)
    expect(
      decodeEvents({ contentType: 'application/cloudevents-batch+json', headers: {}, body: [wire, wire] }),
    ).toEqual({ events: [plain, plain] })
  })

  it('refuses upper-case attributes, another specversion, and two ids', () => {
    const structured =
      (body: unknown, headers = {}) =>
      () =>
        decodeEvent({ contentType: 'application/cloudevents+json', headers, body })
    expect(structured({ ...wire, planId: 'x' })).toThrow(/planId/)
    expect(structured({ ...wire, specversion: '0.3' })).toThrow(/specversion/)
    expect(structured(wire, { 'ce-id': 'other' })).toThrow(/other/)
    expect(structured([wire])).toThrow(/object/)
  })
})
