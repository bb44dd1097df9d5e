import { readdirSync, readFileSync } from 'node:fs'
import { createClients } from '@soma/sdk/clients'
import { type RunningServer, somaPlatform, startServer } from '@soma/server'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { playableExamples, playReadme, stepsOf } from './play-readme.ts'

const FOLDER = new URL('../../examples/', import.meta.url)
const EXAMPLES = playableExamples()
const DISCOVERY = '11-discovery'

let server: RunningServer
beforeAll(async () => {
  const flags = {
    mode: 'developer-light',
    'server.port': 0,
    'server.logLevel': 'silent',
    'server.dataDirectory': 'memory',
  }
  server = await startServer({ platform: somaPlatform, sources: { flags } })
}, 60_000)
afterAll(() => server.stop())

const expectAsShown = async (example: string) => {
  const played = await playReadme(example, { url: server.url, show: () => undefined })
  expect(played.length).toBeGreaterThan(0)
  for (const { command, printed, expected } of played) expect(printed, command).toBe(expected)
  await expectNamedReplies()
  return played
}

/** Requests name the type of their reply and where it goes, and nothing else comes back than what they named. */
async function expectNamedReplies() {
  const { events } = createClients({ url: server.url }).events
  const [requests = [], replies = []] = await Promise.all(
    ['action-requests', 'action-results'].map(
      async (topic) => (await events.list({ query: { topic, limit: 200 } })).items,
    ),
  )
  expect(requests.filter(({ responsetype, responsetopic }) => !responsetype || !responsetopic)).toEqual([])
  const named = new Set(requests.map(({ responsetype, correlationid }) => `${responsetype} of ${correlationid}`))
  const unasked = replies
    .map(({ type, correlationid }) => `${type} of ${correlationid}`)
    .filter((one) => !named.has(one))
  expect(unasked).toEqual([])
}

it('reads the commands of a README with what they print, and which of them go on', () => {
  const readme = 'text\n```console\n$ npm run b -w a &\n$ echo 1\n1\n  2\t3\n$ true\n```\n```sh\nno\n```\n'
  expect(stepsOf(readme)).toEqual([
    { command: 'npm run b -w a', isAgent: true, expected: '' },
    { command: 'echo 1', isAgent: false, expected: '1\n2 3' },
    { command: 'true', isAgent: false, expected: '' },
  ])
})

it('no two examples define the same type of event, so that all can be played on one server', () => {
  const defined = EXAMPLES.flatMap((example) => {
    const folder = new URL(`${example}/src/`, FOLDER)
    const sources = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), 'utf8'))
    return sources.flatMap((source) => [...source.matchAll(/ type: '([^']+)'/g)].map(([, type]) => type as string))
  })
  expect(defined.length).toBeGreaterThan(EXAMPLES.length)
  expect(defined.filter((type, index) => defined.indexOf(type) !== index)).toEqual([])
})

it('the index has every example with its minutes, what to know before and the next one: a line up to 13, free after', () => {
  const rows = readFileSync(new URL('README.md', FOLDER), 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, folder = '', , minutes = '', before = '', next = ''] =
        /^\| \[.*\]\((.*)\/README\.md\) \| (.+) \| (.+) \| (.+) \| (.+) \|$/.exec(line) ?? []
      return folder === '' ? [] : [{ folder, number: /^\d+t?/.exec(folder)?.[0] ?? folder, minutes, before, next }]
    })
  const folders = readdirSync(FOLDER, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  expect(rows.map(({ folder }) => folder).toSorted()).toEqual(folders.map(({ name }) => name).toSorted())
  expect(rows.filter(({ minutes }) => !/^[1-9]\d*$/.test(minutes))).toEqual([])
  const isKnown = (at: number) => (name: string) => rows.slice(0, at).some(({ number }) => number === name)
  const early = rows.filter(({ before }, at) => before !== 'nothing' && !before.split(', ').every(isKnown(at)))
  expect(early).toEqual([])
  const line = rows.filter(({ number }) => Number.parseInt(number, 10) <= 13)
  expect(line.map(({ next }) => next)).toEqual([...line.slice(1).map(({ number }) => number), 'free'])
})

it('leaves no process behind when it is interrupted', async () => {
  const interrupted = new AbortController()
  const show = (text: string) => {
    if (text.includes('survey.completed')) interrupted.abort()
  }
  const played = playReadme('08-worker-basic', { url: server.url, show, signal: interrupted.signal })
  await expect(played).rejects.toThrow('aborted')
  const { items } = await createClients({ url: server.url }).registry.agents.list({ query: { status: 'live' } })
  expect(items).toEqual([])
}, 60_000)

it.each(EXAMPLES.filter((example) => example !== DISCOVERY))(
  'what the README of %s shows is what it prints',
  async (example) => {
    await expectAsShown(example)
  },
  120_000,
)

it('EXA-A7 what the README of 11-discovery shows is what it prints: a goal that failed succeeds once a worker started, and the planner goes on as it was', async () => {
  const played = await expectAsShown(DISCOVERY)
  const [before, after] = played.filter(({ command }) => command.includes('agents call'))
  expect(before?.command).toBe(after?.command)
  expect([before?.printed, after?.printed]).toEqual([
    expect.stringContaining('no-ability'),
    expect.stringContaining('outcome ok'),
  ])
  const steps = stepsOf(readFileSync(new URL(`${DISCOVERY}/README.md`, FOLDER), 'utf8'))
  expect(
    steps.map(({ command }) => command).filter((command) => command.startsWith('npm run assistant ')),
  ).toHaveLength(1)
}, 120_000)
