import { expect, test } from 'vitest'
import { isLoopbackAddress, isLoopbackHost, isLoopbackOrigin } from './loopback.ts'

test.each([
  'localhost',
  'localhost:7777',
  'LOCALHOST:1',
  'soma.localhost',
  '127.0.0.1:80',
  '127.9.9.9',
  '[::1]:80',
  '[::1]',
])('the host %s is this machine', (host) => {
  expect(isLoopbackHost(host)).toBe(true)
})

test.each([
  '',
  'evil.test',
  'localhost.evil.test',
  '127.0.0.1.evil.test',
  '10.0.0.1',
  'localhost:80:80',
  'user@localhost',
  '[::2]:80',
  '0.0.0.0',
  '2130706433',
])('the host "%s" is not', (host) => {
  expect(isLoopbackHost(host)).toBe(false)
})

test('an origin of this machine is http or https of a loopback host', () => {
  for (const origin of ['http://localhost:5173', 'https://127.0.0.1', 'http://[::1]:80'])
    expect(isLoopbackOrigin(origin)).toBe(true)
  for (const origin of [
    'null',
    'http://evil.test',
    'http://localhost.evil.test',
    'file://localhost',
    'http://localhost@evil.test',
  ])
    expect(isLoopbackOrigin(origin)).toBe(false)
})

test('an address of this machine is 127/8 or ::1, also as IPv4 in IPv6', () => {
  for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) expect(isLoopbackAddress(address)).toBe(true)
  for (const address of ['10.0.0.1', '::ffff:10.0.0.1', '1270.0.0.1', ''])
    expect(isLoopbackAddress(address)).toBe(false)
})
