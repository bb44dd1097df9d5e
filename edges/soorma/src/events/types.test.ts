import { expect, test } from 'vitest'
import { createEventTypes, toForeignType } from './types.ts'

const types = createEventTypes(new Set(['plan', 'task']))

test('SOO-R6 a type that ours can hold stays as it is, any other is kept under `soorma` and reads back as it was', () => {
  for (const type of ['math.add.requested', 'a.1', 'sums-2.done']) expect(types.toOwn(type)).toBe(type)
  const foreign = [
    ...['greet', 'inventory.low_stock', 'Research.Requested', 'plan.started', 'task.x', 'soorma.greet', 'soorma'],
    ...[
      '',
      '.',
      'a..b',
      '.a',
      'a.',
      '_a._b',
      '-a.b-c_D',
      '0a.00',
      '1.2',
      'ü.日本',
      'a b/c:d',
      '--',
      '-5f',
      '_5f',
      '0-5f',
    ],
  ]
  const own = foreign.map((type) => types.toOwn(type))
  for (const type of own) expect(type).toMatch(/^soorma(\.[a-z0-9][a-z0-9-]*)+$/)
  expect(own.map(toForeignType)).toEqual(foreign)
  expect(new Set(own).size).toBe(foreign.length)
  expect(types.toOwn('inventory.low_stock')).toBe('soorma.inventory.low--stock')
})
