import semver from 'semver'
import type { Bundle } from '../bundle/bundle.ts'
import { engineOf } from '../facts/engines.ts'
import { packageOf, placeOfKey } from '../facts/packages.ts'
import type { Statement } from '../statements/statement.ts'
import { checkLicence } from './check-licences.ts'
import { checkPackage } from './check-packages.ts'
import { contradicted, holds, line, undecided, type Verdict } from './verdict.ts'

/** Checks versions, engines, licences and package names against manifests. */
export function checkVersions(bundle: Bundle, statements: readonly Statement[]): readonly Verdict[] {
  return statements.map((statement) => {
    if (statement.kind === 'package') return checkPackage(bundle, statement)
    if (statement.kind === 'licence') return checkLicence(bundle, statement)
    if (statement.kind === 'engine') return checkEngine(bundle, statement)
    return checkVersion(bundle, statement)
  })
}

/** Talk of the past, of others, or of several versions: no claim about what holds now. */
const HISTORY =
  /\b(since|before|until|prior|dropp?(ed|s|ing)?|remov\w*|deprecat\w*|older|earlier|introduc\w*|added|as of|starting|tested|bugs?|experimental|was|were|did|end[- ]of[- ]life|eol|migrat\w*|upgrad\w*|supports?|supported|compatib\w*|previous\w*|legacy|between|up to|not|no longer|only (?:in|on|with)|if|when|changed?|fixed|released?|default(?:ed)?)\b/i

/** The first `parts` numbers of a version. */
const truncated = (version: string, parts: number): string => version.split('.').slice(0, parts).join('.')

const partsOf = (version: string): number => version.split('.').filter((part) => part !== 'x').length

function checkVersion(bundle: Bundle, statement: Statement): Verdict {
  const facts = packageOf(bundle, statement.file)
  const name = statement.context.about ?? ''
  if (facts === undefined)
    return undecided(statement, 'not a statement about this folder', 'No package.json of the folder is meant.')
  return name === facts.name ? checkOwnVersion(bundle, statement) : checkDependency(bundle, statement)
}

function checkOwnVersion(bundle: Bundle, statement: Statement): Verdict {
  const facts = packageOf(bundle, statement.file)
  const place = facts && placeOfKey(bundle, facts.file, ['version'])
  if (facts?.version === undefined || place === undefined)
    return undecided(statement, 'ambiguous', 'The manifest names no version.')
  if (truncated(facts.version, partsOf(statement.subject)) === statement.subject)
    return holds(statement, `${facts.file} has this version.`, [line(place)])
  return contradicted(statement, {
    reason: `${facts.file} has version ${facts.version}.`,
    evidence: [line(place)],
    replacement: facts.version,
  })
}

/** Words by which a document says that the folder itself uses a version. */
const USE =
  /\b(uses?|used|using|built (?:on|with)|based on|powered by|runs on|depends? on|pins?|pinned|needs?|requires?|relies on|ships with)\b/i

function checkDependency(bundle: Bundle, statement: Statement): Verdict {
  const { subject, sentence, context } = statement
  const facts = packageOf(bundle, statement.file)
  const name = context.about ?? ''
  const range = facts?.dependencies.get(name)
  const key = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'].find(
    (group) => facts && placeOfKey(bundle, facts.file, [group, name]) !== undefined,
  )
  const place = facts && key && placeOfKey(bundle, facts.file, [key, name])
  if (facts === undefined || range === undefined || !place || semver.validRange(range) === null) {
    return undecided(statement, 'ambiguous', `The manifest binds ${name} to no version.`)
  }
  const claimed = subject.replace(/\.x/g, '')
  if (semver.intersects(range, claimed))
    return holds(statement, `${facts.file} asks for ${name} ${range}.`, [line(place)])
  if (HISTORY.test(sentence) || /\b(?:and|or) (?:above|higher|later|newer|up)\b/.test(sentence) || range.includes('||'))
    return undecided(statement, 'ambiguous', `The sentence does not say that ${name} ${subject} is used now.`)
  if (!USE.test(sentence) && statement.context.column === undefined)
    return undecided(statement, 'ambiguous', 'The sentence does not say what uses it.')
  const least = semver.minVersion(range)?.version
  return contradicted(statement, {
    reason: `${facts.file} asks for ${name} ${range}.`,
    evidence: [line(place)],
    replacement: least === undefined || subject.includes('x') ? undefined : truncated(least, partsOf(subject)),
    suggestion: `Name the version that ${facts.file} asks for.`,
  })
}

