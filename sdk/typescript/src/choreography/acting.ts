import { isProblem, type Json, type Topic } from '@soma/kernel'
import * as z from 'zod'
import type { AnyEvent } from '../define/event.ts'
import { breakerDefaults } from './breakers.ts'
import type { Situation } from './deciding.ts'
import type { NextAction } from './decision.ts'
import type { Memory } from './memory.ts'

/** One handling of one plan; `answered` is the type in which replies come. */
export type Work = Omit<Situation, 'choice' | 'memory'> & { readonly answered: AnyEvent }

/**
 * Does what was decided and checked. Requests are tasks of the plan; each ends by when the plan's own time is over. Answers why it could not be done, where the
 * platform refuses it for good.
 */
export async function act(work: Work, memory: Memory, action: NextAction): Promise<string | undefined> {
  const { plan, answered } = work
  switch (action.action) {
    case 'publish':
      return request(work, memory, { type: action.type, data: action.data })
    case 'delegate':
      return request(work, memory, { type: action.goalType, data: action.goalData })
    case 'complete':
      plan.finalize(action.result)
      return undefined
    case 'wait': {
      const taskId = plan.startTimer(action.timeoutMs, { response: answered, name: action.reason.slice(0, 200) })
      memory.open[taskId] = { type: action.expectedType }
      memory.waiting = { taskId, type: action.expectedType }
      return undefined
    }
    case 'ask':
      return ask(work, memory, action)
  }
}

async function request(
  { plan, context, options, answered }: Work,
  memory: Memory,
  { type, data }: { type: string; data: Json },
): Promise<undefined> {
  const wallMs = options.maxWallMs ?? breakerDefaults.maxWallMs
  const timeoutMs = Math.max(1, Date.parse(memory.since) + wallMs - context.clock.now().getTime())
  const { responseType, responseTopic } = (await context.registry.event('action-requests', type)) ?? {}
  const taskId = plan.delegate(requestOf(type), data, { response: answered, timeoutMs })
  memory.open[taskId] = {
    type,
    ...(responseType === undefined ? {} : { reply: { type: responseType, topic: responseTopic ?? 'action-results' } }),
  }
}

async function ask(
  { plan }: Work,
  memory: Memory,
  { question, schema }: Extract<NextAction, { action: 'ask' }>,
): Promise<string | undefined> {
  const editSchema = { type: 'object', properties: { answer: schema }, required: ['answer'] }
  const key = `ask-${memory.asked}`
  try {
    const requirements = [{ excludeRequester: false }]
    await plan.openGate({ key, kind: 'input', title: question, payload: { answer: null }, editSchema, requirements })
  } catch (error) {
    if (!isProblem(error) || error.code !== 'invalid-request') throw error
    return error.message
  }
  memory.asked += 1
  memory.open[key] = { type: 'answer' }
  return undefined
}

/** An event that was found, not imported: the registry has checked its data. */
const requestOf = (type: string): AnyEvent => ({
  type,
  topic: 'action-requests' satisfies Topic,
  description: '',
  version: '1.0.0',
  data: z.unknown(),
  response: undefined,
  examples: [],
  tags: [],
  sideEffects: 'none',
  jsonSchema: true,
})
