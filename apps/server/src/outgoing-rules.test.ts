import { eventsContract } from '@soma/events/contract'
import { loadConfiguration } from '@soma/runtime'
import { expect, it } from 'vitest'
import { outgoingRules } from './outgoing-rules.ts'

const rulesOf = (SOMA_MODE: string, events: Readonly<Record<string, unknown>> = {}) =>
  outgoingRules(loadConfiguration([eventsContract], { environment: { SOMA_MODE }, file: { events } }))

it('lets pushes go over http and to loopback in developer modes alone; production modes refuse to start with it', () => {
  expect(rulesOf('developer-light')).toEqual({ allowedRanges: [], allowsInsecure: true })
  for (const mode of ['production', 'production-debug', 'test']) {
    expect(rulesOf(mode)).toEqual({ allowedRanges: [], allowsInsecure: false })
  }
  expect(() => rulesOf('production', { pushAllowInsecure: true })).toThrow('events.pushAllowInsecure')
  expect(rulesOf('production', { pushAllowedRanges: ['10.1.0.0/16', 'fd00::/8'] }).allowedRanges).toHaveLength(2)
  expect(() => rulesOf('production', { pushAllowedRanges: ['10.1.0.0'] })).toThrow('pushAllowedRanges')
})
