import picocolors from 'picocolors'
import { expect, it } from 'vitest'
import { relativeTime } from './relative-time.ts'
import { alignedTable, tabSeparated } from './table.ts'
import type { Column } from './view.ts'

interface Row {
  readonly id: string
  readonly status: string
  readonly at: string
  readonly title: string
}

const columns: Column<Row>[] = [
  { title: 'plan', of: ({ id }) => id, kind: 'id' },
  { title: 'status', of: ({ status }) => status, kind: 'status' },
  { title: 'made', of: ({ at }) => at, kind: 'time' },
  { title: 'title', of: ({ title }) => title, kind: 'text' },
]
const NOW = Date.parse('2026-01-31T12:00:00Z')
const row: Row = {
  id: 'plan_01h455vb4pex5vsknk084sn02q',
  status: 'failed',
  at: '2026-01-31T11:57:00.000Z',
  title: 'A very long title that no narrow terminal holds in one line',
}
const screen = (width: number, isColoured = false) => ({
  width,
  colours: picocolors.createColors(isColoured),
  nowMs: NOW,
})

it('separates by tabs without header, colour or relative times for programs', () => {
  expect(tabSeparated(columns, [row])).toBe(`${row.id}\tfailed\t${row.at}\t${row.title}\n`)
})

it('fits the width by cutting text, never an id', () => {
  const [header, line] = alignedTable(columns, [row], screen(70)).split('\n')
  expect(header).toMatch(/^plan +status +made +title$/)
  expect(line).toContain(row.id)
  expect(line).toContain('3m ago')
  expect(line?.endsWith('…')).toBe(true)
  expect(line?.length).toBeLessThanOrEqual(70)
})

it('keeps the id whole even where nothing fits', () => {
  expect(alignedTable(columns, [row], screen(41))).toContain(row.id)
})

it('prints one field a line on a terminal narrower than 40 columns', () => {
  expect(alignedTable(columns, [row], screen(39)).split('\n').slice(0, 2)).toEqual([
    `plan: ${row.id}`,
    'status: failed',
  ])
})

it('colours status words and stays aligned', () => {
  const coloured = alignedTable(columns, [row], screen(100, true))
  expect(coloured).toContain(picocolors.createColors(true).red('failed'))
})

it('lets no control character of others through, in either form', () => {
  const planted = { ...row, title: 'a\u001b[2J\u202eb\nc\td' }
  expect(tabSeparated(columns, [planted]).trimEnd().split('\t').at(-1)).toBe('a�[2J�b c d')
  expect(alignedTable(columns, [planted], screen(200))).toContain('a�[2J�b c d')
})

it('says times as people do', () => {
  expect(relativeTime('2026-01-31T12:00:00Z', NOW)).toBe('now')
  expect(relativeTime('2026-01-31T14:00:00Z', NOW)).toBe('in 2h')
  expect(relativeTime('2026-01-29T11:00:00Z', NOW)).toBe('2d ago')
})
