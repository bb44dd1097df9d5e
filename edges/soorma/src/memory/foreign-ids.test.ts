import { toUuid } from '@soma/kernel'
import { expect, test } from 'vitest'
import type { Caller } from '../wire/route.ts'
import { sameId, standInId } from './foreign-ids.ts'

const aCaller = ({ tenantId = 'acme', spaceId = 'shop', serviceUser = 'alice' } = {}) =>
  ({ context: { tenantId, spaceId }, serviceUser }) as Caller

test('a stand-in follows from tenant, space, user, kind and text, each of them', () => {
  const id = standInId('plan', aCaller(), 'trip 1')
  expect(standInId('plan', aCaller(), 'trip 1')).toBe(id)
  expect(toUuid('plan', id)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  const others = [
    standInId('plan', aCaller({ tenantId: 'beta' }), 'trip 1'),
    standInId('plan', aCaller({ spaceId: 'mall' }), 'trip 1'),
    standInId('plan', aCaller({ serviceUser: 'bob' }), 'trip 1'),
    standInId('plan', aCaller(), 'trip 2'),
    // What is one text may not be two others.
    standInId('plan', aCaller({ spaceId: 'shopalice', serviceUser: '' }), 'trip 1'),
  ]
  expect(new Set([id, ...others]).size).toBe(others.length + 1)
  expect(toUuid('task', standInId('task', aCaller(), 'trip 1'))).not.toBe(toUuid('plan', id))
})

test('an id of ours and a UUID say themselves what they are here, whatever their case; other texts do not', () => {
  const uuid = '0191f0c1-2222-7333-8444-555566667777'
  const own = sameId('plan', uuid)
  expect(own).toMatch(/^plan_/)
  expect(sameId('plan', uuid.toUpperCase())).toBe(own)
  expect(sameId('plan', own as string)).toBe(own)
  for (const text of ['trip 1', `${uuid}0`, `x${uuid}`, (own as string).replace('plan', 'task'), ''])
    expect(sameId('plan', text)).toBeUndefined()
})
