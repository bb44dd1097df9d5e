import { type EventEnvelope, newId, newUuid } from '@soma/kernel'
import { expect, test } from 'vitest'
import { toPlanEvent } from './plan-events.ts'

const anEvent = (more: Readonly<Record<string, unknown>> = {}): EventEnvelope => ({
  specversion: '1.0',
  id: 'e-1',
  source: 'adder',
  type: 'soorma.Sum.asked',
  topic: 'action-requests',
  time: '2026-04-18T01:21:18Z',
  tenantid: 'acme',
  userid: 'alice',
  planid: 'trip',
  correlationid: 'c-1',
  ...more,
})
const read = (more: Readonly<Record<string, unknown>>) => toPlanEvent(anEvent(more))

test('an action is named by its data, else by its correlation, else by its event', () => {
  expect(read({ data: { action_id: 'a' } })?.actionId).toBe('a')
  for (const data of [
    {},
    undefined,
    null,
    [1],
    'text',
    { action_id: 7 },
    { action_id: '' },
    { action_id: 'x'.repeat(129) },
  ])
    expect(read({ data })?.actionId).toBe('c-1')
  expect(read({ correlationid: undefined })?.actionId).toBe('e-1')
})

test('a result fails by its data, its type, or an outcome of ours', () => {
  const fails = (more: object) => read({ topic: 'action-results', type: 'sum.done', ...more })?.isFailure
  expect(fails({ data: { error: 'no' } })).toBe(true)
  expect(fails({ data: { error: {} } })).toBe(true)
  expect(fails({ type: 'sum.failed' })).toBe(true)
  expect(fails({ type: 'sum.error' })).toBe(true)
  expect(fails({ outcome: 'failed' })).toBe(true)
  for (const data of [{ error: '' }, { error: null }, { error: 0 }, { error: false }, {}])
    expect(fails({ data })).toBe(false)
})

test('of system events the signs of a plan count alone, also without its id in the envelope', () => {
  const sign = (type: string, more: object = {}) =>
    read({ topic: 'system-events', type, planid: undefined, data: { plan_id: 'p', total_actions: 3 }, ...more })
  for (const type of ['soorma.plan.started', 'soorma.plan.completed', 'soorma.plan.failed'])
    expect(sign(type)).toMatchObject({ planId: 'p', type: type.slice(7), actionId: '', total: 3 })
  expect(sign('soorma.plan.waiting--for--input')).toBeUndefined()
  expect(sign('tenant.created')).toBeUndefined()
  expect(sign('soorma.plan.started', { data: { plan_id: 'p', total_actions: -1 } })?.total).toBeUndefined()
  expect(sign('soorma.plan.started', { data: { plan_id: '__proto__' } })?.planId).toBe('__proto__')
  expect(read({ planid: undefined, data: { plan_id: 'p' } })).toBeUndefined()
})

test('what is no event of a plan of the dialect, and what cannot be kept, counts nowhere', () => {
  expect(read({ planid: newId('plan') })).toBeUndefined()
  expect(read({ planid: newUuid() })).toBeDefined()
  expect(read({ userid: undefined })).toBeUndefined()
  for (const bad of [{ planid: 'a\0' }, { source: 'a\0' }, { data: { action_id: '\ud83e' } }, { traceid: '\0' }])
    expect(read(bad)).toBeUndefined()
})
