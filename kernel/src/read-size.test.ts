import { expect, it } from 'vitest'
import { createReadSize, nextReadSize } from './read-size.ts'

it.each([
  { size: 256, lags: false, failures: 0, next: 256 },
  { size: 256, lags: true, failures: 0.1, next: 512 },
  { size: 512, lags: true, failures: 0, next: 512 },
  { size: 256, lags: true, failures: 0.3, next: 256 },
  { size: 256, lags: true, failures: 0.5, next: 128 },
  { size: 256, lags: false, failures: 1, next: 128 },
  { size: 16, lags: true, failures: 1, next: 16 },
  { size: 16, lags: false, failures: 0, next: 16 },
])(
  'EVT-R16 reads of $size become $next where lags is $lags and $failures of the attempts fail',
  ({ next, ...given }) => {
    expect(nextReadSize(given.size, given)).toBe(next)
  },
)

it('EVT-R16 looks back on the last 20 attempts, and takes fewer than 10 for no sign', () => {
  const size = createReadSize()
  const end = (times: number, failed: boolean) => {
    for (let n = 0; n < times; n++) size.noteEnd(failed)
    size.noteRead(true)
    return size.now()
  }
  expect(end(9, true)).toBe(512)
  expect(end(1, true)).toBe(256)
  expect(end(9, false)).toBe(128)
  expect(end(2, false)).toBe(128)
  expect(end(7, false)).toBe(256)
})
