import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { eventsContract } from '@soma/events/contract'
import { type EventEnvelope, newId } from '@soma/kernel'
import { plansContract } from '@soma/plans/contract'
import { checkPlan } from '@soma/plans/testing'
import { expect } from 'vitest'
import { untilReached } from './checker.ts'
import { clientsOf, pause, TENANTS } from './load.ts'
import { type AgentsOrder, answerOf, goalOf, SUM_COMPLETED, SUM_REQUESTED, TASKS_OF_GOAL } from './plan-goals.ts'
import { freePort, type ServerProcess, startProcess } from './process.ts'

const [tenantId] = TENANTS
const NOBODY = undefined as never
const AGENTS = new URL('./plan-agents.ts', import.meta.url).pathname
/** Of twelve tasks each, given at the begin of each life: some are under way at every kill, and a busy machine keeps up. */
const GOALS_A_LIFE = 4
const BETWEEN_COMMANDS_MS = 100
const AGAIN_MS = 100
/** As the agents' own attempts: here it is us who kill, not a task. */
const MAXIMUM_DELIVERIES = 20
/** Until a process is killed after all run: longer than a lease of an agent, so that work has moved on. */
const LIFE_MS = 3_000

interface Installation {
  readonly url: string
  start(): Promise<ServerProcess>
}

