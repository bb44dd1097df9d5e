/** `createTestPlatform` with one fan-out test: a worker that delegates three parts and adds their results. */
import { defineEvent, defineWorker, spec } from '@soma/sdk'
import { createTestPlatform } from '@soma/sdk/testing'
import * as z from 'zod'
import { median, printFigure, rounds } from './figures.ts'

const ROUNDS = 9

const doubled = defineEvent({
  type: 'part.completed',
  topic: 'action-results',
  description: 'A part is done.',
  data: z.object({ doubled: z.number() }),
})
const doubleRequested = defineEvent({
  type: 'part.requested',
  topic: 'action-requests',
  description: 'Asks for a part.',
  data: z.object({ part: z.number() }),
  response: doubled,
})
const summed = defineEvent({
  type: 'sum.completed',
  topic: 'action-results',
  description: 'A sum.',
  data: z.object({ sum: z.number() }),
})
const sumRequested = defineEvent({
  type: 'sum.requested',
  topic: 'action-requests',
  description: 'Asks for a sum.',
  data: z.object({ parts: z.array(z.number()) }),
  response: summed,
})

function agents() {
  const part = defineWorker({ name: 'part-worker', description: 'Doubles.', startAt: 'earliest' })
  part.onTask(doubleRequested, (task) => task.complete({ doubled: task.data.part * 2 }))
  const adder = defineWorker({ name: 'adder', description: 'Adds.', startAt: 'earliest' })
  adder.onTask(sumRequested, (task) => {
    task.delegateParallel(task.data.parts.map((number) => spec(doubleRequested, { part: number })))
  })
  adder.onResult(doubled, async (result) => {
    const task = await result.restoreTask()
    if (task === undefined || result.group?.done !== true) return
    const results = result.group.results as { doubled: number }[]
    task.complete({ sum: results.reduce((total, each) => total + each.doubled, 0) } as never)
  })
  return [part, adder]
}

async function fanOut() {
  const startedAt = performance.now()
  const platform = await createTestPlatform()
  const createdMs = performance.now() - startedAt
  await platform.start(...agents())
  const reply = await platform.request(sumRequested, { parts: [1, 2, 3] })
  if ((reply?.data as { sum?: number } | undefined)?.sum !== 12)
    throw new Error(`wrong reply: ${JSON.stringify(reply)}`)
  await platform.stop()
  return { createdMs, totalMs: performance.now() - startedAt }
}

const first = await fanOut()
const measured = await rounds(ROUNDS, fanOut)
const total = measured.map(({ totalMs }) => totalMs)
printFigure({
  bench: 'sdk.test-kit',
  what: 'createTestPlatform and a fan-out test, first in its process, ms',
  values: [first.totalMs],
  beside: { what: 'createTestPlatform', values: [first.createdMs] },
  goal: { text: '≤ 150', isMet: first.totalMs <= 150 },
})
printFigure({
  bench: 'sdk.test-kit',
  what: 'the same again, ms',
  values: total,
  beside: { what: 'createTestPlatform', values: measured.map(({ createdMs }) => createdMs) },
  goal: { text: '≤ 150', isMet: median(total) <= 150 },
})
