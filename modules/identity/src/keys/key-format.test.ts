import { newId, uuidOf } from '@soma/kernel'
import { expect, test } from 'vitest'
import { formatKey, hashSecret, matchesSecret, newSecret, parseKey } from './key-format.ts'

test('a key is soma_, 26 id characters, 43 characters of secret and 6 of checksum, and gives its parts back', () => {
  const keyId = newId('key')
  const secret = newSecret()
  const key = formatKey(keyId, secret)
  expect(key).toMatch(/^soma_[0-9a-hjkmnp-tv-z]{26}_[0-9A-Za-z]{49}$/)
  expect(parseKey(key)).toEqual({ keyId, secret, uuid: uuidOf('key', keyId) })
})

test('a key with any one character changed, added or missing is no key', () => {
  const key = formatKey(newId('key'), newSecret())
  for (let index = 0; index < key.length; index++) {
    const other = key[index] === '7' ? '8' : '7'
    expect(parseKey(`${key.slice(0, index)}${other}${key.slice(index + 1)}`)).toBeUndefined()
  }
  for (const text of [key.slice(0, -1), `${key}0`, ` ${key}`, `${key}\n`, key.toUpperCase(), ''])
    expect(parseKey(text)).toBeUndefined()
})

test('a secret matches its hash and the one from before, and nothing matches an absent hash', () => {
  const [current, previous] = [hashSecret('now'), hashSecret('before')]
  expect(matchesSecret('now', { current, previous })).toBe(true)
  expect(matchesSecret('before', { current, previous })).toBe(true)
  expect(matchesSecret('before', { current, previous: undefined })).toBe(false)
  expect(matchesSecret('now', { current: undefined, previous: undefined })).toBe(false)
})
