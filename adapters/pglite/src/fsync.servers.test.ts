import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { startWriter } from '../fixtures/start-writer.ts'

const folder = mkdtempSync(join(tmpdir(), 'soma-pglite-fsync-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const COMMITS = 100

/** For every row after the first: how often the process asked the kernel to sync between two acknowledgements. */
async function syncsBetweenCommits(durability: 'power' | 'process'): Promise<number[]> {
  const trace = join(folder, `${durability}.strace`)
  const under = ['strace', '-f', '-qq', '-e', 'trace=fsync,fdatasync,write', '-e', 'signal=none', '-o', trace]
  const writer = startWriter([join(folder, durability), durability, String(COMMITS + 1)], under)
  writer.stdout?.resume()
  const [exitCode] = await once(writer, 'exit')
  expect(exitCode).toBe(0)
  const counts: number[] = []
  for (const line of readFileSync(trace, 'utf8').split('\n'))
    if (/\bwrite\(1, "\d+\\n"/.test(line)) counts.push(0)
    else if (/\b(?:fsync|fdatasync)\(/.test(line) && counts.length > 0) counts.push((counts.pop() ?? 0) + 1)
  return counts.slice(0, COMMITS)
}

it('calls fsync before every acknowledged commit on PGlite when durability is power', async () => {
  const counts = await syncsBetweenCommits('power')
  expect(counts).toHaveLength(COMMITS)
  expect(counts.filter((calls) => calls === 0)).toEqual([])
}, 120_000)

it('sees no call when durability is process, so the counts above are of commits', async () => {
  const counts = await syncsBetweenCommits('process')
  expect(counts).toEqual(Array.from({ length: COMMITS }, () => 0))
}, 120_000)
