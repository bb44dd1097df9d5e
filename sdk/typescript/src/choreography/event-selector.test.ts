import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { createTestPlatform, type TestPlatform } from '../../testing/index.ts'
import { defineEvent, defineWorker } from '../index.ts'
import { createEventSelector, type EventSelector } from './event-selector.ts'
import type { EventToolkit } from './event-toolkit.ts'
import type { DecisionModel, ModelQuestion } from './model.ts'

const sent = defineEvent({
  type: 'letter.sent',
  topic: 'action-results',
  description: 'Sent.',
  data: z.object({ at: z.string() }),
})
const send = defineEvent({
  type: 'letter.requested',
  topic: 'action-requests',
  description: 'Sends a letter to somebody.',
  data: z.object({ to: z.string(), copies: z.number().optional() }),
  response: sent,
})
const asked = defineEvent({
  type: 'choice.requested',
  topic: 'action-requests',
  description: 'Chooses.',
  data: z.object({}),
})

let platform: TestPlatform
/** Runs with the context of a handler. */
const inHandler = async <T>(
  work: (given: { toolkit: EventToolkit; select: EventSelector['select'] }) => Promise<T>,
  model?: DecisionModel,
) => {
  let answer: Promise<T> | undefined
  const chooser = defineWorker({ name: 'chooser', description: 'Chooses.' })
  chooser.onTask(asked, async (task, context) => {
    const { select } = createEventSelector(context, model === undefined ? {} : { model })
    answer = work({ toolkit: context.toolkit, select })
    await answer.catch(() => undefined)
    task.complete({})
  })
  await platform.start(chooser)
  await platform.publish(asked, {})
  await platform.settle()
  return answer as Promise<T>
}
const aPostman = () => {
  const postman = defineWorker({ name: 'postman', description: 'Sends letters.' })
  postman.onTask(send, (task) => task.complete({ at: 'now' }))
  return postman
}
const GOAL = { goal: 'send a letter', data: { to: 'Ada', age: 36 } }
const chosen = (over: object = {}) => ({
  type: send.type,
  topic: send.topic,
  data: { to: 'Ada' },
  confidence: 0.8,
  reasoning: 'it sends',
  ...over,
})

beforeEach(async () => {
  platform = await createTestPlatform()
})
afterEach(() => platform.stop())

describe('select', () => {
  it('SDK-R26 answers one event with data, confidence and reasoning, and publishes nothing', async () => {
    await platform.start(aPostman())
    const selection = await inHandler(
      ({ select }) => select(GOAL),
      async () => chosen(),
    )
    expect(selection).toMatchObject({
      event: { type: send.type, topic: send.topic },
      data: { to: 'Ada' },
      confidence: 0.8,
      reasoning: 'it sends',
      by: 'model',
    })
    expect(platform.published(send.type)).toEqual([])
  })

  it.each([
    ['type', { type: 'letter.burned' }],
    ['topic', { topic: 'business-facts' }],
    ['payload', { data: { to: 7 } }],
  ])('SDK-R26 a %s outside the candidates is asked for again twice, then refused', async (_what, over) => {
    await platform.start(aPostman())
    const questions: ModelQuestion[] = []
    const model: DecisionModel = async (question) => {
      questions.push(question)
      return chosen(over)
    }
    await expect(inHandler(({ select }) => select(GOAL), model)).rejects.toMatchObject({ code: 'selection-failed' })
    expect(questions).toHaveLength(3)
    expect(questions[2]?.prompt).toContain(
      JSON.stringify(Object.values(over)[0]).includes('7') ? '/to' : String(Object.values(over)[0]),
    )
    expect(platform.published(send.type)).toEqual([])
  })

  it('SDK-R26 takes the answer that fits at the third time', async () => {
    await platform.start(aPostman())
    let times = 0
    const model: DecisionModel = async () => (++times < 3 ? 'hm' : `\`\`\`json\n${JSON.stringify(chosen())}\n\`\`\``)
    expect(await inHandler(({ select }) => select(GOAL), model)).toMatchObject({ data: { to: 'Ada' } })
  })

  it('without a model takes the best-ranked event whose required fields are known', async () => {
    await platform.start(aPostman())
    expect(await inHandler(({ select }) => select(GOAL))).toMatchObject({
      event: { type: send.type },
      data: { to: 'Ada' },
      by: 'builtin',
    })
  })

  it('says that nothing fits when nobody could do it', async () => {
    await expect(inHandler(({ select }) => select(GOAL))).rejects.toMatchObject({ code: 'selection-failed' })
    await platform.start(aPostman())
    await platform.stop()
    await expect(inHandler(({ select }) => select({ goal: 'send a letter' }))).rejects.toMatchObject({
      code: 'selection-failed',
    })
  })
})

describe('toolkit', () => {
  it('gives candidates as tools and as a prompt, and leads from a tool’s name back to its event', async () => {
    await platform.start(aPostman())
    const choice = await inHandler(({ toolkit }) => toolkit.discover('send a letter'))
    const [tool] = choice.toTools()
    expect(tool).toMatchObject({ type: 'function', function: { parameters: { required: ['to'] } } })
    expect(choice.find(tool?.function.name ?? '')).toMatchObject({ type: send.type, reply: { type: sent.type } })
    expect(choice.toPrompt()).toContain(send.type)
  })

  it('says what is wrong with a payload, and with a response, in words for a model', async () => {
    await platform.start(aPostman())
    const [payload, response] = await inHandler(async ({ toolkit }) => {
      const { events } = await toolkit.discover('send a letter')
      const event = events[0] as (typeof events)[number]
      return [await toolkit.createPayload(event, { copies: 'two' }), await toolkit.validateResponse(event, { at: 5 })]
    })
    expect(payload).toMatchObject({ fits: false, text: expect.stringMatching(/\/to[^]*\/copies|\/copies[^]*\/to/) })
    expect(response).toMatchObject({ fits: false, text: expect.stringContaining('/at') })
  })
})
