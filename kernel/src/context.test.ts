import { expect, test } from 'vitest'
import { continueTrace, holds, newTraceparent } from './context.ts'

test('a trace goes on as it is, so that its last span is the parent of the next', () => {
  const given = newTraceparent()
  expect(continueTrace(given)).toBe(given)
})

test.each([
  'nonsense',
  '00-00000000000000000000000000000000-0000000000000001-01',
  '00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01',
  undefined,
])('%s starts a new trace', (given) => {
  const started = continueTrace(given)
  expect(started).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
  expect(started).not.toBe(given)
})

test('a capability is held by name or by its noun', () => {
  expect(holds({ capabilities: ['plan:read'] }, 'plan:read')).toBe(true)
  expect(holds({ capabilities: ['plan:*'] }, 'plan:read')).toBe(true)
  expect(holds({ capabilities: ['plan:read'] }, 'plan:run')).toBe(false)
  expect(holds({ capabilities: ['planet:*'] }, 'plan:read')).toBe(false)
  expect(holds({ capabilities: [] }, 'plan:read')).toBe(false)
})
