import { readFileSync } from 'node:fs'
import { type Catalogue, catalogueOf } from '@soma/registry/contract'
import { contractsOf, somaPlatform } from '@soma/server'
import { expect, test } from 'vitest'
import { breaksOf } from './contract.ts'

const baseline = JSON.parse(readFileSync(new URL('contract-baseline.json', import.meta.url), 'utf8')) as Catalogue

test('our own events keep what the last release promised', () => {
  expect(breaksOf(baseline, catalogueOf(contractsOf(somaPlatform).flatMap(({ events }) => events)))).toEqual([])
})

test('an event that lost a field without a major version is a finding that says which version it needs', () => {
  const plan = baseline.events.find(({ type }) => type === 'plan.created') ?? expect.unreachable()
  const { [Object.keys((plan.jsonSchema as { properties: object }).properties)[0] as string]: _gone, ...properties } = (
    plan.jsonSchema as { properties: Record<string, unknown> }
  ).properties
  const planted = { ...plan, version: '1.99.0', jsonSchema: { ...(plan.jsonSchema as object), properties } }
  const rest = baseline.events.filter((event) => event !== plan)
  const [first, ...more] = breaksOf(baseline, { events: [...rest, planted], schemas: [] })
  expect(more).toEqual([])
  expect(first).toMatchObject({ rule: 'contract-break', remedy: expect.stringContaining('2.0.0') })
  expect(breaksOf(baseline, { events: rest, schemas: [] })).toHaveLength(1)
  expect(breaksOf(baseline, { events: [...rest, { ...planted, version: '2.0.0' }], schemas: [] })).toEqual([])
})
