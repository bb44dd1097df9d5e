import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { createFirstRun, decide, openGate, planEnd, withRun } from './harness.ts'
import { connected, startProcess } from './start-process.ts'

test('a rejected report writes nothing and ends the plan', () =>
  withRun(createFirstRun(), async (run) => {
    const started = await run.start()
    await decide(started, { decision: 'reject' })
    expect(await planEnd(started)).toMatchObject({ type: 'plan.cancelled', data: { stopReason: 'gate-rejected' } })
    expect(run.reportFolders()).toEqual([])
    const again = await started.process.kill().then(() => run.start())
    const plan = await planEnd(again)
    expect(plan.type).toBe('plan.cancelled')
    expect(again.events.facts.filter(({ type }) => type === 'plan.created')).toHaveLength(1)
  }))

test('a file that the decider left out is not written', () =>
  withRun(createFirstRun(), async (run) => {
    const started = await run.start()
    const { files } = (await openGate(started)).payload as { files: { name: string }[] }
    await decide(started, { edits: { files: files.filter(({ name }) => name !== 'fixes.patch') } })
    expect((await planEnd(started)).type).toBe('plan.completed')
    expect(run.report().map(({ name }) => name)).toEqual(['report.json', 'report.md'])
  }))

const MAIN = fileURLToPath(new URL('../../apps/cli/src/main.ts', import.meta.url))

test('soma approve has the effect of a decision over HTTP, a file that is left out included', () =>
  withRun(createFirstRun(), (overHttp) =>
    withRun(createFirstRun(), async (byCommand) => {
      const [one, other] = await Promise.all([overHttp.start(), byCommand.start()])
      const { files } = (await openGate(one)).payload as { files: { name: string }[] }
      await decide(one, { edits: { files: files.filter(({ name }) => name !== 'fixes.patch') } })
      const { gateId } = await openGate(other)
      const approve = ['approve', gateId, '--reason', 'read it', '--without', 'fixes.patch', '--url', other.url]
      const node = ['--conditions=@soma/source', '--import', import.meta.resolve('tsx'), MAIN]
      await promisify(execFile)(process.execPath, [...node, ...approve])
      for (const started of [one, other]) expect((await planEnd(started)).type).toBe('plan.completed')
      const contents = [overHttp, byCommand].map((run) => run.report().map(({ name, sha256 }) => ({ name, sha256 })))
      expect(contents[1]).toEqual(contents[0])
      expect(contents[0]?.map(({ name }) => name)).toEqual(['report.json', 'report.md'])
    }),
  ))

test('two demos on one folder with different questions write into folders of their own', () =>
  withRun(createFirstRun(), async (run) => {
    const other = `${run.dataDirectory}-2`
    const words = ['--question', 'What does the ferry carry?']
    const elsewhere = connected(startProcess({ cwd: run.folder, dataDirectory: other, words }))
    const [first, second] = await Promise.all([run.start(), elsewhere])
    await Promise.all([openGate(first), openGate(second)])
    await Promise.all([decide(first), decide(second)])
    for (const started of [first, second]) expect((await planEnd(started)).type).toBe('plan.completed')
    expect(existsSync(other)).toBe(true)
    expect(run.reportFolders()).toEqual(['soma-report', 'soma-report-2'])
    for (const folder of run.reportFolders()) expect(run.report(folder)).toHaveLength(3)
    await second.process.kill()
  }))
