import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Verdict } from './engine.ts'
import { folderOf, readLabels, verdictsOn } from './testing/run-engine.ts'

interface IndependentLabels {
  readonly package: string
  readonly version: string
  /** What the engine called false when it first saw the project, and what of it was. Kept as it was, whatever is mended. */
  readonly firstRun: { readonly false: number; readonly right: number }
  readonly false: readonly { readonly kind: string; readonly place: string; readonly subject: string }[]
  /** `file:line subject` */
  readonly true: readonly string[]
}

const NAMES = readdirSync(new URL('../labels/independent', import.meta.url)).map((file) => file.replace('.json', ''))

const nameOf = ({ statement }: Verdict): string => `${statement.file}:${statement.line} ${statement.subject}`

/** The labels of a project beside what the engine says of it. */
function judged(name: string) {
  const labels = readLabels<IndependentLabels>(`independent/${name}`)
  const folder = folderOf(name)
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }
  expect(version, `${name} was judged in another version; judge it again`).toBe(labels.version)
  const lies = new Set(labels.false.map(({ place, subject }) => `${place} ${subject}`))
  const verdicts = verdictsOn(folder)
  const found = new Set(verdicts.filter(({ verdict }) => verdict === 'false').map(nameOf))
  return { labels, lies, verdicts, found, right: [...found].filter((lie) => lies.has(lie)) }
}

test('EXA-R7 on projects whose labels were made without the engine no truth is called false and nine of ten lies are found', () => {
  const projects = NAMES.map(judged)
  for (const { labels, lies, verdicts, found } of projects) {
    expect([...found].filter((lie) => !lies.has(lie))).toEqual([])
    const truths = new Set(labels.true)
    const doubted = verdicts.filter((verdict) => truths.has(nameOf(verdict)) && verdict.verdict !== 'true')
    expect(doubted.map(nameOf)).toEqual([])
  }
  const right = projects.flatMap((project) => project.right).length
  expect(right / projects.flatMap(({ lies }) => [...lies]).length).toBeGreaterThanOrEqual(0.9)
}, 120_000)
