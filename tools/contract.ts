/**
 * `npm run contract`: compares the events of all contracts with those of the last release, `tools/contract-baseline.json`, and fails where one breaks its readers
 * or writers without a major version. `--update`, at a release, writes the baseline anew; it refuses while something breaks.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Catalogue, catalogueOf, compareCatalogues } from '@soma/registry/contract'
import { contractsOf, somaPlatform } from '@soma/server'
import { type Finding, reportFindings } from './finding.ts'

const BASELINE = 'tools/contract-baseline.json'

/** What breaks between two catalogues, a finding an event. */
export const breaksOf = (before: Catalogue, after: Catalogue): Finding[] =>
  compareCatalogues(before, after)
    .filter(({ isBreaking }) => isBreaking)
    .map(({ what, from, to, needs, changes }) => ({
      path: BASELINE,
      rule: 'contract-break',
      message: `${what} ${from} → ${to ?? 'gone'}: ${changes.map(({ pointer, why }) => `${pointer} ${why}`).join('; ')}`,
      remedy:
        needs === undefined
          ? 'keep it, deprecated, for a release'
          : `raise its version to ${needs}, or take the change back`,
    }))

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const path = join(process.cwd(), BASELINE)
  const now = catalogueOf(contractsOf(somaPlatform).flatMap(({ events }) => events))
  const breaks = breaksOf(JSON.parse(readFileSync(path, 'utf8')) as Catalogue, now)
  if (breaks.length === 0 && process.argv.includes('--update'))
    writeFileSync(path, `${JSON.stringify(now, undefined, 1)}\n`)
  reportFindings(breaks, 'no event of the contracts breaks what the last release promised')
}
