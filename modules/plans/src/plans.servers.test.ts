import { openPostgres, type PostgresForTests } from '@soma/governance/testing'
import { newId } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { actor, openPlansBench, type PlansBench } from '../testing/index.ts'
import { plansModule } from './module.ts'

const server = process.env['DATABASE_URL']
if (server === undefined) throw new Error('DATABASE_URL is missing: run npm run test:servers')

const planner = actor({ id: 'agt-planner', userId: 'usr-a' })
let postgres: PostgresForTests
const replicas: PlansBench[] = []
beforeAll(async () => {
  postgres = await openPostgres(server, [{ definition: plansModule, ports: {} }])
  for (let index = 0; index < 2; index++) replicas.push(await openPlansBench({ database: await postgres.connect() }))
})
afterAll(async () => {
  for (const replica of replicas) await replica.close()
  await postgres.drop()
})

const replica = (index: number): PlansBench => replicas[index % replicas.length] as PlansBench
const events = () => replicas.flatMap((one) => one.events)
const machine = {
  a: { transitions: [{ on: 'go', to: 'b' }] },
  b: {
    transitions: [
      { on: 'back', to: 'a' },
      { on: 'stop', to: 'end' },
    ],
  },
  end: { terminal: true },
}

describe('two replicas on one Postgres', () => {
  it('of two transitions from one state at the same moment one wins, the other hears illegal-transition', async () => {
    for (let round = 0; round < 10; round++) {
      const { planId } = await replica(0).client.plans.create(planner, {
        body: { title: 'race', stateMachine: machine },
      })
      const outcomes = await Promise.allSettled(
        Array.from({ length: 6 }, (_, index) =>
          replica(index).client.plans.transition(planner, {
            params: { planId },
            body: { fromState: 'a', toState: 'b', on: 'go', eventId: `evt-${index}` },
          }),
        ),
      )
      expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1)
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'illegal-transition' })
      expect(events().filter((event) => event.planid === planId && event.type === 'plan.state-changed')).toHaveLength(1)
    }
  })

  it('a plan, a lone task and a saved context that are made twice at once are made once', async () => {
    const planId = newId('plan')
    const body = { planId, title: 'once' }
    const plans = await Promise.all([0, 1, 2, 3].map((index) => replica(index).client.plans.create(planner, { body })))
    expect(new Set(plans.map((plan) => plan.createdAt)).size).toBe(1)
    const taskId = newId('task')
    const tasks = await Promise.all(
      [0, 1, 2, 3].map((index) =>
        replica(index).client.tasks.create(planner, { body: { taskId, type: 'a.requested' } }),
      ),
    )
    expect(new Set(tasks.map((task) => task.createdAt)).size).toBe(1)
    expect(events().filter((event) => event.type === 'a.requested' && event.taskid === taskId)).toHaveLength(1)
    const outside = newId('task')
    const saves = await Promise.allSettled(
      [0, 1].map((index) =>
        replica(index).client.tasks.putContext(planner, {
          params: { taskId: outside },
          ifMatch: 0,
          body: { state: index, task: { type: 'b.requested' } },
        }),
      ),
    )
    expect(
      saves.map((save) => (save.status === 'fulfilled' ? 'saved' : (save.reason as { code: string }).code)).toSorted(),
    ).toEqual(['saved', 'version-conflict'])
  })

  it('PLN-R60 results of a group that land on both at once are all kept, and one answer sees it done', async () => {
    const { planId } = await replica(0).client.plans.create(planner, { body: { title: 'group' } })
    const parent = await replica(0).client.tasks.create(planner, { body: { planId, type: 'p.requested' } })
    const { taskIds, groupId } = await replica(0).client.tasks.delegate(planner, {
      params: { taskId: parent.taskId },
      body: { specs: Array.from({ length: 20 }, (_, n) => ({ type: 'c.requested', data: n })), group: true },
    })
    const answers = await Promise.all(
      taskIds.map((taskId, index) =>
        replica(index).client.tasks.complete(planner, { params: { taskId }, body: { output: index } }),
      ),
    )
    expect(answers.filter((answer) => answer.groupDone)).toHaveLength(1)
    const params = { taskId: parent.taskId, groupId: groupId as string }
    const group = await replica(1).client.groups.get(planner, { params })
    expect(group.members.map((member) => member.output)).toEqual(Array.from({ length: 20 }, (_, n) => n))
    const { results } = await replica(0).client.tasks.getContext(planner, { params: { taskId: parent.taskId } })
    expect(taskIds.map((taskId) => results[taskId])).toEqual(Array.from({ length: 20 }, (_, n) => n))
  })

  it('two sweeps at once fire a timer once, and children of a cancelled plan end first', async () => {
    const parent = await replica(0).client.plans.create(planner, { body: { title: 'parent' } })
    const child = await replica(1).client.plans.create(planner, {
      body: { title: 'child', parentPlanId: parent.planId },
    })
    const { taskIds } = await replica(0).client.plans.delegate(planner, {
      params: { planId: child.planId },
      body: { specs: [{ type: 'd.requested', responseType: 'd.done', timeoutMs: 1 }] },
    })
    await Promise.all(replicas.map((one) => one.sweep()))
    expect(events().filter((event) => event.type === 'd.done' && event.taskid === taskIds[0])).toHaveLength(1)
    await Promise.all(
      replicas.map((one) =>
        one.client.plans.cancel(planner, { params: { planId: parent.planId }, body: { reason: 'both' } }),
      ),
    )
    const plans = await Promise.all(
      [parent, child].map((plan) => replica(0).client.plans.get(planner, { params: { planId: plan.planId } })),
    )
    expect(plans.map((plan) => plan.status)).toEqual(['cancelled', 'cancelled'])
    expect(events().filter((event) => event.type === 'plan.cancelled' && event.planid === parent.planId)).toHaveLength(
      1,
    )
  })
})
