import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, expect, it } from 'vitest'
import { startWriter } from '../fixtures/start-writer.ts'

const folder = mkdtempSync(join(tmpdir(), 'soma-pglite-crash-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Round {
  readonly found: readonly number[]
  readonly acknowledged: readonly number[]
}

/** Kills the writer without warning after it has acknowledged `rows` commits. What it still printed counts as acknowledged. */
async function writeAndKill(rows: number): Promise<Round> {
  const writer = startWriter([join(folder, 'data'), 'power'])
  const exited = once(writer, 'exit')
  const acknowledged: number[] = []
  let found: number[] | undefined
  for await (const line of createInterface({ input: writer.stdout as NodeJS.ReadableStream })) {
    if (found === undefined) found = JSON.parse(line) as number[]
    else acknowledged.push(Number(line))
    if (acknowledged.length === rows) writer.kill('SIGKILL')
  }
  await exited
  return { found: found ?? [], acknowledged }
}

it('loses no acknowledged commit in five rounds of kill -9', async () => {
  const expected = new Set<number>()
  for (const rows of [40, 1, 25, 60, 7]) {
    const { found, acknowledged } = await writeAndKill(rows)
    expect([...expected].filter((id) => !found.includes(id))).toEqual([])
    for (const id of [...found, ...acknowledged]) expected.add(id)
  }
  const { found } = await writeAndKill(1)
  expect([...expected].filter((id) => !found.includes(id))).toEqual([])
  expect(expected.size).toBeGreaterThanOrEqual(133)
}, 120_000)
