import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  answerQuestion,
  type Bundle,
  checkStatements,
  composeReport,
  extractStatements,
  packFolder,
  reviewAndRevise,
  type Report,
  type Verdict,
} from '../engine.ts'

/** The whole run without its agents. */
export function runEngine(bundle: Bundle, model?: string): Report {
  const extraction = extractStatements(bundle)
  const verdicts = checkStatements(bundle, extraction.statements)
  const answer = answerQuestion(bundle)
  return reviewAndRevise(
    bundle,
    composeReport({ bundle, extraction, verdicts, answer, ...(model === undefined ? {} : { model }) }),
  )
}

/** Verdicts on a folder. */
export function verdictsOn(folder: string): readonly Verdict[] {
  const bundle = packFolder(folder)
  return checkStatements(bundle, extractStatements(bundle, { maxStatements: 10_000 }).statements)
}

export const PLANTED_LIES = fileURLToPath(new URL('../../fixtures/planted-lies', import.meta.url))

export const readLabels = <Labels>(name: string): Labels =>
  JSON.parse(readFileSync(new URL(`../../labels/${name}.json`, import.meta.url), 'utf8')) as Labels

/** An installed package's own folder. */
export function folderOf(name: string): string {
  const places = createRequire(import.meta.url).resolve.paths(name) ?? []
  const folder = places.map((place) => join(place, name)).find((place) => existsSync(join(place, 'package.json')))
  if (folder === undefined) throw new Error(`${name} is not installed.`)
  return folder
}
