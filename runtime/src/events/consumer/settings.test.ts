import { describe, expect, it } from 'vitest'
import { backoffMs } from './settings.ts'

const schedule = { baseMs: 1_000, factor: 2, maxMs: 60_000 }

describe('the pause before the next attempt', () => {
  it('EVT-R33 is anything up to min(maxMs, baseMs·factorⁿ⁻¹)', () => {
    const longest = () => 1
    expect([1, 2, 3, 4, 7, 20].map((attempt) => backoffMs(attempt, schedule, longest))).toEqual([
      1_000, 2_000, 4_000, 8_000, 60_000, 60_000,
    ])
    expect(backoffMs(5, schedule, () => 0)).toBe(0)
    const drawn = Array.from({ length: 200 }, () => backoffMs(3, schedule))
    expect(Math.min(...drawn)).toBeLessThan(1_000)
    expect(Math.max(...drawn)).toBeGreaterThan(3_000)
    expect(drawn.every((each) => each >= 0 && each <= 4_000)).toBe(true)
  })
})
