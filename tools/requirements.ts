/**
 * `npm run requirements`: which rules of the specification a test proves.
 *
 * A rule is defined by a list item of a page (`- **EVT-R8** …`, acceptance scenarios too) and proven by a test whose
 * title names it. The titles of a `testing/` suite count once a test file imports that suite. `docs/spec/proven.json`
 * is a ratchet: what has been proven stays proven.
 *
 * `--list` names every rule, `--check` fails where a proven rule lost its test or a title names no rule, `--update`
 * writes the ratchet.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Finding, reportFindings } from './finding.ts'
import { importsOf } from './imports.ts'
import { isTypeScript, listFiles } from './source-files.ts'
import { testTitles } from './test-titles.ts'
import { readJson, readWorkspaces } from './workspaces.ts'

const PAGES = 'docs/spec'
const RATCHET = `${PAGES}/proven.json`
const DEFINITION = /^- \*\*([A-Z]{3}-[RA]\d+)\*\*/gm
const CITATION = /\b[A-Z]{3}-[RA]\d+\b/g
/** The long suites of the first run and the suite of faults are tests too; `npm run test:first-run` and `npm run test:chaos` run them. */
const TEST_FILE = /(?:\.(?:test|long)|chaos-suite)\.ts$/

export interface Requirements {
  /** Page name → ids in the order of the page. */
  readonly pages: ReadonlyMap<string, readonly string[]>
  /** Cited id → test files that cite it. */
  readonly citations: ReadonlyMap<string, readonly string[]>
  /** Ids of the ratchet file. */
  readonly ratchet: readonly string[]
}

export function readRequirements(root: string): Requirements {
  const pages = new Map(
    listFiles(root, PAGES)
      .filter((path) => path.endsWith('.md'))
      .map((path) => [posix.basename(path), definedIds(readFileSync(join(root, path), 'utf8'))]),
  )
  const ratchet = existsSync(join(root, RATCHET)) ? readJson<string[]>(join(root, RATCHET)) : []
  return { pages, citations: readCitations(root), ratchet }
}

export function definedIds(page: string): string[] {
  return [...page.matchAll(DEFINITION)].map((match) => match[1] ?? '')
}

/** Proven ids that lost their test, titles that name no rule, and rules that two lines define. */
export function checkRequirements({ pages, citations, ratchet }: Requirements): Finding[] {
  const defined = [...pages.values()].flat()
  const known = new Set(defined)
  const lost = ratchet
    .filter((id) => !citations.has(id))
    .map((id) => ({
      path: RATCHET,
      rule: 'requirements-ratchet',
      message: `${id} was proven and no test names it any more`,
      remedy: 'bring its test back; a promise that is withdrawn needs its reason in docs/decisions/',
    }))
  const unknown = [...citations]
    .filter(([id]) => !known.has(id))
    .flatMap(([id, files]) =>
      files.map((path) => ({
        path,
        rule: 'requirements-unknown',
        message: `a title names ${id}, which no page of ${PAGES} defines`,
        remedy: 'correct the id, or bring its page',
      })),
    )
  const doubled = defined
    .filter((id, index) => defined.indexOf(id) !== index)
    .map((id) => ({
      path: PAGES,
      rule: 'requirements-double',
      message: `${id} is defined twice`,
      remedy: 'a new rule takes the next free number',
    }))
  return [...lost, ...unknown, ...doubled]
}

/** The ids that a page defines and a test names, sorted by page prefix and number. */
export function provenIds({ pages, citations }: Requirements): string[] {
  return [...pages.values()]
    .flat()
    .filter((id) => citations.has(id))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
}

/** One line a page, and with `withList` one a rule. */
export function formatReport({ pages, citations }: Requirements, withList: boolean): string {
  const lines = [...pages]
    .filter(([, ids]) => ids.length > 0)
    .flatMap(([page, ids]) => {
      const proven = ids.filter((id) => citations.has(id)).length
      const summary = `${page.padEnd(16)} proven ${String(proven).padStart(3)}   not proven ${String(ids.length - proven).padStart(3)}`
      return withList
        ? [summary, ...ids.map((id) => `  ${id.padEnd(9)} ${citations.get(id)?.join(', ') ?? '-'}`)]
        : [summary]
    })
  return lines.join('\n')
}

function readCitations(root: string): Map<string, string[]> {
  const files = listFiles(root).filter(isTypeScript)
  const tests = files.filter((path) => TEST_FILE.test(path))
  const citing = [...tests, ...suitesInUse(root, files, tests)]
  const citations = new Map<string, string[]>()
  for (const path of citing) {
    const ids = testTitles(readFileSync(join(root, path), 'utf8')).flatMap((title) => title.match(CITATION) ?? [])
    for (const id of new Set(ids)) citations.set(id, [...(citations.get(id) ?? []), path])
  }
  return citations
}

/** Files of the `testing/` folders that at least one test file imports, by package name or by path. */
function suitesInUse(root: string, files: readonly string[], tests: readonly string[]): string[] {
  const imported = new Set(
    tests.flatMap((path) =>
      importsOf(readFileSync(join(root, path), 'utf8')).map((specifier) =>
        specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier,
      ),
    ),
  )
  return readWorkspaces(root).flatMap(({ folder, manifest }) => {
    const suites = `${folder}/testing/`
    const isUsed = [...imported].some((target) => target === `${manifest.name}/testing` || target.startsWith(suites))
    return isUsed ? files.filter((path) => path.startsWith(suites) && !TEST_FILE.test(path)) : []
  })
}

function run(root: string, options: readonly string[]): void {
  const requirements = readRequirements(root)
  const proven = provenIds(requirements)
  if (options.includes('--update')) {
    writeFileSync(join(root, RATCHET), `${JSON.stringify(proven, null, 2)}\n`)
    console.log(`${RATCHET}: ${proven.length} rules proven`)
    return
  }
  if (!options.includes('--check')) {
    console.log(formatReport(requirements, options.includes('--list')))
    return
  }
  const fresh = proven.filter((id) => !requirements.ratchet.includes(id)).length
  if (fresh > 0) console.log(`${fresh} rules are newly proven: npm run requirements -- --update`)
  reportFindings(checkRequirements(requirements), `${proven.length} rules proven, none lost`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) run(process.cwd(), process.argv.slice(2))
