import { expect, test } from 'vitest'
import { createFirstRun, decide, isTask, openGate, planEnd, plansOf, withRun } from './harness.ts'
import type { Connected } from './start-process.ts'

const gatesOf = async ({ clients }: Connected) => (await clients.governance.gates.list({ query: {} })).items

test('EXA-R3 a waiting run is shown again by the next start, a finished one stays, only --fresh and a folder begin anew', () =>
  withRun(createFirstRun(), async (run) => {
    const first = await run.start()
    const { gateId } = await openGate(first)
    await first.events.until(isTask('waiting', 'publish'), 'the open gate')
    const [plan] = await plansOf(first)
    expect(await first.process.kill('SIGTERM')).toMatchObject({ code: 0 })

    const second = await run.start(['--question', 'What does the ferry carry?'])
    await second.process.said(new RegExp(`^Approve .*${gateId}`, 'm'))
    expect(second.process.stdout()).toContain(plan?.planId)
    await decide(second)
    await planEnd(second, plan?.planId)
    expect(await plansOf(second)).toHaveLength(1)
    const report = run.report()
    expect(report.map(({ name }) => name)).toEqual(['fixes.patch', 'report.json', 'report.md'])
    await second.process.kill('SIGTERM')

    const third = await run.start()
    await third.process.said(/^Done .*soma-report\/ has fixes.patch, report.json, report.md/m)
    expect(third.process.stdout()).toContain(plan?.planId)
    expect([await plansOf(third), await gatesOf(third)].map(({ length }) => length)).toEqual([1, 1])
    await third.process.kill('SIGTERM')

    const fourth = await run.start(['--fresh'])
    await fourth.events.until(
      (fact) => fact.type === 'gate.opened' && fact.planid !== plan?.planId,
      'the gate of the fresh run',
    )
    expect(await plansOf(fourth)).toHaveLength(2)
    await fourth.process.kill('SIGTERM')

    const fifth = await run.start([run.folder])
    await fifth.events.until(
      ({ type }) => type === 'plan.created' && fifth.events.facts.filter((fact) => fact.type === type).length === 3,
      'the plan of the named folder',
    )
    expect(run.report()).toEqual(report)
  }))
