/** What a product installation takes on the disk: a clone of the last commit with `npm ci --omit=dev`. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runChild } from './child.ts'
import { printFigure } from './figures.ts'

const GOAL_MEBIBYTES = 120
const root = fileURLToPath(new URL('..', import.meta.url))
const place = await mkdtemp(join(tmpdir(), 'soma-install-'))
const clone = join(place, 'soma')

await runChild('git', ['clone', '--quiet', '--depth', '1', `file://${root}`, clone])
const { ms } = await runChild('npm', ['ci', '--omit=dev', '--no-audit', '--no-fund'], { cwd: clone })
const mebibytes = Number((await runChild('du', ['-sk', 'node_modules'], { cwd: clone })).stdout.split('\t')[0]) / 1_024
const listed = await runChild('npm', ['ls', '--all', '--omit=dev', '--parseable'], { cwd: clone })
const packages = new Set(
  listed.stdout
    .split('\n')
    .filter((line) => line.includes('/node_modules/') && !line.includes('/node_modules/@soma/'))
    .map((line) => line.split('/node_modules/').at(-1)),
)
printFigure({
  bench: 'install.size',
  what: 'node_modules without development dependencies, MiB',
  values: [mebibytes],
  goal: { text: `≤ ${GOAL_MEBIBYTES}`, isMet: mebibytes <= GOAL_MEBIBYTES },
})
printFigure({
  bench: 'install.size',
  what: 'packages outside @soma',
  values: [packages.size],
})
printFigure({ bench: 'install.size', what: 'npm ci --omit=dev, ms', values: [ms] })
await rm(place, { recursive: true, force: true })
