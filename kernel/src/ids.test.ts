import fc from 'fast-check'
import { expect, test } from 'vitest'
import { idSchema, newId, newUuid, toId, toUuid } from './ids.ts'

test('an id carries its uuid there and back', () => {
  fc.assert(
    fc.property(fc.uuid(), (uuid) => {
      expect(toUuid('plan', toId('plan', uuid))).toBe(uuid)
    }),
  )
})

test('an id is the TypeID of its uuid', () => {
  expect(toId('prefix', '01890a5d-ac96-774b-bcce-b302099a8057')).toBe('prefix_01h455vb4pex5vsknk084sn02q')
})

test('ids made later sort later', () => {
  const ids = Array.from({ length: 100 }, (_, index) => toId('evt', newUuid(1_700_000_000_000 + index)))
  expect(ids.toSorted()).toEqual(ids)
})

test('a new uuid says version 7 and the RFC variant', () => {
  expect(newUuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

test.each([
  'plan_01h455vb4pex5vsknk084sn02',
  'plan_81h455vb4pex5vsknk084sn02q',
  'task_01h455vb4pex5vsknk084sn02q',
  'plan_01H455VB4PEX5VSKNK084SN02Q',
  '',
])('refuses %j as the id of a plan', (text) => {
  expect(toUuid('plan', text)).toBeUndefined()
  expect(idSchema('plan').safeParse(text).success).toBe(false)
})

test('accepts what it makes', () => {
  expect(idSchema('gate').safeParse(newId('gate')).success).toBe(true)
})
