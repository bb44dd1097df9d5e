/** What installing the SDK brings: its packed size, and the packages outside @soma that come with it, by the lock file. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runChild } from './child.ts'
import { printFigure } from './figures.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

interface LockEntry {
  readonly link?: boolean
  readonly resolved?: string
  readonly dependencies?: Readonly<Record<string, string>>
}

const packages = (
  JSON.parse(readFileSync(`${root}/package-lock.json`, 'utf8')) as { packages: Record<string, LockEntry> }
).packages

/** Follows dependencies as Node finds them: the nearest `node_modules` upwards. */
function packagesOf(name: string): Set<string> {
  const found = new Set<string>()
  const visit = (place: string) => {
    if (found.has(place)) return
    found.add(place)
    const entry = packages[place]
    const at = entry?.link === true ? (entry.resolved as string) : place
    for (const dependency of Object.keys(packages[at]?.dependencies ?? {})) visit(placeOf(dependency, at))
  }
  visit(`node_modules/${name}`)
  return found
}

function placeOf(dependency: string, from: string): string {
  for (let folder = from; folder !== ''; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
    const place = `${folder}/node_modules/${dependency}`
    if (packages[place] !== undefined) return place
  }
  return `node_modules/${dependency}`
}

const outside = [...packagesOf('@soma/sdk')].filter((place) => !place.includes('node_modules/@soma/'))
const { stdout } = await runChild('npm', ['pack', '--dry-run', '--json', '--workspace', '@soma/sdk'], { cwd: root })
const packed = (JSON.parse(stdout) as { size: number }[])[0]?.size ?? Number.NaN
printFigure({
  bench: 'sdk.size',
  what: 'packed, KiB',
  values: [packed / 1_024],
  goal: { text: '≤ 400', isMet: packed / 1_024 <= 400 },
})
printFigure({
  bench: 'sdk.size',
  what: `packages outside @soma (${outside.map((place) => place.split('node_modules/').at(-1)).join(', ')})`,
  values: [outside.length],
  goal: { text: '≤ 3', isMet: outside.length <= 3 },
})
