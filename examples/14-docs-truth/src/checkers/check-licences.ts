import { type Bundle, linesOf } from '../bundle/bundle.ts'
import { packageOf, placeOfKey } from '../facts/packages.ts'
import { pathFactsOf } from '../facts/paths.ts'
import { type Place, placeOfLine } from '../facts/place.ts'
import type { Statement } from '../statements/statement.ts'
import { contradicted, holds, line, undecided, type Verdict } from './verdict.ts'

const TITLES: readonly (readonly [RegExp, string])[] = [
  [/\bMIT License\b|^\(?The MIT|Permission is hereby granted, free of charge/i, 'MIT'],
  [/\bISC License\b|Permission to use, copy, modify, and\/or distribute/i, 'ISC'],
  [/\bApache License\b/i, 'Apache-2.0'],
  [/\bMozilla Public License\b/i, 'MPL-2.0'],
  [/\bGNU AFFERO GENERAL PUBLIC\b/i, 'AGPL'],
  [/\bGNU LESSER GENERAL PUBLIC\b/i, 'LGPL'],
  [/\bGNU GENERAL PUBLIC\b/i, 'GPL'],
  [/\bBSD [23]-Clause\b|Redistributions of source code must retain/i, 'BSD'],
  [/\bThis is free and unencumbered software\b/i, 'Unlicense'],
]

/** Talk of others' licences. */
const OTHERS =
  /\b(dependenc\w*|third|bundled|includes?|except|parts?|portions?|contains?|borrowed|fork\w*|based on|originally|dual|some|other|fonts?|icons?|logo|data|docs|documentation)\b/i

interface LicenceFact {
  readonly name: string
  readonly place: Place
}

/** Checks which licence a document says the folder has. */
export function checkLicence(bundle: Bundle, statement: Statement): Verdict {
  const facts = licencesOf(bundle, statement.file)
  const same = facts.find((fact) => isSame(statement.subject, fact.name))
  if (same !== undefined) return holds(statement, `${same.place.file} names the licence.`, [line(same.place)])
  const [first] = facts
  if (first === undefined) return undecided(statement, 'ambiguous', 'No manifest of the folder names a licence.')
  const isCertain =
    statement.context.about === 'section' ||
    /\b(this (project|package|library|software|repository)|licen[sc]ed under|released under)\b/i.test(
      statement.sentence,
    )
  if (!isCertain || OTHERS.test(statement.sentence))
    return undecided(statement, 'ambiguous', 'The sentence may be about the licence of something else.')
  return contradicted(statement, {
    reason: `${first.place.file} says ${first.name}.`,
    evidence: facts.map((fact) => line(fact.place)),
    replacement: /^[\w.-]+$/.test(first.name) ? first.name : undefined,
    suggestion: 'Name the licence of the manifest.',
  })
}

function isSame(claimed: string, actual: string): boolean {
  const plain = (name: string): string =>
    name.toLowerCase().replace(/licen[sc]e|version|clause|only|or-later|[^a-z0-9]|\.0\b/g, '')
  const [left, right] = [plain(claimed), plain(actual)]
  return (
    left === right ||
    right.includes(left) ||
    (left.replace(/\d+$/, '') === right.replace(/\d+$/, '') && (!/\d/.test(left) || !/\d/.test(right)))
  )
}

/** What the manifest and the licence file say; the manifest first. */
function licencesOf(bundle: Bundle, file: string): readonly LicenceFact[] {
  const facts = packageOf(bundle, file)
  const place = facts && placeOfKey(bundle, facts.file, ['license'])
  const manifest =
    facts?.licence !== undefined && place !== undefined && !/^SEE /i.test(facts.licence)
      ? [{ name: facts.licence, place }]
      : []
  const files = [...new Set(['', facts?.directory ?? ''])].flatMap((directory) =>
    pathFactsOf(bundle)
      .namesIn(directory)
      .filter((name) => /^(licen[cs]e|copying)/i.test(name))
      .map((name) => (directory === '' ? name : `${directory}/${name}`)),
  )
  return [...manifest, ...files.flatMap((path) => licenceFile(bundle, path))]
}

function licenceFile(bundle: Bundle, path: string): readonly LicenceFact[] {
  for (const [index, text] of linesOf(bundle, path).slice(0, 30).entries()) {
    const title = TITLES.find(([pattern]) => pattern.test(text))
    if (title !== undefined) return [{ name: title[1], place: placeOfLine(bundle, path, index + 1) }]
  }
  return []
}
