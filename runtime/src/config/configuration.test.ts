import { setting } from '@soma/kernel'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { type ConfigurationError, environmentName, loadConfiguration } from './configuration.ts'
import { nearest } from './nearest.ts'

const contracts = [
  {
    module: 'events',
    settings: {
      partitions: setting({ type: z.number().int().min(1).max(256), default: 16, summary: 'Partitions.' }),
      validation: setting({
        type: z.enum(['strict', 'warn']),
        default: 'strict',
        summary: 'Validation.',
        modes: { test: 'warn' },
      }),
      retentionMs: setting({ type: z.record(z.string(), z.number()), default: {}, summary: 'Retention.' }),
    },
  },
]

const mistakes = (sources: Parameters<typeof loadConfiguration>[1]): readonly string[] => {
  try {
    loadConfiguration(contracts, sources)
    return []
  } catch (error) {
    return (error as ConfigurationError).issues
  }
}

test('a flag stands above the environment, the file, the mode and the default', () => {
  const file = { events: { partitions: 2 } }
  const environment = { SOMA_EVENTS_PARTITIONS: '3' }
  const of = (sources: Parameters<typeof loadConfiguration>[1]) => {
    const { value, source } = loadConfiguration(contracts, sources).values.get('events.partitions') ?? {}
    return [value, source]
  }
  expect(of({})).toEqual([16, 'default'])
  expect(of({ file })).toEqual([2, 'file'])
  expect(of({ file, environment })).toEqual([3, 'environment'])
  expect(of({ file, environment, flags: { 'events.partitions': 4 } })).toEqual([4, 'flag'])
})

test('a mode is a table of values, chosen by SOMA_MODE or its alias', () => {
  expect(loadConfiguration(contracts, { environment: { SOMA_MODE: 'test' } }).of('events')).toMatchObject({
    validation: 'warn',
  })
  expect(loadConfiguration(contracts, { environment: { SOMAGENT_DEPLOYMENT_MODE: 'production' } })).toMatchObject({
    mode: 'production',
  })
  expect(loadConfiguration(contracts, {}).mode).toBe('developer-light')
})

test('a variable of a system that is replaced is read where the own one is not set, the first of several', () => {
  const retry = setting({
    type: z.number(),
    default: 1,
    summary: 'Retry.',
    environmentAliases: ['OLD_RETRY', 'OLDER_RETRY'],
  })
  const of = (environment: Record<string, string>) =>
    loadConfiguration([{ module: 'edge', settings: { retry } }], { environment }).of('edge').retry
  expect(of({ OLDER_RETRY: '3' })).toBe(3)
  expect(of({ OLDER_RETRY: '3', OLD_RETRY: '2' })).toBe(2)
  expect(of({ OLD_RETRY: '2', SOMA_EDGE_RETRY: '5' })).toBe(5)
})

test('unknown keys and bad values are told all at once, with the nearest names', () => {
  expect(
    mistakes({
      file: { events: { partition: 2 } },
      environment: { SOMA_EVENTS_VALIDATOIN: 'warn', SOMA_EVENTS_PARTITIONS: '0', HOME: '/x' },
      flags: { mode: 'tset' },
    }),
  ).toEqual([
    'environment variable SOMA_EVENTS_VALIDATOIN is not known: did you mean SOMA_EVENTS_VALIDATION?',
    'mode "tset" is not known: did you mean test?',
    'setting "events.partition" (soma.yaml) is not known: did you mean events.partitions?',
    expect.stringMatching(/^setting "events.partitions" from environment: .* \(got 0\)$/),
  ])
})

test('an object setting is one value of the file, not a branch', () => {
  expect(loadConfiguration(contracts, { file: { events: { retentionMs: { audit: 7 } } } }).of('events')).toMatchObject({
    retentionMs: { audit: 7 },
  })
})

test('settings of a module are frozen', () => {
  expect(Object.isFrozen(loadConfiguration(contracts, {}).of('events'))).toBe(true)
})

test('each key has one environment name', () => {
  expect(environmentName('events.maxEventBytes')).toBe('SOMA_EVENTS_MAX_EVENT_BYTES')
})

test('a name far from all others has no neighbour', () => {
  expect(nearest('zzzzzz', ['events.partitions'])).toEqual([])
})
