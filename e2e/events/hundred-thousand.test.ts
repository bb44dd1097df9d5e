import { expect, it } from 'vitest'
import { runLoad } from './hundred-thousand.ts'

it('every group gets each of its events once and in order while handlers fail; dead letters are exactly what always fails, and replay', async () => {
  const report = await runLoad({ events: 2_000 })
  expect(report).toMatchObject({ events: 2_000, lostSettlements: 0 })
  expect(report.replayed).toBe(report.deadLetters)
  expect(report.replayed).toBeGreaterThan(0)
}, 60_000)
