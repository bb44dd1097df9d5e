import { expect, it } from 'vitest'
import { messageOf } from './message.ts'
import { pushDelayMs, retryAfterMs } from './schedule.ts'
import { makeSigningKey, shownSecret, signatureOf } from './signing.ts'

it('signs as the example of Standard Webhooks does, which its libraries are tested with', () => {
  const signed = {
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    timestamp: 1_614_265_330,
    body: Buffer.from('{"test": 2432232314}'),
  }
  expect(signatureOf('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', signed)).toBe(
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  )
})

it('shows a shared secret and never a private key', () => {
  const shared = makeSigningKey('hmac')
  expect(shownSecret(shared.text)).toBe(shared.secret)
  expect(makeSigningKey('hmac').secret).not.toBe(shared.secret)
  const own = makeSigningKey('ed25519')
  expect(own.secret).toBeUndefined()
  expect(shownSecret(own.text)).toBeUndefined()
})

it('waits as long as the schedule says, give or take a tenth, and longer where it is asked to, a day at most', () => {
  expect(pushDelayMs(1, 0, () => 0)).toBe(4500)
  expect(pushDelayMs(1, 0, () => 1)).toBe(5500)
  expect(pushDelayMs(8, 0, () => 0.5)).toBe(43_200_000)
  expect(pushDelayMs(3, 3_600_000)).toBe(3_600_000)
  expect(pushDelayMs(3, 1e12)).toBe(86_400_000)
})

it('reads Retry-After in seconds and as a date; nonsense asks for nothing', () => {
  const now = new Date('2026-11-22T10:00:00Z')
  expect(retryAfterMs('90', now)).toBe(90_000)
  expect(retryAfterMs('Sun, 22 Nov 2026 10:01:00 GMT', now)).toBe(60_000)
  for (const header of ['Sun, 22 Nov 2026 09:00:00 GMT', '-5', 'soon', '', ['1'], undefined])
    expect(retryAfterMs(header, now)).toBe(0)
})

const event = {
  ...{ specversion: '1.0', id: 'evt-1', source: '/x', type: 'job.asked', topic: 'business-facts', tenantid: 't' },
  ...{ traceparent: '00-1-2-01', dataschema: 'soma:x', time: '2026-11-22T10:00:00Z' },
} as unknown as Parameters<typeof messageOf>[0]

it.each([
  ['JSON text', { data: 'a "text"' }, '"a \\"text\\""'],
  ['JSON null', { data: null }, 'null'],
  ['JSON of another name', { data: [1], datacontenttype: 'application/vnd.x+json' }, '[1]'],
  ['text', { data: 'as it is', datacontenttype: 'text/plain; charset=utf-8' }, 'as it is'],
  ['bytes', { data_base64: 'AP8=', datacontenttype: 'image/png' }, '\0\xff'],
  ['nothing', {}, ''],
])('sends %s as they are', (_kind, content, body) => {
  const message = messageOf({ ...event, ...content } as typeof event, 'data')
  expect(Buffer.from(message.body).toString('latin1')).toBe(body)
  expect(message.headers).toMatchObject({ 'ce-id': 'evt-1', traceparent: '00-1-2-01' })
  expect(Object.keys(message.headers)).not.toContain('ce-data')
  for (const value of Object.values(message.headers)) expect(value).toMatch(/^[\x20-\x7e]*$/)
})

it('lets no attribute break out of its header', () => {
  const { headers } = messageOf(
    { ...event, subject: 'a\r\nx-evil: 1\ud800', datacontenttype: 'text/plain\r\nx: y' } as typeof event,
    'data',
  )
  expect(headers).toMatchObject({ 'ce-subject': 'a%0D%0Ax-evil:%201%EF%BF%BD', 'content-type': 'text/plain%0D%0Ax: y' })
})
