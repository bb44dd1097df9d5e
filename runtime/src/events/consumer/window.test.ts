import type { LogRecord } from '@soma/kernel'
import { describe, expect, it } from 'vitest'
import { createWindow } from './window.ts'

const at = (position: number) => ({ segment: 1, position }) as LogRecord

describe('the window between a cursor and what was read', () => {
  it('reaches the highest place below which everything is finished', () => {
    const window = createWindow({ segment: 1, position: 10 })
    const entries = [11, 12, 13, 14].map((position) => window.add(at(position)))
    const finish = (index: number) => window.finish(entries[index] as (typeof entries)[number])
    finish(1)
    finish(3)
    expect(window.reached().position).toBe(10)
    finish(0)
    expect(window.reached().position).toBe(12)
    finish(2)
    expect(window.reached().position).toBe(14)
    expect(window.size()).toBe(0)
    expect(window.readFrom().position).toBe(14)
  })

  it('keeps count over thousands of events that end out of order', () => {
    const window = createWindow({ segment: 1, position: 0 })
    for (let batch = 0; batch < 20; batch++) {
      const entries = Array.from({ length: 100 }, (_, n) => window.add(at(batch * 100 + n + 1)))
      expect(window.size()).toBe(100)
      for (const entry of entries.toReversed()) window.finish(entry)
      expect(window.reached().position).toBe((batch + 1) * 100)
    }
  })
})
