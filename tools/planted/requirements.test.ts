/** The commands that CI runs turn red with an exit code, not only their functions. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createTemporaryTree, REPOSITORY, type TemporaryTree } from '../temporary-tree.ts'

/** Each test starts tools as processes: seconds, and more on a busy machine. */
const SLOW = { timeout: 60_000 }

let tree: TemporaryTree
beforeEach(() => {
  tree = createTemporaryTree({
    'docs/spec/sample.md': '- **AAA-R1** The first rule.\n',
    'docs/spec/proven.json': '["AAA-R1"]\n',
    'kernel/src/first.test.ts': ['it', "('AAA-R1 holds', () => {})\n"].join(''),
  })
})
afterEach(() => tree.remove())

function run(script: string, ...options: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(
    join(REPOSITORY, 'node_modules/.bin/tsx'),
    [join(REPOSITORY, 'tools', script), ...options],
    { cwd: tree.root, encoding: 'utf8' },
  )
  return { status, output: `${stdout}${stderr}` }
}

it('passes while the proven rule has its test', SLOW, () => {
  expect(run('requirements.ts', '--check')).toEqual({ status: 0, output: '1 rules proven, none lost\n' })
})

it('refuses a change after which a proven rule has no test', SLOW, () => {
  tree.write({ 'kernel/src/first.test.ts': ['it', "('holds', () => {})\n"].join('') })
  const { status, output } = run('requirements.ts', '--check')
  expect(status).toBe(1)
  expect(output).toContain('AAA-R1 was proven and no test names it any more')
  expect(output).toContain('[requirements-ratchet]')
})

it('refuses a locked package that wants a newer Node, development packages aside', SLOW, () => {
  const locked = (dev: boolean) => ({
    packages: { 'node_modules/modern': { version: '2.0.0', engines: { node: '>=22' }, ...(dev ? { dev } : {}) } },
  })
  tree.write({ 'package-lock.json': JSON.stringify(locked(true)) })
  expect(run('engines.ts').status).toBe(0)
  tree.write({ 'package-lock.json': JSON.stringify(locked(false)) })
  expect(run('engines.ts').output).toContain('2.0.0 wants Node >=22, Soma supports 20.19.0')
})
