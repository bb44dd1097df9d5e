/**
 * `npm run bench [name…] [-- --write]`: runs the benchmarks one after another, each in a process of its own. `--write` puts the figures into docs/benchmarks.md, with the
 * date, the machine's class and how busy it was.
 */
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { FIGURE_MARK } from './figures.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const report = join(folder, '../docs/benchmarks.md')
const HELPERS = new Set([
  'run',
  'figures',
  'stores',
  'bench-module',
  'subscriber',
  'child',
  'server-process',
  'bare-clients',
  'fill-log',
  'load-event',
  'chain-times',
  'memory-rankers',
])
const all = readdirSync(folder)
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.slice(0, -3))
  .filter((name) => !HELPERS.has(name))

const { values, positionals } = parseArgs({
  options: { write: { type: 'boolean', default: false }, waiting: { type: 'string' }, most: { type: 'string' } },
  allowPositionals: true,
})
const chosen = positionals.length === 0 ? all : positionals.map((name) => name.replace('.', '-'))
const unknown = chosen.filter((name) => !all.includes(name))
if (unknown.length > 0) throw new Error(`there is no benchmark ${unknown.join(', ')}: they are ${all.join(', ')}`)

const passed = (['waiting', 'most'] as const).flatMap((name) =>
  values[name] === undefined ? [] : [`--${name}`, values[name]],
)
const figures: string[] = []
for (const name of chosen) {
  const before = loadOf()
  const { lines, code } = await runOne(name)
  if (code !== 0) process.exitCode = 1
  figures.push(...lines.map((line) => `${line.slice(0, -1)}| ${before} |`))
}
if (values.write) writeReport(figures)

/** Processes that wanted a CPU in the last minute. */
function loadOf(): string {
  return (loadavg()[0] as number).toFixed(1)
}

async function runOne(name: string): Promise<{ lines: string[]; code: number | null }> {
  const child = spawn(process.execPath, [...process.execArgv, join(folder, `${name}.ts`), ...passed], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    process.stdout.write(chunk)
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { lines: text.split('\n').filter((line) => line.startsWith(FIGURE_MARK)), code }
}

/** Figures of benchmarks that did not run this time stay as they are. */
function writeReport(lines: readonly string[]): void {
  const text = readFileSync(report, 'utf8')
  const marks = { begin: '<!-- figures -->', end: '<!-- /figures -->' }
  const [head, rest] = text.split(marks.begin) as [string, string]
  const [body, tail] = rest.split(marks.end) as [string, string]
  const date = new Date().toISOString().slice(0, 10)
  const placed = new Map<string, string>()
  const isFigure = (line: string) => line.startsWith(FIGURE_MARK) && !line.startsWith('| benchmark')
  for (const line of body.split('\n').filter(isFigure)) placed.set(nameOf(line), line)
  for (const line of lines) placed.set(nameOf(line), `${line} ${date} |`)
  const rows = [...placed].sort(([left], [right]) => left.localeCompare(right, 'en')).map(([, line]) => line)
  const table = [
    '| benchmark | what | median (least–most) | beside, same run | goal | | load before | date |',
    '|---|---|---|---|---|---|---|---|',
    ...rows,
  ]
  const machine = `Last machine: ${cpus().length} CPUs (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}, ${process.platform}.`
  writeFileSync(report, [head + marks.begin, '', machine, '', ...table, '', marks.end + tail].join('\n'))
}

/** Benchmark and figure, without what a run may change. */
function nameOf(line: string): string {
  return line.split(' | ').slice(0, 2).join(' | ')
}
