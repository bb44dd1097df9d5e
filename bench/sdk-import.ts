/**
 * A process that imports the SDK and ends, beside one that does nothing: CPU time and memory, built and from source. CPU time, because the clock of a busy machine
 * says nothing. `npm run build` comes first.
 */
import { fileURLToPath } from 'node:url'
import { runChild } from './child.ts'
import { median, printFigure, rounds } from './figures.ts'

const ROUNDS = 9
const root = fileURLToPath(new URL('..', import.meta.url))
const own =
  'const { user, system } = process.cpuUsage(); console.log((user + system) / 1000, process.memoryUsage.rss() / 1048576)'

const kinds = {
  bare: { flags: [], code: own },
  built: { flags: [], code: `await import('@soma/sdk'); ${own}` },
  source: { flags: ['--conditions=@soma/source', '--import', 'tsx'], code: `await import('@soma/sdk'); ${own}` },
  'bare with tsx': { flags: ['--import', 'tsx'], code: own },
}

type Kind = keyof typeof kinds

const once = async (kind: Kind) => {
  const { flags, code } = kinds[kind]
  const { stdout } = await runChild(process.execPath, [...flags, '--input-type=module', '-e', code], { cwd: root })
  const [ms = Number.NaN, mebibytes = Number.NaN] = stdout.split(' ').map(Number)
  return { ms, mebibytes }
}

await once('built')
await once('source')
const measured = await rounds(ROUNDS, async () => ({
  bare: await once('bare'),
  built: await once('built'),
  'bare with tsx': await once('bare with tsx'),
  source: await once('source'),
}))
const ms = (kind: Kind) => measured.map((round) => round[kind].ms)
const memory = (kind: Kind) => measured.map((round) => round[kind].mebibytes)
const over = (values: readonly number[], floor: readonly number[]) =>
  values.map((value, index) => value - (floor[index] ?? 0))

const importMs = over(ms('built'), ms('bare'))
printFigure({
  bench: 'sdk.import',
  what: 'built, CPU over bare Node, ms',
  values: importMs,
  beside: { what: 'bare Node', values: ms('bare') },
})
const importMemory = over(memory('built'), memory('bare'))
printFigure({
  bench: 'sdk.import',
  what: 'built, RSS over bare Node, MiB',
  values: importMemory,
  beside: { what: 'bare Node', values: memory('bare') },
  goal: { text: '≤ 25', isMet: median(importMemory) <= 25 },
})
printFigure({
  bench: 'sdk.import',
  what: 'from source, CPU over Node with tsx, ms',
  values: over(ms('source'), ms('bare with tsx')),
  beside: { what: 'Node with tsx', values: ms('bare with tsx') },
})
