import type { Bundle } from '../bundle/bundle.ts'
import { onlyNearest } from '../facts/nearest.ts'
import { nearestPlace, type PackageFacts, packageOf, packagesOf, placeOfKey } from '../facts/packages.ts'
import { directoryOf, normalise, pathFactsOf } from '../facts/paths.ts'
import type { Statement } from '../statements/statement.ts'
import { contradicted, holds, line, undecided, type Verdict } from './verdict.ts'

/** Checks that a script exists in the package a command speaks to. Nothing is run. */
export function checkScript(bundle: Bundle, statement: Statement): Verdict {
  const { subject, context } = statement
  const packages = packagesOf(bundle)
  const addressed = addressedPackages(bundle, statement)
  const owner = addressed.find((facts) => facts.scripts.has(subject))
  const place = owner && placeOfKey(bundle, owner.file, ['scripts', subject])
  if (owner !== undefined && place !== undefined)
    return holds(statement, `${owner.file} has the script.`, [line(place)])
  if (context.isElsewhere === true)
    return undecided(statement, 'not a statement about this folder', 'The command is about another project.')
  const [nearest] = addressed
  if (nearest === undefined)
    return undecided(statement, 'not a statement about this folder', 'No package.json of the folder is meant.')
  const doubt = doubtAbout(bundle, statement, nearest)
  if (doubt !== undefined) return undecided(statement, 'ambiguous', doubt)
  const other = packages.find((facts) => facts.scripts.has(subject))
  if (other !== undefined)
    return undecided(statement, 'ambiguous', `${other.file} has the script; the document does not say to run it there.`)
  return missingScript(bundle, statement, nearest)
}

/** The packages a command can mean, the likeliest first; options like `-w` and `--prefix` name one. */
function addressedPackages(bundle: Bundle, statement: Statement): readonly PackageFacts[] {
  const packages = packagesOf(bundle)
  const named = /(?:^|\s)(?:-w|--workspace|--prefix|-C|--cwd|--dir|--filter|-F)[ =](\S+)/.exec(
    (statement.context.words ?? []).join(' '),
  )?.[1]
  if (named !== undefined) {
    return packages.filter(
      (facts) =>
        facts.name === named ||
        facts.directory === normalise(named) ||
        facts.directory.endsWith(`/${normalise(named)}`),
    )
  }
  const { directory } = statement.context
  const here = directory === undefined || directory === '' ? undefined : packageOf(bundle, `${directory}/x`)
  const top = packages.find((facts) => facts.directory === '')
  return [...new Set([here, packageOf(bundle, statement.file), top].filter((facts) => facts !== undefined))]
}

const DEVELOPER_DOCUMENT = /(^|\/)(contributing|develop\w*|hacking|building|testing)[^/]*$/i
const DEVELOPER_SECTION =
  /\b(develop\w*|contribut\w*|build\w*|test\w*|scripts?|hacking|from source|locally|quick ?start|getting started|run\w*|usage|commands?)\b/i

/** Why the lack of a script is no contradiction. */
function doubtAbout(bundle: Bundle, statement: Statement, facts: PackageFacts): string | undefined {
  const { subject, file, context } = statement
  const words = context.words ?? []
  if (words.some((word) => /^(-r|--recursive|--workspaces|-ws|--if-present|--filter|-F)$|^--filter=/.test(word)))
    return 'The command picks its packages itself.'
  if ((bundle.read(file) ?? '').includes(`"${subject}":`)) return `The document shows how to add the script ${subject}.`
  if (subject === 'start' && pathFactsOf(bundle).typeOf(normalise(`${facts.directory}/server.js`)) === 'file')
    return 'npm starts server.js without a script.'
  const isShort = words[0] !== 'npm' && words[1] === subject && subject !== 'test' && subject !== 'start'
  if (isShort && onlyNearest(subject, [...facts.scripts.keys()]) === undefined)
    return `${subject} may be a command of a dependency.`
  if (isShort && facts.dependencies.has(subject)) return `${subject} may be a command of a dependency.`
  if (facts.isPart) return `${facts.file} belongs to a larger repository, whose script may be meant.`
  const isHere =
    DEVELOPER_SECTION.test((context.section ?? []).join(' ')) &&
    facts.scripts.size > 0 &&
    directoryOf(file) === facts.directory
  const isAboutItself =
    facts.isPrivate || isHere || DEVELOPER_DOCUMENT.test(file) || speaksOfScripts(bundle, file, facts)
  return isAboutItself ? undefined : 'The document does not say whose script it means.'
}

/** Whether the document names another script that the package has. */
function speaksOfScripts(bundle: Bundle, file: string, facts: PackageFacts): boolean {
  const text = bundle.read(file) ?? ''
  return [...text.matchAll(/\b(?:npm|pnpm|yarn|bun)(?: run)? ([\w:-]+)/g)].some((match) =>
    facts.scripts.has(match[1] ?? ''),
  )
}

function missingScript(bundle: Bundle, statement: Statement, facts: PackageFacts): Verdict {
  const nearest = onlyNearest(statement.subject, [...facts.scripts.keys()])
  const place = nearest === undefined ? undefined : placeOfKey(bundle, facts.file, ['scripts', nearest])
  return contradicted(statement, {
    reason: `${facts.file} has ${facts.scripts.size} scripts, none is ${statement.subject}.`,
    evidence: [line(place ?? nearestPlace(bundle, facts.file, ['scripts']))],
    replacement: nearest,
    suggestion: 'Name a script that exists, or add it.',
  })
}
