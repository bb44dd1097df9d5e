import type { Bundle } from '../bundle/bundle.ts'
import { editDistance } from '../facts/nearest.ts'
import { type PackageFacts, packagesOf, placeOfKey } from '../facts/packages.ts'
import { normalise, pathFactsOf } from '../facts/paths.ts'
import { placeOfLine } from '../facts/place.ts'
import type { Statement } from '../statements/statement.ts'
import { isMadeLater, nearbyNames } from './resolve-path.ts'
import { contradicted, holds, line, undecided, type Verdict } from './verdict.ts'

/** Checks package names and entry points against the manifests of the folder. */
export function checkPackage(bundle: Bundle, statement: Statement): Verdict {
  const packages = packagesOf(bundle)
  const { subject } = statement
  const own = packages
    .filter((facts) => facts.name !== undefined && (subject === facts.name || subject.startsWith(`${facts.name}/`)))
    .toSorted((left, right) => (right.name?.length ?? 0) - (left.name?.length ?? 0))[0]
  if (own !== undefined)
    return subject === own.name ? checkOwnName(bundle, statement, own) : checkEntry(bundle, statement, own)
  const user = packages.find((facts) => facts.dependencies.has(subject))
  const place = user && placeOfDependency(bundle, user, subject)
  if (user !== undefined && place !== undefined) return holds(statement, `${user.file} depends on it.`, [line(place)])
  return checkForeignName(bundle, statement)
}

const DEPENDENCY_KEYS = ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies']

const placeOfDependency = (bundle: Bundle, facts: PackageFacts, name: string): ReturnType<typeof placeOfKey> =>
  DEPENDENCY_KEYS.map((key) => placeOfKey(bundle, facts.file, [key, name])).find((place) => place !== undefined)

function checkOwnName(bundle: Bundle, statement: Statement, own: PackageFacts): Verdict {
  return holds(statement, `${own.file} has this name.`, [
    line(placeOfKey(bundle, own.file, ['name']) ?? placeOfLine(bundle, own.file, 1)),
  ])
}

/** A name that is one or two letters away from a package of the folder, and that nothing here depends on, is a slip. */
function checkForeignName(bundle: Bundle, statement: Statement): Verdict {
  const { subject } = statement
  const near = packagesOf(bundle).filter((facts) => facts.name !== undefined && isSlip(subject, facts.name))
  const [own] = near
  const isWritten = bundle.search(subject, { kinds: ['source', 'manifest'], limit: 1 }).length > 0
  if (own?.name === undefined || near.length > 1 || isWritten || statement.context.isElsewhere === true) {
    return undecided(statement, 'needs network', `${subject} is a package of the registry.`)
  }
  return contradicted(statement, {
    reason: `The package is called ${own.name}.`,
    evidence: [line(placeOfKey(bundle, own.file, ['name']) ?? placeOfLine(bundle, own.file, 1))],
    replacement: own.name,
  })
}

const isSlip = (claimed: string, actual: string): boolean =>
  actual.length >= 7 &&
  (editDistance(claimed, actual, 2) === 1 || (actual.length >= 10 && editDistance(claimed, actual, 2) === 2)) &&
  !/\d$/.test(claimed)

const SOURCE_ENDINGS = [
  '',
  '.js',
  '.cjs',
  '.mjs',
  '.json',
  '.node',
  '.d.ts',
  '.ts',
  '/index.js',
  '/index.cjs',
  '/index.mjs',
  '/package.json',
  '/index.ts',
]

/** `name/entry`: by the manifest's exports if it has them, else by the files. */
function checkEntry(bundle: Bundle, statement: Statement, own: PackageFacts): Verdict {
  const entry = `.${statement.subject.slice(own.name?.length)}`
  if (own.exports !== undefined) return checkExport(bundle, statement, { own, entry })
  const path = normalise(`${own.directory}/${entry}`)
  const facts = pathFactsOf(bundle)
  const found = SOURCE_ENDINGS.map((ending) => `${path}${ending}`).find(
    (candidate) => facts.typeOf(candidate) !== undefined,
  )
  if (found !== undefined)
    return holds(statement, `The package has ${found}.`, [{ type: 'name', path: found, isThere: true }])
  if (isMadeLater(bundle, path)) return undecided(statement, 'ambiguous', `${path} is made later.`)
  return contradicted(statement, {
    reason: `The package has no ${path}.`,
    evidence: [{ type: 'name', path, isThere: false, nearby: nearbyNames(bundle, path) }],
    suggestion: 'Import a file that the package has.',
  })
}

function checkExport(
  bundle: Bundle,
  statement: Statement,
  wanted: { readonly own: PackageFacts; readonly entry: string },
): Verdict {
  const { own, entry } = wanted
  const keys =
    typeof own.exports === 'object' && own.exports !== null
      ? Object.keys(own.exports).filter((key) => key.startsWith('.'))
      : []
  const match = keys.find(
    (key) =>
      key === entry || (key.includes('*') && matches(entry, key)) || (key.endsWith('/') && entry.startsWith(key)),
  )
  const place =
    placeOfKey(bundle, own.file, match === undefined ? ['exports'] : ['exports', match]) ??
    placeOfLine(bundle, own.file, 1)
  if (match !== undefined) return holds(statement, `${own.file} exports it.`, [line(place)])
  return contradicted(statement, {
    reason: `${own.file} exports ${keys.length === 0 ? 'one entry' : `${keys.length} entries`}, none is ${entry}.`,
    evidence: [line(place)],
    suggestion: 'Import an entry that the package exports.',
  })
}

function matches(entry: string, pattern: string): boolean {
  const [before = '', after = ''] = pattern.split('*')
  return entry.startsWith(before) && entry.endsWith(after) && entry.length > before.length + after.length
}
