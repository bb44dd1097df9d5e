import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '@soma/kernel'
import { createClients } from '@soma/sdk/clients'
import { type RunningServer, somaPlatform, startServer } from '@soma/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { installPrograms, type Program, roundTrip, type WireEvent } from './programs.ts'

const directory = mkdtempSync(join(tmpdir(), 'soma-cloudevents-'))
let server: RunningServer
let programs: Readonly<Record<string, Program>>

beforeAll(async () => {
  programs = await installPrograms()
  server = await startServer({
    platform: somaPlatform,
    log: silentLogger,
    sources: {
      flags: { mode: 'developer-light', 'server.port': 0, 'server.dataDirectory': join(directory, 'data') },
    },
  })
  const body = { type: 'thing.sent', topic: 'business-facts', description: 'Anything.', schema: { jsonSchema: {} } }
  await createClients({ url: server.url }).registry.events.create({ body })
}, 300_000)
afterAll(async () => {
  await server?.stop()
  rmSync(directory, { recursive: true, force: true })
})

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString('base64')
const MANY = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`extension${n}`, `${n}-`.padEnd(255, 'x')]))

/** Every kind of data, and attributes with what header values must escape. */
const EVENTS: readonly WireEvent[] = [
  {
    ...{
      id: 'json',
      subject: '50% of "all" %zz',
      partitionkey: 'a b',
      traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    },
    ...{ time: '2026-01-02T03:04:05.678Z', datacontenttype: 'application/json', comexample: '"in quotes" \\ and out' },
    data: { text: 'ü € 😀 "', list: [1, 2.5, -3e20, null, true, ''], nested: { deep: [{}] } },
  },
  { id: 'no-content-type', data: { amount: 1 } },
  { id: 'text', datacontenttype: 'text/plain; charset=utf-8', data: '\ufeff two lines\r\nü € 😀' },
  { id: 'xml', datacontenttype: 'application/xml', data: '<a>ü</a>' },
  { id: 'bytes', datacontenttype: 'application/octet-stream', data_base64: ALL_BYTES },
  { id: 'image', datacontenttype: 'image/png', data_base64: ALL_BYTES },
  { id: 'empty', subject: 'nothing inside' },
  { id: 'extensions', ...MANY, data: {} },
  { id: 'unicode', subject: 'ü', data: {} },
]

const sent = (language: string): WireEvent[] =>
  EVENTS.map((event) => ({
    ...{ specversion: '1.0', source: `/clients/${language}?a=b`, type: 'thing.sent', topic: 'business-facts' },
    ...event,
  }))

/** Attributes have one text form in CloudEvents; times are the same moment in any spelling. */
const textOf = (name: string, value: unknown): unknown => {
  if (name === 'time') return new Date(String(value)).toISOString()
  return name === 'data' ? value : String(value)
}

const asSent = (back: WireEvent, event: WireEvent): WireEvent =>
  Object.fromEntries(Object.keys(event).map((name) => [name, textOf(name, back[name])]))

test.each(['JavaScript', 'Python', 'Go'])(
  'EVT-R2 structured, binary and batched CloudEvents come back through the SDK for %s as they were sent',
  async (language) => {
    const events = sent(language)
    const back = await roundTrip(programs[language] as Program, server.url, events)
    for (const event of events)
      for (const mode of ['structured', 'binary', 'batch']) {
        const expected = { ...event, id: `${String(event.id)}-${mode}` }
        const found = back.get(expected.id)
        expect(found, `${expected.id} is missing`).toBeDefined()
        expect([mode, asSent(found as WireEvent, expected)]).toEqual([mode, asSent(expected, expected)])
      }
  },
  120_000,
)
