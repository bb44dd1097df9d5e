import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { derivedId, derivedUuid } from '../run/derived-ids.ts'
import { registrationOf } from '../run/registration.ts'
import { defineAgent, definePlanner, defineWorker } from './agents.ts'
import { defineEvent } from './event.ts'

const kept = defineEvent({
  type: 'note.kept',
  topic: 'business-facts',
  description: 'A note.',
  data: z.object({ text: z.string() }),
})
const done = defineEvent({ type: 'note.completed', topic: 'action-results', description: 'Noted.', data: z.object({}) })
const asked = defineEvent({
  type: 'note.requested',
  topic: 'action-requests',
  description: 'Asks for a note.',
  data: z.object({ text: z.string().max(10) }),
  response: done,
  examples: [{ text: 'milk' }],
})

describe('definitions', () => {
  it('subscribe by their handlers; a second handler of a type is refused, and * is for onEvent alone', () => {
    const agent = defineAgent({ name: 'noter', description: 'Notes.' })
    agent.onTask(asked, () => undefined)
    agent.onEvent(kept, () => undefined)
    agent.onEvent('*', 'plan-events', () => undefined)
    expect(agent.definition.entries.map(({ topic, type, role }) => `${role} ${topic} ${type}`)).toEqual([
      'task action-requests note.requested',
      'event business-facts note.kept',
      'event plan-events *',
    ])
    expect(() => agent.onResult(kept, () => undefined)).toThrow('agent "noter" already handles "note.kept"')
    expect(() => agent.onTask('*' as never, () => undefined)).toThrow(TypeError)
  })

  it('register every event that a handler names, with its schema and its reply', () => {
    const worker = defineWorker({
      name: 'noter',
      description: 'Notes.',
      produces: [kept],
      capabilities: ['notes', { name: 'keeping', consumes: asked }],
    })
    worker.onTask(asked, () => undefined)
    const registration = registrationOf(worker.definition)
    expect(registration.consumes).toEqual([{ topic: 'action-requests', type: 'note.requested', range: '^1' }])
    expect(registration.produces.map(({ type }) => type)).toEqual(['note.kept', 'note.completed'])
    expect(registration.capabilities).toEqual([
      'notes',
      {
        name: 'keeping',
        consumes: { topic: 'action-requests', type: 'note.requested', range: '^1' },
        produces: [{ topic: 'action-results', type: 'note.completed', range: '^1' }],
      },
    ])
    const event = registration.events.find(({ type }) => type === 'note.requested')
    expect(event).toMatchObject({
      kind: 'request',
      responseType: 'note.completed',
      responseTopic: 'action-results',
      examples: [{ text: 'milk' }],
      schema: { jsonSchema: { properties: { text: { type: 'string', maxLength: 10 } }, required: ['text'] } },
    })
  })

  it('refuse names that the registry would refuse', () => {
    expect(() => defineWorker({ name: 'No Names', description: 'x' })).toThrow('agent name "No Names"')
    expect(() => defineEvent({ type: 'note', topic: 'business-facts', description: 'x', data: z.object({}) })).toThrow(
      'at least two segments',
    )
    expect(() => definePlanner({ name: 'planner', description: 'x' }).onTransition(() => undefined)).toThrow(
      'no stateMachine',
    )
  })
})

describe('derived ids', () => {
  it('are UUIDv5 of their parts: the same on every run', () => {
    expect(derivedUuid('evt_1', 'group', 0, 'note.kept')).toBe(derivedUuid('evt_1', 'group', 0, 'note.kept'))
    expect(derivedUuid('evt_1', 'group', 0, 'note.kept')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab]/)
    expect(derivedUuid('evt_1', 'group', 1, 'note.kept')).not.toBe(derivedUuid('evt_1', 'group', 0, 'note.kept'))
    expect(derivedId('task', 'evt_1')).toMatch(/^task_[0-7][0-9a-z]{25}$/)
  })
})
