import { registryContract } from '@soma/registry/contract'
import { expect, it } from 'vitest'
import { pauseOf } from './registration.ts'

it('REG-R3 REG-R5 asks for news of its registration, or tries again to register, often enough to restore it within 60 s', () => {
  const heartbeatMs = registryContract.settings.heartbeatMs.default
  expect(heartbeatMs).toBe(30_000)
  const pauses = Array.from({ length: 1000 }, () => pauseOf({ heartbeatMs }, 0))
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(heartbeatMs * 0.9)
  expect(Math.max(...pauses)).toBeLessThanOrEqual(heartbeatMs * 1.1)
  expect(Math.max(...pauses) - Math.min(...pauses)).toBeGreaterThan(heartbeatMs * 0.15)
  const retries = Array.from({ length: 1000 }, (_, failures) => pauseOf(undefined, failures + 1))
  expect(Math.max(...pauses, ...retries)).toBeLessThan(60_000)
})
