import { isProblem } from '@soma/kernel'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { defineEvent } from '../define/event.ts'
import { evaluateCondition, parseCondition } from './condition.ts'
import { nextState } from './next-state.ts'
import { defineStateMachine, type StateInput } from './state-machine.ts'
import { fillTemplates } from './templates.ts'

const found = defineEvent({
  type: 'search.completed',
  topic: 'action-results',
  description: 'What was found.',
  data: z.object({ count: z.number() }),
})
const search = defineEvent({
  type: 'search.requested',
  topic: 'action-requests',
  description: 'Asks for a search.',
  data: z.object({ query: z.string() }),
  response: found,
})

const states = (changes: Record<string, StateInput> = {}): Record<string, StateInput> => ({
  search: {
    action: { event: search, data: { query: '{{goal.data.topic}}' } },
    transitions: [
      { on: found, to: 'done', when: 'results.search.completed.count > 0' },
      { on: found, to: 'nothing' },
    ],
    timeoutMs: 2000,
    onTimeout: 'nothing',
  },
  done: { terminal: true },
  nothing: { terminal: 'failed' },
  ...changes,
})

function mistakes(input: Record<string, StateInput>): string[] {
  try {
    defineStateMachine(input)
    return []
  } catch (error) {
    if (!isProblem(error)) throw error
    return (error.extensions.errors ?? []).map(({ pointer, code }) => `${pointer} ${code}`)
  }
}

const scope = (count: number) => ({
  goal: { data: { topic: 'owls', words: ['a', 'b'] } },
  results: { 'search.completed': { count } },
  state: { tone: 'calm', deep: { on: true } },
})

describe('a state machine', () => {
  it('SDK-R21 is checked when it is defined: each mistake names its state and field', () => {
    expect(mistakes(states())).toEqual([])
    const transition = (changes: object) => ({
      ...states().search,
      transitions: [{ on: found, to: 'done', ...changes }],
    })
    expect(mistakes(states({ search: transition({ to: 'don' }) }))).toContain('/search/transitions/0/to unknown-state')
    expect(mistakes(states({ search: transition({ on: 'serach.completed' }) }))).toContain(
      '/search/transitions/0/on unknown-event',
    )
    expect(mistakes(states({ search: transition({ when: 'results.x.count >' }) }))).toContain(
      '/search/transitions/0/when syntax',
    )
    expect(mistakes(states({ search: transition({ when: '"yes"' }) }))).toContain(
      '/search/transitions/0/when not-boolean',
    )
    expect(mistakes(states({ search: transition({ when: 'result.x == 1' }) }))).toContain(
      '/search/transitions/0/when unknown-path',
    )
    const action = { event: search, data: { query: '{{goal.topic}}' } }
    expect(mistakes(states({ search: { ...states().search, action } }))).toEqual(['/search/action/data unknown-path'])
    expect(mistakes(states({ island: { terminal: true } }))).toEqual(['/island unreachable'])
    expect(mistakes({ loop: { defaultNext: 'loop' } })).toEqual([' no-terminal'])
    expect(mistakes(states({ search: { ...states().search, onTimeout: 'never', defaultNext: 'nowhere' } }))).toEqual([
      '/search/defaultNext unknown-state',
      '/search/onTimeout unknown-state',
    ])
    expect(() => fillTemplates({ query: '{{results.search.completed.first}}' }, scope(1))).toThrow(
      '{{results.search.completed.first}} found nothing',
    )
  })

  it('becomes plain data that names its events', () => {
    const machine = defineStateMachine(states())
    expect(machine.first).toBe('search')
    expect(machine.triggers).toEqual([found])
    expect(JSON.parse(JSON.stringify(machine.states.search))).toMatchObject({
      action: { event: 'search.requested', data: { query: '{{goal.data.topic}}' }, response: 'search.completed' },
      transitions: [{ on: 'search.completed', to: 'done', when: 'results.search.completed.count > 0' }, {}],
    })
  })

  it('takes the first edge whose condition holds', () => {
    const { states: machine } = defineStateMachine(states())
    const next = (count: number) => nextState(machine, 'search', { on: 'search.completed', scope: scope(count) })
    expect([next(1), next(0)]).toEqual(['done', 'nothing'])
    expect(nextState(machine, 'done', { on: 'search.completed', scope: scope(1) })).toBeUndefined()
  })
})

describe('templates', () => {
  it('keep the type of a value that is the whole text, and join others into it', () => {
    const data = {
      words: '{{ goal.data.words }}',
      text: 'on {{goal.data.topic}}, {{results.search.completed.count}}',
      deep: ['{{state.deep}}'],
    }
    expect(fillTemplates(data, scope(3))).toEqual({ words: ['a', 'b'], text: 'on owls, 3', deep: [{ on: true }] })
  })
})

describe('conditions', () => {
  it.each([
    ['results.search.completed.count >= 2 && state.tone == "calm"', true],
    ['results.search.completed.count < 2 || state.tone != "calm"', false],
    ['!(results.search.completed.count > 2)', true],
    ['"a" in goal.data.words', true],
    ['state.missing == null', true],
    ['state.deep.on', true],
    ['state.tone > 1', false],
  ])('%s', (text, outcome) => {
    expect(evaluateCondition(text, scope(2))).toBe(outcome)
  })

  it('read nothing but paths, literals and signs', () => {
    for (const text of ['state.tone()', 'a = b', 'constructor.constructor("x")', '1 +', '(state.tone']) {
      expect(() => parseCondition(text)).toThrow(SyntaxError)
    }
    expect(evaluateCondition('state.constructor == null', scope(1))).toBe(true)
    expect(evaluateCondition('state.__proto__ != null', scope(1))).toBe(false)
  })
})