/** A process of agents, from the moment it takes deliveries. */
async function startAgents(order: AgentsOrder): Promise<ChildProcess> {
  const words = ['--conditions=@soma/source', '--import', 'tsx', AGENTS, JSON.stringify(order)]
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the agents ${order.roles.join()} ended before they were ready: ${String(code)}`)
  })
  await Promise.race([once(child, 'message'), ended])
  ended.catch(() => undefined)
  return child
}

async function killChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

/** Asks until it is answered; what is sent again has the same ids. */
async function insist<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch {
      await pause(AGAIN_MS)
    }
  }
}

/** Goals that are given until each is accepted. */
function createGoals(url: string) {
  const events = clientsOf(eventsContract, [url], { tenantId })(0)
  const giving: Promise<unknown>[] = []
  return {
    give: (count: number): void => {
      for (let left = count; left > 0; left--) {
        const id = `goal-${giving.length}`
        const reply = { responseType: SUM_COMPLETED, responseTopic: 'action-results' }
        const data = goalOf(giving.length)
        const body = { id, type: SUM_REQUESTED, topic: 'action-requests', correlationId: id, data, ...reply }
        giving.push(insist(() => events.events.publish(NOBODY, { body: body as never })))
      }
    },
    /** When all are accepted: how many they are. */
    end: async (): Promise<number> => (await Promise.all(giving)).length,
  }
}

/** Commands whose answers are remembered: what was answered must be there after any kill. */
function giveCommands(url: string) {
  const { plans } = clientsOf(plansContract, [url], { tenantId })(0)
  const planId = newId('plan')
  const params = { planId }
  let isStopped = false
  let answered = 0
  let heard: () => void = () => undefined
  const giving = (async () => {
    await insist(() => plans.create(NOBODY, { body: { planId, title: 'Commands', state: 0 } }))
    while (!isStopped) {
      const { version, state } = await insist(() => plans.get(NOBODY, { params }))
      const next = Math.max(answered, Number(state)) + 1
      await plans.putState(NOBODY, { params, ifMatch: version, body: { state: next } }).then(
        () => {
          answered = next
          heard()
        },
        () => undefined,
      )
      await pause(BETWEEN_COMMANDS_MS)
    }
  })()
  return {
    planId,
    /** At the next answer of a command. */
    next: () => new Promise<void>((resolve) => (heard = resolve)),
    stop: async (): Promise<number> => {
      isStopped = true
      await giving
      return answered
    },
  }
}

/** Kills planner, worker and platform, so many times, at random moments of nested plans that run side by side; then every plan has ended, and each result is counted once. */
export async function killAnything(settings: Readonly<Record<string, unknown>>, kills: number): Promise<void> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const modules = ['events', 'registry', 'plans']
  const installation: Installation = {
    url,
    start: () =>
      startProcess({
        ...{ port, modules },
        settings: { ...settings, 'server.logLevel': 'error', 'plans.deliveryCap': MAXIMUM_DELIVERIES },
      }),
  }
  let platform = await installation.start()
  const order = (role: AgentsOrder['roles'][number]): AgentsOrder => ({ url, tenantId, roles: [role] })
  const [planner, worker] = await Promise.all([startAgents(order('planner')), startAgents(order('worker'))])
  const agents = { planner, worker }
  const goals = createGoals(url)
  const commands = giveCommands(url)
  try {
    for (let killed = 0; killed < kills; killed++) {
      const victim = (['platform', 'planner', 'worker'] as const)[killed % 3] as 'platform' | 'planner' | 'worker'
      goals.give(GOALS_A_LIFE)
      await pause(Math.random() * LIFE_MS)
      if (victim === 'platform') {
        await commands.next()
        await platform.kill()
        platform = await installation.start()
      } else {
        await killChild(agents[victim])
        agents[victim] = await startAgents(order(victim))
      }
    }
    const [given, answered] = await Promise.all([goals.end(), commands.stop()])
    await expectWhole(platform, { given, answered, planId: commands.planId })
  } finally {
    await Promise.all([commands.stop(), ...Object.values(agents).map(killChild)])
    await platform.kill()
  }
}

async function expectWhole(
  platform: ServerProcess,
  expected: { given: number; answered: number; planId: string },
): Promise<void> {
  const { given, answered } = expected
  await untilReached(async () => {
    const replies = await repliesOf(platform)
    const [tasks] = await platform.askAs<{ versions: number }>(
      tenantId,
      "select coalesce(sum(version), 0)::int4 as versions, count(*) filter (where status = 'pending')::int4 as pending, count(*) filter (where status = 'running')::int4 as running from plans.tasks",
    )
    return { isReached: replies.length >= given, seen: { replies: replies.length, ...tasks } }
  })
  // A task that failed shows in sums; why it failed is said here alone.
  const failed = await platform.askAs(
    tenantId,
    "select key, kind, reason, delivery, try, doc -> 'problem' as problem from plans.tasks where status = 'failed'",
  )
  expect(failed).toEqual([])
  const replies = await repliesOf(platform)
  const answers = replies.map(({ correlationid, data }) => ({
    goal: Number(correlationid?.slice('goal-'.length)),
    data,
  }))
  expect(answers.toSorted((left, right) => left.goal - right.goal)).toEqual(
    Array.from({ length: given }, (_, goal) => ({ goal, data: answerOf(goal) })),
  )
  const { plans } = clientsOf(plansContract, [platform.url], { tenantId })(0)
  const { state, version, status } = await plans.get(NOBODY, { params: { planId: expected.planId } })
  expect(status).toBe('pending')
  expect(Number(state)).toBeGreaterThanOrEqual(answered)
  expect(version).toBe(Number(state) + 1)
  await expectPlans(platform, given)
}

async function expectPlans(platform: ServerProcess, given: number): Promise<void> {
  const facts = await eventsOf(platform, "topic in ('plan-events', 'task-events')")
  // Two topics have no order between them: that of a plan is its journal's.
  const events = facts.toSorted((left, right) => seqOf(left) - seqOf(right))
  const source = { events, query: platform.askAs.bind(undefined, tenantId) as never }
  const { plans } = clientsOf(plansContract, [platform.url], { tenantId })(0)
  const ids = [...new Set(events.flatMap(({ planid }) => planid ?? []))]
  expect(ids).toHaveLength(given + 1)
  for (const planId of ids) {
    await checkPlan(source, planId)
    const { goal, counts, status } = await plans.get(NOBODY, { params: { planId } })
    if (goal === undefined) continue
    expect({ status, completed: counts.completed, total: counts.total }).toEqual({
      ...{ status: 'completed', completed: TASKS_OF_GOAL, total: TASKS_OF_GOAL },
    })
  }
}

const seqOf = ({ data }: EventEnvelope): number => (data as { seq: number }).seq

const repliesOf = (platform: ServerProcess) => eventsOf(platform, `type = '${SUM_COMPLETED}'`)

async function eventsOf(platform: ServerProcess, where: string): Promise<EventEnvelope[]> {
  const rows = await platform.ask<{ envelope: EventEnvelope | string }>(
    `select envelope from events.log where tenant_id = '${tenantId}' and ${where} order by part, segment, pos`,
  )
  return rows.map(({ envelope }) => (typeof envelope === 'string' ? (JSON.parse(envelope) as EventEnvelope) : envelope))
}
