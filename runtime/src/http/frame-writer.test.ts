import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createFrameWriters } from './frame-writer.ts'

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => vi.useRealTimers())

/** A response that remembers its writes. */
const aResponse = () => {
  const writes: string[] = []
  return { writes, writableNeedDrain: false, write: (text: string) => writes.push(text) > 0 }
}

it('EVT-R51 frames go out at once; above 5,000 a second over all streams they wait 5 ms at most, above 25,000 17 ms, and share a write, in order', () => {
  const writerOf = createFrameWriters()
  const responses = [aResponse(), aResponse()]
  const writers = responses.map((response) => writerOf(response as never))
  let sent = 0
  const lastOut = () => responses.map(({ writes }) => Number(writes.at(-1)?.split(';').at(-2)))
  const second = (framesPerSecond: number) => {
    for (let ms = 0, before = sent; ms < 1000; ms += 10) {
      before = sent
      for (let frame = 0; frame < framesPerSecond / 100; frame++) writers[sent++ % 2]?.write(`${sent};`)
      vi.advanceTimersByTime(5)
      // The rate is that of the last 100 ms.
      if (framesPerSecond <= 25_000 && ms >= 200) expect(Math.min(...lastOut())).toBe(sent - 1)
      vi.advanceTimersByTime(2)
      expect(Math.min(...lastOut())).toBeGreaterThanOrEqual(before - 1)
      vi.advanceTimersByTime(3)
    }
    vi.advanceTimersByTime(10)
  }
  const writesOf = () => responses.reduce((total, { writes }) => total + writes.length, 0)
  second(4_800)
  expect(writesOf()).toBe(4_800)
  second(10_000)
  const busy = writesOf() - 4_800
  expect(busy).toBeLessThan(2_000)
  const before = writesOf()
  second(40_000)
  expect(writesOf() - before).toBeLessThan(500)
  second(1_000)
  const calm = writesOf()
  second(1_000)
  expect(writesOf() - calm).toBe(1_000)
  for (const [index, { writes }] of responses.entries()) {
    const numbers = writes.join('').split(';').slice(0, -1).map(Number)
    expect(numbers).toEqual(Array.from({ length: sent / 2 }, (_, n) => 2 * n + index + 1))
  }
})

it('a batch that grows large goes out at once, and what waits when a stream ends is written', () => {
  const writerOf = createFrameWriters()
  const response = aResponse()
  const writer = writerOf(response as never)
  for (let frame = 0; frame < 1_000; frame++) writer.write('x')
  vi.advanceTimersByTime(100)
  response.writes.length = 0
  writer.write('x'.repeat(1000))
  expect(response.writes).toEqual([])
  writer.write('y'.repeat(16 * 1024))
  expect(response.writes).toHaveLength(1)
  writer.write('last')
  writer.flush()
  expect(response.writes.at(-1)).toBe('last')
})
