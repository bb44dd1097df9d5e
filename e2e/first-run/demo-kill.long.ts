import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { KILL_TABLE } from './kill-table.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** `npm run demo:kill` with a module that every process loads before. */
function demoKill(
  preload = '',
  words: readonly string[] = [],
): Promise<{ readonly code: number; readonly rows: readonly string[] }> {
  const env = { ...process.env, NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(preload)}` }
  return new Promise((resolve) => {
    execFile('npm', ['run', '--silent', 'demo:kill', '--', ...words], { cwd: ROOT, env }, (error, stdout) =>
      resolve({ code: Number(error?.code ?? 0), rows: stdout.trimEnd().split('\n').slice(1) }),
    )
  })
}

const TIMES = String.raw`\d+\.\d s +\| (\d+\.\d s|nothing to do) +\| \d+\.\d s +\|`

/** A server that does not remember its run and begins a new one after each kill. */
const FORGETFUL = `
  import fs from 'node:fs'
  import { syncBuiltinESMExports } from 'node:module'
  const { existsSync } = fs
  fs.existsSync = (path) => !String(path).endsWith('current.json') && existsSync(path)
  syncBuiltinESMExports()
`

test('EXA-R10 npm run demo:kill kills at the five moments and prints what held with its times', async () => {
  const { code, rows } = await demoKill()
  expect(code).toBe(0)
  expect(rows).toEqual(
    KILL_TABLE.map(({ moment }) => expect.stringMatching(new RegExp(String.raw`^${moment} +\| ${TIMES} \w`))),
  )
  expect(rows).toHaveLength(5)
}, 1_200_000)

test('EXA-R10 a row that does not hold is said, and the exit code is not zero', async () => {
  const { code, rows } = await demoKill(FORGETFUL, ['open gate'])
  expect(code).toBe(1)
  expect(rows).toEqual([expect.stringMatching(/^at the open gate +\| DOES NOT HOLD: /)])
}, 1_200_000)
