import { readFile } from 'node:fs/promises'
import { eventsContract } from '@soma/events/contract'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { createTestServer } from '../testing/index.ts'
import { somaPlatform } from './soma-platform.ts'

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
}

const readRules = async (): Promise<readonly Rule[]> => {
  const text = await readFile(new URL('../../../deploy/prometheus/events.rules.yaml', import.meta.url), 'utf8')
  return (parse(text) as { groups: { rules: Rule[] }[] }).groups.flatMap(({ rules }) => rules)
}

test('EVT-R56 every alert rule asks for a metric that a running server tells, and lag alerts compare with its configured threshold', async () => {
  const rules = await readRules()
  const names = [...new Set(rules.flatMap(({ expr }) => expr.match(/soma_\w+/g) ?? []))]
  expect(names.length).toBeGreaterThanOrEqual(5)
  const server = await createTestServer({
    modules: somaPlatform.modules,
    portsOf: somaPlatform.portsOf,
    settings: { 'events.lagSloMs': 7000 },
  })
  const isTold = (text: string, name: string) => new RegExp(`^${name}(\\{.*\\})? \\d`, 'm').test(text)
  const text = await expect
    .poll(async () => (await fetch(`${server.url}/metrics`)).text(), { timeout: 20_000, interval: 100 })
    .toSatisfy((body: string) => names.every((name) => isTold(body, name)))
    .then(async () => (await fetch(`${server.url}/metrics`)).text())
  expect(text).toMatch(/^soma_events_lag_slo_seconds 7$/m)
  expect(text).toMatch(/^soma_events_consumer_lag_events\{group="module:[a-z]+",topic="[a-z-]+"\} \d+$/m)
  await server.stop()
  const threshold = (alert: string) => rules.find((rule) => rule.alert === alert)?.expr.replace(/^.* > /, '')
  expect(threshold('SomaConsumerLagging')).toMatch(/ max\(soma_events_lag_slo_seconds\)$/)
  expect(threshold('SomaConsumerStuck')).toMatch(/ 4 \* max\(soma_events_lag_slo_seconds\)$/)
  expect(threshold('SomaConsumerFarBehind')).toBe('10000')
  expect(rules.find(({ alert }) => alert === 'SomaDeadLettersOpen')).toMatchObject({ for: '15m' })
  expect(eventsContract.settings.lagSloMs.default).toBe(30_000)
}, 60_000)