const DEMAND =
  /\b(requires?|required|needs?|needed|prerequisites?|requirements?|minimum|at least|works (?:on|with)|runs on|you(?:'ll| will)? need|must have)\b|≥|>=|&gt;=/i
/** A sentence that opens with the tool or soon says `requires` is about the whole folder. */
const PROJECT_DEMAND =
  /^[\s*_>|-]*(?:(?:\S+ ){0,4}(?:requires?|needs?)\b|(?:node(?:\.?js)?|npm|pnpm|yarn|python|go|rust)\b)|\bprerequisites?\b|\brequirements?\b/i
const PART =
  /\b(develop\w*|contribut\w*|tests?|test suite|builds?|building|benchmarks?|examples?|snippet|sample|feature|this (?:method|option|api|flag|function|command|section|guide|page))\b/i

function checkEngine(bundle: Bundle, statement: Statement): Verdict {
  const { subject, sentence, context } = statement
  const tool = context.about ?? ''
  const engine = engineOf(bundle, statement.file, tool)
  const range = engine && semver.validRange(engine.range)
  if (engine === undefined || !range)
    return undecided(statement, 'ambiguous', `No manifest of the folder asks for a version of ${tool}.`)
  const parts = partsOf(subject)
  const leasts = engine.range.split('||').flatMap((set) => semver.minVersion(set)?.version ?? [])
  if (leasts.some((least) => truncated(least, parts) === truncated(subject, parts)))
    return holds(statement, `${engine.place.file} asks for ${tool} ${engine.range}.`, [line(engine.place)])
  const claimed = semver.coerce(subject)?.version ?? '0.0.0'
  const isLower = semver.ltr(claimed, range) && leasts.length === 1
  const isMention = context.bound !== 'least' && !DEMAND.test(sentence)
  if (!isLower && isMention && semver.satisfies(claimed, range))
    return holds(statement, `${engine.place.file} allows ${tool} ${subject}.`, [line(engine.place)])
  const doubt = doubtAboutEngine(statement)
  if (doubt !== undefined || leasts.length !== 1)
    return undecided(statement, 'ambiguous', doubt ?? `${engine.place.file} allows several ranges of ${tool}.`)
  const [least = ''] = leasts
  return contradicted(statement, {
    reason: `${engine.place.file} asks for ${tool} ${engine.range}.`,
    evidence: [line(engine.place)],
    replacement: least.replace(/(\.0)+$/, ''),
  })
}

function doubtAboutEngine(statement: Statement): string | undefined {
  const { sentence, context } = statement
  const rest = sentence.replace(/\bdefault\b/gi, '')
  if (HISTORY.test(rest)) return 'The sentence does not speak of what is needed now.'
  if ((sentence.match(/(?<![\w.])v?\d+(?:\.\d+)*(?![\w%])/g) ?? []).length > 1)
    return 'The sentence names several versions.'
  if (context.bound !== 'least' && !DEMAND.test(sentence)) return 'The sentence does not say what is needed.'
  const isAboutAll =
    PROJECT_DEMAND.test(sentence) ||
    /^(prerequisites?|requirements?|install(ation|ing)?)\b/i.test(context.section?.at(-1) ?? '')
  return isAboutAll && !PART.test(sentence) ? undefined : 'The sentence may be about one feature only.'
}
