import { readFileSync } from 'node:fs'
import {
  createSseParser,
  fromProblemDocument,
  isProblem,
  keyOf,
  partitionOf,
  Problem,
  problemSummary,
  silentLogger,
  type Transport,
} from '@soma/kernel'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { failedData } from './context/failure.ts'
import { mergeStates, openState } from './context/kept-state.ts'
import { type AnyEvent, defineEvent, definePlanner, defineTool, defineWorker, spec } from './index.ts'
import { evaluateCondition } from './machine/condition.ts'
import { nextState } from './machine/next-state.ts'
import { defineStateMachine } from './machine/state-machine.ts'
import { fillTemplates } from './machine/templates.ts'
import { loadAgentClients } from './run/agent-clients.ts'
import { derivedId, derivedUuid } from './run/derived-ids.ts'
import { handleDelivery } from './run/handle-delivery.ts'
import { fullJitter } from './run/waiting.ts'

// oxlint-disable-next-line typescript/no-explicit-any -- vectors are plain JSON of many shapes
type Vector = any
const read = (name: string): Vector =>
  JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), 'utf8'))
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe('what every SDK does alike, as sdk/vectors says it', () => {
  test.each<Vector>(read('derived-ids'))('derives the id of $name', ({ prefix, parts, uuid, id }) => {
    expect([derivedUuid(...parts), derivedId(prefix, ...parts)]).toEqual([uuid, id])
  })

  test.each<Vector>(read('partitions'))('finds the partition of $key', ({ envelope, tenantId, key, partitions }) => {
    expect(keyOf(envelope)).toBe(key)
    for (const [count, partition] of Object.entries(partitions)) {
      expect(partitionOf(tenantId, key, Number(count))).toBe(partition)
    }
  })

  test.each<Vector>(read('sse'))('reads server-sent events: $name', ({ chunks, messages }) => {
    const parse = createSseParser()
    const decoder = new TextDecoder()
    const texts = chunks.map((chunk: string) => decoder.decode(Buffer.from(chunk, 'base64'), { stream: true }))
    expect(texts.flatMap(parse)).toEqual(messages)
  })

  test.each<Vector>(read('problems').documents)('reads the problem $document.code', (vector) => {
    const problem = fromProblemDocument(vector.document)
    expect(problemSummary(problem)).toEqual(vector.summary)
    expect(problem.extensions).toEqual(vector.extensions)
    expect(failedData(problem)).toEqual(vector.failedData)
  })

  test.each<Vector>(read('problems').failures)('fails with $failure', (vector) => {
    expect(failedData(vector.failure)).toEqual(vector.failedData)
  })

  test.each<Vector>(read('backoff'))('waits as the draws of seed $seed say', ({ seed, baseMs, maxMs, pausesMs }) => {
    const draw = mulberry32(seed)
    pausesMs.forEach((pauseMs: number, attempt: number) => {
      expect(fullJitter(attempt, { baseMs, maxMs }, draw)).toBeCloseTo(pauseMs, 9)
    })
  })

  const { scope: templateScope, cases: templates } = read('templates')
  test.each<Vector>(templates)('fills the template $template', ({ template, value, problem, detail }) => {
    const fill = () => fillTemplates(template, templateScope)
    if (problem === undefined) expect(fill()).toEqual(value)
    else expect(fill).toThrow(expect.objectContaining({ code: problem, message: detail }))
  })

  const { scope: conditionScope, cases: conditions } = read('conditions')
  test.each<Vector>(conditions)('decides the condition $condition', ({ condition, value, problem }) => {
    const decide = () => evaluateCondition(condition, conditionScope)
    if (problem === undefined) expect(decide()).toBe(value)
    else expect(decide).toThrow(SyntaxError)
  })

  test.each<Vector>(read('kept-state').open)('opens the state $stored for $eventId', (vector) => {
    expect(openState(vector.stored, vector.eventId)).toEqual(vector.opened)
  })

  test.each<Vector>(read('kept-state').merge)('merges $mine and $theirs', ({ base, mine, theirs, merged }) => {
    expect(mergeStates(base, mine, theirs) ?? null).toEqual(merged)
  })

  test.each<Vector>(read('state-machines').machines)('checks the state machine: $name', (vector) => {
    const define = () => defineStateMachine(machineOf(vector.input))
    if (vector.errors === undefined) {
      const { states, first, triggers } = define()
      expect({ states: asJson(states), first, triggers: triggers.map(({ type }) => type) }).toEqual(vector.machine)
      return
    }
    const error = caught(define)
    expect(error.code).toBe('state-machine-invalid')
    expect(error.extensions.errors?.map(({ pointer, code }) => ({ pointer, code }))).toEqual(vector.errors)
  })

  test.each<Vector>(read('state-machines').moves)('moves from $from on $on: $name', (vector) => {
    expect(nextState(vector.states, vector.from, { on: vector.on, scope: vector.scope }) ?? null).toBe(vector.to)
  })

  test.each<Vector>(read('transcripts'))('calls the platform and settles: $name', async (transcript) => {
    const { calls, settlement } = await replay(transcript)
    expect(calls).toEqual(transcript.calls.map(({ answer: _answer, problem: _problem, ...call }: Vector) => call))
    expect(asJson(settlement)).toEqual(transcript.settlement)
  })
})

