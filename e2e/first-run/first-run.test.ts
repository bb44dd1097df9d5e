import { mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { createFirstRun, decide, type FirstRun, planEnd } from './harness.ts'
import { connected, startProcess } from './start-process.ts'

const runs: FirstRun[] = []
const firstRun: typeof createFirstRun = (options) => {
  const run = createFirstRun(options)
  runs.push(run)
  return run
}
afterEach(async ({ task }) => {
  for (const run of runs.splice(0)) {
    if (task.result?.state === 'fail') console.error(run.errors())
    await run.dispose()
  }
})

/** Of a start that is refused: only a hang reaches it. */
const REFUSAL_MS = 60_000

describe('the first run', { timeout: 240_000 }, () => {
  test('EXA-R2 the terminal shows at most 12 lines from the start to the end, with all that is needed to go on', async () => {
    const run = firstRun()
    const started = await run.start()
    await decide(started)
    await planEnd(started)
    const { stdout, stderr } = await started.process.kill('SIGTERM')
    const lines = stdout.trimEnd().split('\n')
    expect(lines.length).toBeLessThanOrEqual(12)
    expect(stderr).not.toContain('"level":"error"')
    for (const part of [
      started.url,
      'mode developer-light',
      'built-in: extracts, does not reason',
      '../data',
      /plan_\w+: are the docs of /,
      /soma approve gate_\w+ --reason/,
      'npm start -- ~/my-project',
      'npm start -- --model URL',
      /Ctrl-C/,
    ])
      expect(stdout).toMatch(part)
  })
})

describe('what cannot start ends by itself with one line', { timeout: 120_000 }, () => {
  const refusedWith = async (process: ReturnType<typeof startProcess>) => {
    const timer = setTimeout(() => void process.kill(), REFUSAL_MS)
    const { code, signal, stderr } = await process.ended
    clearTimeout(timer)
    expect(signal).toBeNull()
    expect(code).not.toBe(0)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    return stderr
  }

  test('a folder that is not there', async () => {
    const run = firstRun()
    const text = await refusedWith(run.launch([join(run.folder, 'nowhere')]))
    expect(text).toContain('nowhere" cannot be read (ENOENT): name a directory that you may read')
  })

  test('a Node that is too old', async () => {
    const run = firstRun()
    const old = `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'18.19.0'})`
    const process = startProcess({ cwd: run.folder, dataDirectory: run.dataDirectory, imports: [old] })
    expect(await refusedWith(process)).toBe('Node 18.19.0 is too old: install Node 20.19 or newer\n')
  })

  test('a port that another program has', async () => {
    const run = firstRun()
    const holder = createServer()
    await new Promise<void>((resolve) => void holder.listen(0, '127.0.0.1', resolve))
    const { port } = holder.address() as { port: number }
    const text = await refusedWith(startProcess({ cwd: run.folder, dataDirectory: run.dataDirectory, port }))
    expect(text).toContain(`port ${port} is taken: end the program that listens there, or choose another with --port`)
    holder.close()
  })

  test('a data directory that another process holds, which goes on undisturbed', async () => {
    const run = firstRun()
    const holder = await run.start()
    const text = await refusedWith(run.launch())
    expect(text).toContain(String(holder.process.pid))
    await decide(holder)
    expect((await planEnd(holder)).type).toBe('plan.completed')
  })
})

test('a folder without documents ends with nothing to check and without a gate', async () => {
  const run = firstRun({ write: (folder) => void mkdirSync(folder, { recursive: true }) })
  const started = await connected(run.launch())
  expect(await planEnd(started)).toMatchObject({ type: 'plan.completed' })
  expect((await started.clients.governance.gates.list({ query: {} })).items).toEqual([])
  expect(run.reportFolders()).toEqual([])
}, 120_000)
