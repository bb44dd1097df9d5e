import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newId, newUuid } from '@soma/kernel'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { ModelQuestion } from '../src/choreography/model.ts'
import * as z from 'zod'
import { defineChoreographyPlanner, defineEvent, defineWorker } from '../src/index.ts'
import { createTestPlatform } from './test-platform.ts'
import { recordedModel } from './recorded-model.ts'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soma-recordings-'))
  file = join(folder, 'answers.json')
})
afterEach(() => rm(folder, { recursive: true }))

const by = { signal: new AbortController().signal }
const aQuestion = (planId: string, goal = 'Translate'): ModelQuestion => ({
  instructions: 'Decide.',
  prompt: `<plan>"${planId}"</plan>\n<goal>${goal}</goal>\n<event>${newUuid()} ${planId} ${new Date().toISOString()}</event>`,
  answer: { type: 'object' },
})
const planIdOf = ({ prompt }: ModelQuestion) => /<plan>"([^"]+)"/.exec(prompt)?.[1] as string

it('asks the model once for what it records, and answers it in later runs with their ids', async () => {
  let asked = 0
  const recording = recordedModel({
    file,
    record: async (question) => {
      asked += 1
      return { planId: planIdOf(question), next: [`wait for ${planIdOf(question)}`], confidence: 1 }
    },
  })
  const [first, second, third] = [newId('plan'), newId('plan'), newId('plan')]
  expect(await recording(aQuestion(first), by)).toMatchObject({ planId: first })
  expect(await recording(aQuestion(second), by)).toEqual({
    planId: second,
    next: [`wait for ${second}`],
    confidence: 1,
  })
  expect(asked).toBe(1)
  const replaying = recordedModel({ file })
  expect(await replaying(aQuestion(third), by)).toEqual({ planId: third, next: [`wait for ${third}`], confidence: 1 })
  expect(await readFile(file, 'utf8')).not.toContain(first)
})

it('keeps what is recorded at once', async () => {
  const recording = recordedModel({ file, record: async ({ prompt }) => prompt.length })
  const goals = Array.from({ length: 20 }, (_, index) => `goal ${index}`)
  await Promise.all(goals.map((goal) => recording(aQuestion(newId('plan'), goal), by)))
  const replaying = recordedModel({ file })
  for (const goal of goals) expect(await replaying(aQuestion(newId('plan'), goal), by)).toEqual(expect.any(Number))
})

it('fails for what is not recorded, with what differs from the nearest recording, and asks nobody', async () => {
  const recording = recordedModel({ file, record: async () => ({ said: true }) })
  await recording(aQuestion(newId('plan'), 'Buy bread'), by)
  await recording({ ...aQuestion(newId('plan'), `Translate ${'a long goal '.repeat(20)}`), instructions: 'Act.' }, by)
  const replaying = recordedModel({ file })
  const refused = replaying(aQuestion(newId('plan'), 'Buy butter'), by)
  await expect(refused).rejects.toThrow(
    /nothing is recorded for this question.*\nThe nearest recording differs .*\n- <goal>Buy bread<\/goal>\n\+ <goal>Buy butter<\/goal>$/,
  )
  const otherwise = { ...aQuestion(newId('plan'), 'Buy bread'), answer: { type: 'string' } }
  await expect(replaying(otherwise, by)).rejects.toThrow(/the schema of its answer differs\.$/)
  await expect(recordedModel({ file: join(folder, 'none.json') })(aQuestion(newId('plan')), by)).rejects.toThrow(
    /^nothing is recorded for this question in .*none\.json; give a model to record it\.$/,
  )
})

const text = z.object({ text: z.string() })
const translate = defineEvent({
  ...{ type: 'translation.requested', topic: 'action-requests', description: 'Translates a text.', data: text },
  response: defineEvent({ type: 'translation.completed', topic: 'action-results', description: 'Told.', data: text }),
})
const help = defineEvent({
  ...{ type: 'help.requested', topic: 'action-requests', description: 'Helps with a text.', data: text },
  response: defineEvent({ type: 'help.completed', topic: 'action-results', description: 'Helped.', data: text }),
})

it('a planner decides the same with a recorded model on another day, and says what is not recorded', async () => {
  const stories: unknown[] = []
  const record = async (question: ModelQuestion) => ({
    planId: planIdOf(question),
    currentState: 'under way',
    nextAction: question.prompt.includes('"Hallo"')
      ? { action: 'complete', result: { text: 'Hallo' } }
      : { action: 'publish', type: translate.type, data: { text: 'Hello' } },
    confidence: 0.9,
    reasoning: 'It is next.',
  })
  for (const options of [{ record }, {}]) {
    const platform = await createTestPlatform()
    const translator = defineWorker({ name: 'translator', description: 'Translates.' })
    translator.onTask(translate, (task) => task.complete({ text: 'Hallo' }))
    const planner = { name: 'helper', description: 'Helps.', goals: [help], onTrip: 'fail' as const }
    await platform.start(
      translator,
      defineChoreographyPlanner({ ...planner, model: recordedModel({ file, ...options }) }),
    )
    stories.push((await platform.request(help, { text: 'Hello' }))?.data)
    if (options.record === undefined) stories.push((await platform.request(help, { text: 'Good bye' }))?.data)
    await platform.stop()
  }
  expect(stories).toEqual([
    { text: 'Hallo' },
    { text: 'Hallo' },
    {
      problem: expect.objectContaining({
        detail: expect.stringMatching(/^breaker maxFailures: .*nothing is recorded/),
      }),
    },
  ])
})