const caught = (work: () => unknown): Problem => {
  try {
    work()
  } catch (error) {
    if (isProblem(error)) return error
    throw error
  }
  throw new Error('it held')
}

/** A generator that is a few lines in any language. */
const mulberry32 = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
}

/** Events of a vector are named by their types; `a.requested` is answered by `a.completed`. */
const eventOf = (type: string): AnyEvent =>
  defineEvent({
    type,
    topic: type.endsWith('.requested') ? 'action-requests' : 'action-results',
    description: 'Of a vector.',
    data: z.any(),
    response: type.endsWith('.requested') ? eventOf(type.replace('.requested', '.completed')) : undefined,
  })

/** A machine of a vector: `{ action: { event, data }, transitions: [{ on, to, when }] }` with types for events. */
function machineOf(input: Record<string, Vector>) {
  const states = Object.entries(input).map(([name, { action, ...state }]) => [
    name,
    action === undefined ? state : { ...state, action: { ...action, event: eventOf(action.event) } },
  ])
  return Object.fromEntries(states)
}

const part = eventOf('part.requested')
const adder = defineWorker({ name: 'adder', description: 'Adds up what its parts answer.' })
adder.onTask(eventOf('sum.requested'), async (task) => {
  const { parts } = task.data as { parts: number[] }
  task.state.started = await task.once('started', () => 1)
  await task.save()
  task.delegateParallel(parts.map((number) => spec(part, { part: number })))
})
adder.onResult(eventOf('part.completed'), async (result) => {
  const task = await result.restoreTask()
  if (task === undefined) return
  task.state.joined = Number(task.state.joined ?? 0) + 1
  if (result.group?.done !== true) return
  const doubled = result.group.results as { doubled: number }[]
  task.complete({ sum: doubled.reduce((total, one) => total + one.doubled, 0), joined: task.state.joined })
})
adder.onTask(eventOf('broken.requested'), (task) => {
  const { final, note } = task.data as { final: boolean; note: string }
  if (!final) throw new Error('no luck')
  throw new Problem({ code: 'out-of-paper', status: 422, title: '', remedy: '', retryable: false }, note)
})

const machine = {
  search: {
    action: { event: 'search.requested', data: { topic: '{{goal.data.topic}}', from: '{{state.page}}' } },
    transitions: [
      { on: 'search.completed', to: 'done', when: 'results.search.completed.count > 0' },
      { on: 'search.completed', to: 'nothing' },
    ],
  },
  done: { terminal: true },
  nothing: { terminal: 'failed' },
}
const searcher = definePlanner({
  name: 'searcher',
  description: 'Searches.',
  stateMachine: machineOf(machine),
})
searcher.onGoal(eventOf('find.requested'), async (goal, context) => {
  const plan = await context.plans.createFromGoal(goal, { state: { page: 1 } })
  plan.executeNext()
})
searcher.onTransition((transition, plan) => {
  plan.executeNext(transition)
  if (plan.isComplete()) plan.finalize({ found: plan.results['search.completed'] ?? null })
})

const noter = defineTool({ name: 'noter', description: 'Notes.' })
noter.onInvoke(eventOf('note.requested'), async ({ data }, { memory }) => {
  const { text } = data as { text: string }
  const [fact, episode] = await memory.remember(
    { content: text, subject: 'user', predicate: 'home' },
    { kind: 'episode', role: 'user', content: text },
  )
  await memory.link(fact?.id as string, 'derived-from', episode?.id as string, 0.5)
  const { hits } = await memory.recall(text, { limit: 3 })
  const count = await memory.working.increment('notes')
  const kept = await memory.working.append('latest', text, { maxItems: 3 })
  const wasFirst = await memory.working.updateIf('last', 0, text)
  await memory.working.delete('draft')
  return { hits: hits.length, count, kept, wasFirst, draft: (await memory.working.get('draft')) ?? null }
})

/** Handles the delivery of a transcript, with the platform's answers played back in their order. */
async function replay(transcript: Vector) {
  const calls: unknown[] = []
  const transport: Transport = async ({ operation, input }) => {
    const { params = {}, body, ifMatch, idempotencyKey } = input as Vector
    const path = operation.path.replaceAll(/\{(\w+)\}/g, (_match, name: string) => params[name])
    calls.push(asJson({ method: operation.method, path, ifMatch, idempotencyKey, body }))
    const { answer, problem } = transcript.calls[calls.length - 1] ?? {
      problem: { code: 'unexpected', retryable: false },
    }
    if (problem !== undefined) throw fromProblemDocument(problem)
    return answer
  }
  const settlement = await handleDelivery(
    { adder, searcher, noter }[transcript.agent as 'adder' | 'searcher' | 'noter'].definition,
    {
      ...transcript.delivery,
      agent: { name: transcript.agent, version: '1.0.0', instanceId: 'instance-1' },
      clients: (await loadAgentClients())(transport),
      signal: new AbortController().signal,
      log: silentLogger,
      clock: { now: () => new Date(0) },
    },
  )
  return { calls, settlement }
}
