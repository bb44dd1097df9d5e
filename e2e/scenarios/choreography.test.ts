import { type AnyEvent, type DecisionModel, defineChoreographyPlanner, defineEvent, defineWorker } from '@soma/sdk'
import { type Clients, createClients } from '@soma/sdk/clients'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { HOMES, type Home, openHome } from '../homes/home.ts'

const text = z.strictObject({ text: z.string() })
const helped = defineEvent({ type: 'help.completed', topic: 'action-results', description: 'Help.', data: text })
const help = defineEvent({
  type: 'help.requested',
  topic: 'action-requests',
  description: 'Helps with a text.',
  data: z.strictObject({ wish: z.string(), text: z.string() }),
  response: helped,
})
const translated = defineEvent({
  type: 'translation.completed',
  topic: 'action-results',
  description: 'A translated text.',
  data: text,
})
const translate = defineEvent({
  type: 'translation.requested',
  topic: 'action-requests',
  description: 'Translates a text into German.',
  data: text,
  response: translated,
})
const aTranslator = () => {
  const worker = defineWorker({ name: 'translator', description: 'Translates.' })
  worker.onTask(translate, (task) => task.complete({ text: task.data.text === 'Hello' ? 'Hallo' : '?' }))
  return worker
}
/** Asks for a translation for ever. */
const obstinate: DecisionModel = async ({ prompt }) => ({
  planId: /<plan>"([^"]+)"/.exec(prompt)?.[1],
  currentState: 'again',
  nextAction: { action: 'publish', type: translate.type, data: { text: 'Hello' } },
  confidence: 1,
  reasoning: 'it never is enough',
})

describe.each(HOMES)('%s', (name) => {
  let home: Home
  let clients: Clients
  beforeAll(async () => {
    home = await openHome(name, { settings: { mode: 'developer-light' } })
    clients = createClients({ url: home.url })
  }, 60_000)
  afterAll(() => home.stop(), 120_000)

  const ask = (type: string = help.type) =>
    clients.events.events.request({
      body: {
        type,
        topic: 'action-requests',
        data: { wish: 'translate into German', text: 'Hello' },
        responseType: helped.type,
      },
    })

  test('a planner that knows no worker fails at a goal, and reaches the same goal once a worker with the ability has started', async () => {
    const planner = defineChoreographyPlanner({ name: 'helper', description: 'Helps.', goals: [help] })
    await planner.start({ url: home.url })
    expect(await ask()).toMatchObject({ outcome: 'failed', data: { problem: { code: 'no-ability' } } })
    const worker = aTranslator()
    await worker.start({ url: home.url })
    expect(await ask()).toMatchObject({ outcome: 'ok', data: { text: 'Hallo' } })
    await worker.stop()
    expect(await ask()).toMatchObject({ outcome: 'failed', data: { problem: { code: 'no-ability' } } })
    await planner.stop()
  }, 60_000)

  test('a planner that runs away is paused with the breaker named, and goes on when it is resumed', async () => {
    const again: AnyEvent = { ...help, type: 'again.requested' }
    const options = { name: 'again', description: 'Helps.', goals: [again], model: obstinate, maxStalls: 99 }
    const planner = defineChoreographyPlanner(options)
    const worker = aTranslator()
    await worker.start({ url: home.url })
    await planner.start({ url: home.url })
    const paused = await clients.events.events.stream({
      query: { topics: 'plan-events', types: 'plan.paused', from: 'now' },
    })
    const ends = paused[Symbol.asyncIterator]()
    const { eventId } = await clients.events.events.publish({
      body: {
        type: again.type,
        topic: 'action-requests',
        data: { wish: 'translate', text: 'Hello' },
        responseType: helped.type,
        responseTopic: 'action-results',
      },
    })
    const nextPause = async () => {
      for (;;) {
        const { value } = await ends.next()
        if (value?.event === 'event') return value.data as { data: unknown; planid: string }
      }
    }
    const { planid: planId } = await nextPause()
    const { plan } = await clients.plans.plans.byCorrelation({ params: { correlationId: eventId } })
    expect(plan).toMatchObject({ planId, status: 'paused', paused: { reason: expect.stringContaining('maxRepeats') } })
    await clients.plans.plans.resume({ params: { planId }, body: { reason: 'once more' } })
    expect((await nextPause()).planid).toBe(planId)
    const tasks = await clients.plans.tasks.list({ query: { planId } })
    expect(tasks.items.filter(({ type }) => type === translate.type)).toHaveLength(6)
    await planner.stop()
    await worker.stop()
  }, 60_000)

  test('a question whose schema cannot be checked is a failed decision, not the end of the plan', async () => {
    const asking: AnyEvent = { ...help, type: 'asking.requested' }
    const model: DecisionModel = async ({ prompt }) => ({
      planId: /<plan>"([^"]+)"/.exec(prompt)?.[1],
      currentState: 'asking',
      nextAction: prompt.includes('was refused')
        ? { action: 'complete', result: { text: 'without an answer' } }
        : { action: 'ask', question: 'Which one?', schema: { type: 'sentence' } },
      confidence: 1,
      reasoning: 'a person knows',
    })
    const options = { name: 'asking', description: 'Helps.', goals: [asking], model }
    const planner = defineChoreographyPlanner(options)
    const worker = aTranslator()
    await worker.start({ url: home.url })
    await planner.start({ url: home.url })
    expect(await ask(asking.type)).toMatchObject({ outcome: 'ok', data: { text: 'without an answer' } })
    await planner.stop()
    await worker.stop()
  }, 60_000)
})
