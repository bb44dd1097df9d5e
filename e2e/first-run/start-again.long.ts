import { expect, test } from 'vitest'
import { createFirstRun, decide, isTask, planEnd, plansOf, withRun } from './harness.ts'

test('a waiting run is shown again by the next start, a finished one stays, --fresh and a folder begin anew', () =>
  withRun(createFirstRun(), async (run) => {
    const first = await run.start()
    await first.events.until(isTask('waiting', 'publish'), 'the open gate')
    const [plan] = await plansOf(first)
    const ended = await first.process.kill('SIGTERM')
    expect(ended).toMatchObject({ code: 0 })

    const second = await run.start()
    await decide(second)
    await planEnd(second, plan?.planId)
    expect(await plansOf(second)).toHaveLength(1)
    const report = run.report()
    expect(report.map(({ name }) => name)).toEqual(['fixes.patch', 'report.json', 'report.md'])
    await second.process.kill('SIGTERM')

    const third = await run.start(['--fresh'])
    await third.events.until(
      (fact) => fact.type === 'gate.opened' && fact.planid !== plan?.planId,
      'the gate of the fresh run',
    )
    expect(await plansOf(third)).toHaveLength(2)
    await third.process.kill('SIGTERM')

    const fourth = await run.start([run.folder])
    await fourth.events.until(
      ({ type }) => type === 'plan.created' && fourth.events.facts.filter((fact) => fact.type === type).length === 3,
      'the plan of the named folder',
    )
    expect(run.report()).toEqual(report)
  }))
