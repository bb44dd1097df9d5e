import { expect, it } from 'vitest'
import { createPrinter, type PrinterFlags } from './printer.ts'
import { pageView } from './view.ts'

const view = pageView<{ id: string; status: string }>(
  [
    { title: 'id', of: ({ id }) => id, kind: 'id' },
    { title: 'status', of: ({ status }) => status, kind: 'status' },
  ],
  ({ id }) => id,
)
const page = { items: [{ id: 'a', status: 'failed' }], nextCursor: null }

async function printed(
  flags: PrinterFlags,
  { isTTY = false, environment = {} }: { isTTY?: boolean; environment?: Record<string, string> } = {},
): Promise<string> {
  let text = ''
  const write = (chunk: string | Uint8Array) => {
    text += String(chunk)
    return true
  }
  const streams = { stdout: { write, isTTY, columns: 80 }, stderr: { write: () => true, isTTY }, environment }
  await createPrinter(flags, streams).result(page, view)
  return text
}

it('prints tab-separated where piped, a table on a terminal', async () => {
  expect(await printed({})).toBe('a\tfailed\n')
  expect(await printed({ color: false }, { isTTY: true })).toBe('id  status\na   failed\n')
})

it('prints the whole value as JSON or YAML, and the ids alone', async () => {
  expect(JSON.parse(await printed({ json: true }))).toEqual(page)
  expect(JSON.parse(await printed({ output: 'json' }, { isTTY: true }))).toEqual(page)
  expect(await printed({ output: 'yaml' })).toBe('items:\n  - id: a\n    status: failed\nnextCursor: null\n')
  expect(await printed({ output: 'id' })).toBe('a\n')
})

it('obeys --no-color, NO_COLOR and TERM=dumb on a terminal, and colours nothing that is piped', async () => {
  const escape = '\u001b['
  expect(await printed({}, { isTTY: true })).toContain(escape)
  expect(await printed({ color: false }, { isTTY: true })).not.toContain(escape)
  expect(await printed({}, { isTTY: true, environment: { NO_COLOR: '1' } })).not.toContain(escape)
  expect(await printed({}, { isTTY: true, environment: { TERM: 'dumb' } })).not.toContain(escape)
  expect(await printed({}, { environment: { FORCE_COLOR: '1' } })).not.toContain(escape)
})
