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

describe('binary mode', () => {
  const headers = { 'ce-specversion': '1.0', 'ce-id': 'e-1', 'ce-type': 'order.placed' }
  const decode = (contentType: string, body?: unknown, more: Record<string, string> = {}) =>
    decodeEvent({ contentType, headers: { ...headers, ...more }, body }) as Record<string, unknown>
  const bytes = (text: string) => new TextEncoder().encode(text)

  it('keeps text that is UTF-8 as text, and every other byte as it is', () => {
    expect(decode('text/plain; charset=utf-8', bytes('\ufeffü'))).toMatchObject({
      dataContentType: 'text/plain; charset=utf-8',
      data: '\ufeffü',
    })
    expect(decode('text/plain', new Uint8Array([0xfc]))).toMatchObject({ dataBase64: '/A==' })
    expect(decode('image/png', bytes('ü'))).toMatchObject({ dataBase64: 'w7w=' })
    expect(decode('application/json', '')).toMatchObject({ data: '' })
    expect(decode('application/json')).not.toHaveProperty('data')
  })

  it('reads data without a content type as JSON', () => {
    expect(decode('', bytes('{"a":1}'))).toMatchObject({ data: { a: 1 } })
    for (const body of ['{', '{"a":{"__proto__":1}}'])
      expect(() => decode('', bytes(body))).toThrow(expect.objectContaining({ code: 'malformed-body' }))
  })

  it('reads header values quoted, percent-encoded, or as SDKs send them that do neither', () => {
    const subject = (value: string) => decode('', undefined, { 'ce-subject': value }).subject
    expect(subject('%C3%BC%20%22')).toBe('ü "')
    expect(subject('"a \\"b\\" %25"')).toBe('a "b" %')
    expect(subject('50% of %zz')).toBe('50% of %zz')
    expect([subject('Ã¼'), subject('ü')]).toEqual(['ü', 'ü'])
  })
})
