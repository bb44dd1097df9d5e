import { somaPlatform } from '@soma/server'
import { createTestServer, type TestServer } from '@soma/server/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { until } from '../testing/on-server.ts'
import { type Clients, createClients, createInProcessClients } from './clients/index.ts'
import { type ConnectOptions, defineEvent, defineWorker } from './index.ts'

let server: TestServer

beforeAll(async () => {
  server = await createTestServer({
    modules: somaPlatform.modules,
    portsOf: somaPlatform.portsOf,
    authentication: 'identity',
  })
}, 60_000)
afterAll(() => server?.stop(), 60_000)

const noteCompleted = defineEvent({
  type: 'secret.completed',
  topic: 'action-results',
  description: 'Kept.',
  data: z.object({ text: z.string() }),
})
const noteRequested = defineEvent({
  type: 'secret.requested',
  topic: 'action-requests',
  description: 'Asks to keep a secret.',
  data: z.object({ text: z.string() }),
  response: noteCompleted,
})

describe.each(['in process', 'over HTTP'] as const)('one agent of two users %s', (home) => {
  const tenantId = `users-${home.replaceAll(' ', '-').toLowerCase()}`
  const as = (userId: string) => ({ 'X-Tenant-ID': tenantId, 'X-User-ID': userId })
  const clientsOf = (userId: string): Clients =>
    home === 'in process'
      ? createInProcessClients(server, { headers: as(userId) })
      : createClients({ url: server.url, auth: { headers: as(userId) } })

  async function anAgentKey(): Promise<string> {
    const admin = clientsOf('usr-admin')
    const roles = await admin.identity.roles.list()
    const role = roles.items.find(({ name }) => name === 'Agent')
    if (role === undefined) throw new Error('there is no role Agent')
    const { principalId } = await admin.identity.principals.create({
      body: { kind: 'agent', displayName: 'Keeper', roles: [role.roleId] },
    })
    const issued = await admin.identity.keys.create({
      body: { principalId, name: 'keeper', scopes: [...role.capabilities] },
    })
    return issued.secret
  }

  it('does what it does for each under a key of its own, in the name of that user, and sees nothing of the other', async () => {
    const apiKey = await anAgentKey()
    const worker = defineWorker({ name: 'keeper', description: 'Keeps secrets.', requireRegistration: true })
    const tasks: { taskId: string; userId: string | undefined; seesOther: boolean }[] = []
    const recalled: string[][] = []
    worker.onTask(noteRequested, async (task, { plans, memory }) => {
      const other = tasks.find(({ userId }) => userId !== task.userId)
      const seesOther = other !== undefined && (await plans.restoreTask(other.taskId)) !== undefined
      tasks.push({ taskId: task.taskId, userId: task.userId, seesOther })
      await memory.remember({ content: task.data.text })
      recalled.push((await memory.recall('of anna of bert')).hits.map(({ item }) => item.content))
      task.state.secret = task.data.text
      await task.save()
      task.complete({ text: task.data.text })
    })
    const connection: ConnectOptions =
      home === 'in process' ? { platform: server, apiKey } : { url: server.url, apiKey }
    await worker.start(connection)
    const [anna, bert] = [clientsOf('usr-anna'), clientsOf('usr-bert')]
    const ask = (clients: Clients, text: string) =>
      clients.events.events.publish({
        body: {
          type: 'secret.requested',
          topic: 'action-requests',
          data: { text },
          correlationId: `corr-${text}`,
          responseType: 'secret.completed',
          responseTopic: 'action-results',
        },
      })
    await ask(anna, 'of anna')
    const replyOf = async (clients: Clients, text: string) =>
      (await clients.events.events.list({ query: { type: 'secret.completed', correlationId: `corr-${text}` } }))
        .items[0]
    expect(await until(() => replyOf(anna, 'of anna'))).toMatchObject({ userid: 'usr-anna', data: { text: 'of anna' } })
    await ask(bert, 'of bert')
    expect(await until(() => replyOf(bert, 'of bert'))).toMatchObject({ userid: 'usr-bert', data: { text: 'of bert' } })
    const plans = await until(async () => {
      const { items } = await clientsOf('usr-admin').plans.plans.list({
        query: { origin: 'task', status: 'completed' },
      })
      return items.length === 2 ? items : undefined
    })
    expect(new Set(plans.map(({ userId }) => userId))).toEqual(new Set(['usr-anna', 'usr-bert']))
    expect(tasks.map(({ seesOther }) => seesOther)).toEqual([false, false])
    expect(recalled).toEqual([['of anna'], ['of bert']])
    await worker.stop()
  })
})
