import { stripVTControlCharacters } from 'node:util'
import type { Colors } from 'picocolors/types.js'
import { cleanLine } from './clean-text.ts'
import { relativeTime } from './relative-time.ts'
import type { Column, ColumnKind } from './view.ts'

/** Where a table is shown to a person. */
export interface Screen {
  readonly width: number
  readonly colours: Colors
  readonly nowMs: number
}

/** Below this a table is unreadable: one field a line instead. */
const NARROWEST = 40
const SHORTEST_TEXT = 12
const GAP = '  '

/** Rows separated by tabs, without a header or colour: for `cut` and `awk`. */
export function tabSeparated<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  return rows.map((row) => `${columns.map((column) => cellOf(column, row)).join('\t')}\n`).join('')
}

/** Aligned columns under a header. Only text columns are cut to the width, never ids. */
export function alignedTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], screen: Screen): string {
  if (rows.length === 0) return ''
  if (screen.width < NARROWEST) return oneFieldALine(columns, rows, screen)
  const cells = rows.map((row) => columns.map((column) => forPeople(column, row, screen.nowMs)))
  const widths = fit(columns, cells, screen.width)
  const header = columns.map(({ title }, index) => screen.colours.dim(pad(title, widths[index] as number)))
  const lines = cells.map((line) =>
    line.map((cell, index) => {
      const text = pad(cut(cell, widths[index] as number), widths[index] as number)
      return colourOf(columns[index]?.kind, cell, screen.colours)(text)
    }),
  )
  return [header, ...lines].map((line) => `${line.join(GAP).trimEnd()}\n`).join('')
}

function oneFieldALine<Row>(columns: readonly Column<Row>[], rows: readonly Row[], screen: Screen): string {
  return rows
    .map((row) => columns.map((column) => `${column.title}: ${forPeople(column, row, screen.nowMs)}\n`).join(''))
    .join('\n')
}

function cellOf<Row>({ of }: Column<Row>, row: Row): string {
  const value = of(row)
  return value === undefined || value === null ? '' : cleanLine(String(value))
}

function forPeople<Row>(column: Column<Row>, row: Row, nowMs: number): string {
  const text = cellOf(column, row)
  return column.kind === 'time' && text !== '' ? relativeTime(text, nowMs) : text
}

function fit<Row>(columns: readonly Column<Row>[], cells: readonly (readonly string[])[], width: number): number[] {
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...cells.map((line) => visibleLength(line[index] as string))),
  )
  let excess = widths.reduce((sum, each) => sum + each + GAP.length, -GAP.length) - width
  for (const [index, { kind }] of columns.entries()) {
    if (kind !== 'text' || excess <= 0) continue
    const shrunk = Math.max(SHORTEST_TEXT, (widths[index] as number) - excess)
    if (shrunk >= (widths[index] as number)) continue
    excess -= (widths[index] as number) - shrunk
    widths[index] = shrunk
  }
  return widths
}

const visibleLength = (text: string): number => stripVTControlCharacters(text).length
const pad = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - visibleLength(text)))
const cut = (text: string, width: number): string => (text.length > width ? `${text.slice(0, width - 1)}…` : text)

const GOOD = new Set(['completed', 'approved', 'ready', 'ok', 'replayed', 'active'])
const BAD = new Set(['failed', 'rejected', 'cancelled', 'expired', 'not-ready', 'fail', 'red'])
const OPEN = new Set(['waiting', 'paused', 'open', 'revise', 'warn', 'draining', 'degraded', 'amber'])

/** The colour of a status word. */
export function colourOf(kind: ColumnKind | undefined, word: string, colours: Colors): (text: string) => string {
  if (kind !== 'status') return (text) => text
  if (GOOD.has(word)) return colours.green
  if (BAD.has(word)) return colours.red
  return OPEN.has(word) ? colours.yellow : (text) => text
}
