import picocolors from 'picocolors'
import type { Colors } from 'picocolors/types.js'
import { alignedTable, tabSeparated } from './table.ts'
import type { View } from './view.ts'

export const FORMATS = ['table', 'json', 'yaml', 'id'] as const
export type Format = (typeof FORMATS)[number]

export interface Printer {
  readonly format: Format
  /** Whether a person reads stdout. */
  readonly isTerminal: boolean
  /** Prints the one result of a command. */
  result<Value, Row>(value: Value, view: View<Value, Row>): Promise<void>
  /** Prints one thing of a stream: a JSON object a line, a YAML document, or the given line for people. */
  item(value: unknown, lines: { readonly text: string; readonly id: string }): Promise<void>
  /** Prints text as it is, whatever the format. */
  raw(text: string): void
  /** Progress, hints and questions: on stderr. */
  note(text: string): void
  /** Colours of stdout. */
  readonly colours: Colors
  /** Colours of stderr. */
  readonly noteColours: Colors
}

export interface PrinterFlags {
  readonly json?: boolean | undefined
  readonly output?: Format | undefined
  /** False for `--no-color`. */
  readonly color?: boolean | undefined
}

interface Streams {
  readonly stdout: Pick<NodeJS.WriteStream, 'write' | 'isTTY' | 'columns'>
  readonly stderr: Pick<NodeJS.WriteStream, 'write' | 'isTTY'>
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** Writes results to stdout and everything else to stderr. */
export function createPrinter(flags: PrinterFlags, { stdout, stderr, environment }: Streams): Printer {
  const format = flags.json === true ? 'json' : (flags.output ?? 'table')
  const isTerminal = stdout.isTTY === true
  const colours = picocolors.createColors(isColoured(flags, environment, isTerminal))
  const noteColours = picocolors.createColors(isColoured(flags, environment, stderr.isTTY === true))

  const asText = async <Value, Row>(value: Value, view: View<Value, Row>): Promise<string> => {
    if (format === 'json') return `${JSON.stringify(value, undefined, isTerminal ? 2 : 0)}\n`
    if (format === 'yaml') return toYaml(value)
    if (format === 'id')
      return view
        .ids(value)
        .map((id) => `${id}\n`)
        .join('')
    if (!isTerminal) return tabSeparated(view.columns, view.rows(value))
    return alignedTable(view.columns, view.rows(value), { width: stdout.columns, colours, nowMs: Date.now() })
  }
  return {
    format,
    isTerminal,
    colours,
    noteColours,
    result: async (value, view) => void stdout.write(await asText(value, view)),
    item: async (value, { text, id }) => {
      if (format === 'json') stdout.write(`${JSON.stringify(value)}\n`)
      else if (format === 'yaml') stdout.write(`---\n${await toYaml(value)}`)
      else stdout.write(`${format === 'id' ? id : text}\n`)
    },
    raw: (text) => void stdout.write(text),
    note: (text) => void stderr.write(`${text}\n`),
  }
}

async function toYaml(value: unknown): Promise<string> {
  const { stringify } = await import('yaml')
  return stringify(value)
}

function isColoured(flags: PrinterFlags, environment: Streams['environment'], isTerminal: boolean): boolean {
  if (flags.color === false || (environment.NO_COLOR ?? '') !== '' || environment.TERM === 'dumb') return false
  const forced = environment.FORCE_COLOR ?? ''
  return forced === '' ? isTerminal : forced !== '0'
}
