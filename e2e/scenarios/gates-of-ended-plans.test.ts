import { createClients } from '@soma/sdk/clients'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HOMES, type Home, openHome } from '../homes/home.ts'

type Clients = ReturnType<typeof createClients>

describe.each(HOMES)('%s', (name) => {
  let home: Home
  let clients: Clients
  beforeAll(async () => {
    home = await openHome(name, { settings: { mode: 'developer-light', 'plans.sweepMs': 100 } })
    clients = createClients({ url: home.url })
  }, 60_000)
  afterAll(() => home.stop(), 120_000)

  const planWithGate = async (body: { deadlineAt?: string } = {}) => {
    const { planId } = await clients.plans.plans.create({ body: { title: 'Publish', currentState: 'review', ...body } })
    const gate = await clients.governance.gates.open({
      body: { kind: 'review', title: 'Publish?', payload: {}, subject: { planId } },
    })
    return { planId, gate }
  }
  /** Does what ends the plan once its gate is watched, and answers the gate as it ends. */
  const endOf = async (planId: string, work: () => Promise<unknown>) => {
    for await (const frame of await clients.governance.gates.stream({ query: { planId } })) {
      const gate = frame.data as { status: string; instructions?: string | null }
      if (gate.status !== 'open') return gate
      await work()
    }
    throw new Error('the stream of gates ended first')
  }
  const cancel = (planId: string) => clients.plans.plans.cancel({ params: { planId }, body: { reason: 'not wanted' } })

  test('the gate of a plan that is cancelled, fails or runs out of time is cancelled', async () => {
    const { planId } = await planWithGate()
    expect(await endOf(planId, () => cancel(planId))).toMatchObject({
      status: 'cancelled',
      instructions: 'plan.cancelled',
    })

    const failed = await planWithGate()
    const body = { outcome: 'failed', problem: { code: 'internal', detail: 'no' } } as const
    const fail = () => clients.plans.plans.finish({ params: { planId: failed.planId }, body })
    expect(await endOf(failed.planId, fail)).toMatchObject({ status: 'cancelled', instructions: 'plan.failed' })

    const late = await planWithGate({ deadlineAt: new Date(Date.now() + 3_000).toISOString() })
    expect(await endOf(late.planId, async () => {})).toMatchObject({ status: 'cancelled' })
  })

  test('the gates of other plans, of none and of completed ones stay', async () => {
    const other = await planWithGate()
    const free = await clients.governance.gates.open({ body: { kind: 'review', title: 'Publish?', payload: {} } })
    const done = await planWithGate()
    await clients.plans.plans.finish({ params: { planId: done.planId }, body: { outcome: 'completed' } })
    const ended = await planWithGate()
    await endOf(ended.planId, () => cancel(ended.planId))
    for (const { gateId } of [other.gate, free, done.gate])
      expect(await clients.governance.gates.get({ params: { gateId } })).toMatchObject({ status: 'open' })
  })
})
