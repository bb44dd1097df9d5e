import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { maskSecrets } from './mask-secrets.ts'

/** Written in parts, so that no scanner takes this file for a leak. */
const secret = (...parts: string[]) => parts.join('')
const TWENTY = 'a1B2c3D4e5F6g7H8i9J0'
const SECRETS: readonly (readonly [shape: string, secret: string])[] = [
  ['aws-key', secret('AK', 'IA', 'ABCDEFGH12345678')],
  ['github-token', secret('gh', 'p_', TWENTY, TWENTY)],
  ['github-token', secret('github', '_pat_', TWENTY, TWENTY, TWENTY, TWENTY)],
  ['gitlab-token', secret('gl', 'pat-', TWENTY)],
  ['slack-token', secret('xo', 'xb-', '123456789012-', TWENTY)],
  ['stripe-key', secret('sk', '_live_', TWENTY)],
  ['model-key', secret('sk', '-ant-api03-', TWENTY, TWENTY)],
  ['model-key', secret('sk', '-', TWENTY, TWENTY)],
  ['google-key', secret('AI', 'za', TWENTY, 'abcdefghijklmno')],
  ['npm-token', secret('np', 'm_', TWENTY, 'abcdefghijklmnop')],
  ['hugging-face-token', secret('h', 'f_', TWENTY, TWENTY)],
  ['json-web-token', secret('ey', 'JhbGciOiJIUzI1NiJ9', '.ey', 'JzdWIiOiIxMjM0NTY3ODkwIn0', '.', TWENTY)],
  ['soma-key', secret('so', 'ma_', `0${'a'.repeat(25)}`, '_', 'A'.repeat(49))],
  ['card-number', '4111 1111 1111 1111'],
  ['card-number', '5500-0000-0000-0004'],
  ['card-number', '378282246310005'],
  ['private-key', secret('-----BEGIN ', 'PRIVATE KEY-----\n', TWENTY, '\n', TWENTY, '\n-----END ', 'PRIVATE KEY-----')],
]

describe('maskSecrets', () => {
  it.each(SECRETS)('masks a %s and leaves what stands around it', (shape, secret) => {
    const masked = maskSecrets(`The value is "${secret}", keep it.`, 'mask')
    expect(masked).toEqual({ text: `The value is "[masked: ${shape}]", keep it.`, found: [shape] })
  })

  it.each([
    ['password', 'DB_PASSWORD=', 'hunter2hunter2', ' # db'],
    ['password', '{"api_key": "', 'abc123def456', '"}'],
    ['password', 'client-secret: ', 'Zx9!kk$2fooo', ''],
    ['url-password', 'postgres://app:', 'p4ss!word', '@db:5432/soma'],
    ['bearer-token', 'Authorization: Bearer ', 'abcdefgh12345', '\n'],
  ])('masks a %s after its name and keeps the name', (shape, before, secret, after) => {
    const masked = maskSecrets(`${before}${secret}${after}`, 'mask')
    expect(masked).toEqual({ text: `${before}[masked: ${shape}]${after}`, found: [shape] })
  })

  it('masks a key block that has no end up to the end of the text', () => {
    const { text } = maskSecrets(secret('see -----BEGIN RSA ', 'PRIVATE KEY-----\n', TWENTY, '\n', TWENTY), 'mask')
    expect(text).toBe('see [masked: private-key]')
  })

  it.each([
    'Order 4111 1111 1111 1112 came at 12:30 on 2024-10-05.',
    'Call +49 30 1234567 or 555-0100, ask for 12.',
    'The hash is 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08.',
    'Plan plan_01hq8z7k3v5x9d2m4n6p8r0t1w ended.',
    'id 018f2c9e-7b1a-7c3d-8e4f-5a6b7c8d9e0f',
    'The password is kept by Alice; my secret: nobody knows.',
    'Use sk-learn-something-quite-long-here and eyJust words.',
    'https://example.org:8080/a@b, mail bob@example.org',
    '0000 0000 0000 0000',
    '41111111111111114111111111111111',
  ])('leaves harmless text alone: %s', (text) => {
    expect(maskSecrets(text, 'mask')).toEqual({ text, found: [] })
  })

  it('finds a card number between other groups of digits', () => {
    expect(maskSecrets('1 555 4111 1111 1111 1111 12 27', 'mask').text).toBe('1 555 [masked: card-number] 12 27')
  })

  it('only says what it found under refuse, and does not look under allow', () => {
    const text = `pay with 4111111111111111 and ${secret('gh', 'p_', TWENTY, TWENTY)}`
    expect(maskSecrets(text, 'refuse')).toEqual({ text, found: ['card-number', 'github-token'] })
    expect(maskSecrets(text, 'allow')).toEqual({ text, found: [] })
  })

  it('masks every secret wherever it stands, never names it, and changes nothing the second time', () => {
    const part = fc.oneof(
      fc.constantFrom(...SECRETS.map(([, secret]) => secret)),
      fc.string({ unit: 'grapheme', maxLength: 20 }),
      fc.constantFrom('password=', 'https://', ':', '@', 'ghp_', '4111', '\n', 'eyJ'),
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const { text, found } = maskSecrets(parts.join(' '), 'mask')
        for (const [, secret] of SECRETS) expect(text).not.toContain(secret)
        for (const [, secret] of SECRETS) expect(found.join()).not.toContain(secret)
        expect(maskSecrets(text, 'mask')).toEqual({ text, found: [] })
      }),
    )
  })

  it.each([
    secret('-----BEGIN ', 'PRIVATE KEY-----'),
    '-----BEGIN ',
    '-----BEGIN AAAAAAAAAAAAAAAAAAAA PRIVATE ',
    'eyJabcdefgh.',
    'eyJ',
    'eyJ-',
    'ghp_',
    'sk-ant-',
    'a',
    '4',
    '4 ',
    '4-',
    '4111 1111 ',
    'a://',
    'a://b:',
    'password=',
    'password = "',
    'authorization: bearer ',
    'secret secret_key: a1',
    'github_pat_a-',
  ])('takes time in proportion to its text: 512 KiB of %j', (piece) => {
    const text = `${piece.repeat(2 ** 19 / piece.length)}!`
    expect(maskSecrets(text, 'mask').text.length).toBeGreaterThan(0)
  })
})
