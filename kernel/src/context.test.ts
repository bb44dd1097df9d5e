import { expect, test } from 'vitest'
import { childTraceparent, holds, newTraceparent, traceIdOf } from './context.ts'

test('a child span stays in its trace', () => {
  const parent = newTraceparent()
  const child = childTraceparent(parent)
  expect(traceIdOf(child)).toBe(traceIdOf(parent))
  expect(child).not.toBe(parent)
})

test.each(['nonsense', '00-00000000000000000000000000000000-0000000000000001-01', undefined])(
  '%s starts a new trace',
  (parent) => {
    expect(childTraceparent(parent)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
  },
)

test('a capability is held by name or by its noun', () => {
  expect(holds({ capabilities: ['plan:read'] }, 'plan:read')).toBe(true)
  expect(holds({ capabilities: ['plan:*'] }, 'plan:read')).toBe(true)
  expect(holds({ capabilities: ['plan:read'] }, 'plan:run')).toBe(false)
  expect(holds({ capabilities: ['planet:*'] }, 'plan:read')).toBe(false)
  expect(holds({ capabilities: [] }, 'plan:read')).toBe(false)
})
