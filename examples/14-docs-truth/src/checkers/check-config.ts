import type { Bundle } from '../bundle/bundle.ts'
import { codeWordsOf } from '../facts/code-words.ts'
import { environmentOf, hasCode, WELL_KNOWN_VARIABLES } from '../facts/environment.ts'
import { onlyNearest } from '../facts/nearest.ts'
import { isFullyRead } from '../facts/paths.ts'
import { documentsOf } from '../statements/parsed-documents.ts'
import type { Statement } from '../statements/statement.ts'
import { checkPort } from './check-ports.ts'
import { contradicted, holds, isHedged, line, undecided, type Verdict } from './verdict.ts'
import type { Place } from '../facts/place.ts'

/** Checks variables, ports and setting keys against the code. */
export function checkConfig(bundle: Bundle, statements: readonly Statement[]): readonly Verdict[] {
  return statements.map((statement) => {
    if (statement.kind === 'port') return checkPort(bundle, statement)
    if (statement.kind === 'setting') return checkSetting(bundle, statement)
    return statement.context.about === 'complete list'
      ? checkCompleteList(bundle, statement)
      : checkVariable(bundle, statement)
  })
}

/** A variable that code reads and no document names. */
export interface UndocumentedVariable {
  readonly name: string
  readonly place: Place
}

/** The reverse direction: what the code reads from its environment and no document of the bundle says. Tests and tools aside. */
export function listUndocumentedVariables(bundle: Bundle): readonly UndocumentedVariable[] {
  const { reads, onlyTests } = environmentOf(bundle)
  const texts = [...documentsOf(bundle), ...bundle.list('record')].map((file) => bundle.read(file.path) ?? '')
  return [...reads]
    .filter(
      ([name]) =>
        name.length > 2 &&
        !onlyTests.has(name) &&
        !WELL_KNOWN_VARIABLES.test(name) &&
        !texts.some((text) => text.includes(name)),
    )
    .map(([name, place]) => ({ name, place }))
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
}

function checkVariable(bundle: Bundle, statement: Statement): Verdict {
  const { subject, context } = statement
  const { reads } = environmentOf(bundle)
  const words = codeWordsOf(bundle)
  const place = reads.get(subject) ?? words.placeOf(subject)
  if (place !== undefined) return holds(statement, 'The code reads the variable.', [line(place)])
  if (WELL_KNOWN_VARIABLES.test(subject))
    return undecided(statement, 'ambiguous', `${subject} is read by other programs too.`)
  if (context.isElsewhere === true)
    return undecided(statement, 'not a statement about this folder', 'The command is about another project.')
  if (context.column === undefined)
    return undecided(statement, 'ambiguous', `The sentence does not say that ${subject} is a variable of this folder.`)
  const doubt = doubtAboutVariable(bundle, statement)
  if (doubt !== undefined) return undecided(statement, 'ambiguous', doubt)
  return absentVariable(bundle, statement)
}

/** Why the absence of a variable from the code is no contradiction. */
function doubtAboutVariable(bundle: Bundle, statement: Statement): string | undefined {
  const { subject, sentence, context } = statement
  const { reads, dynamic } = environmentOf(bundle)
  const words = codeWordsOf(bundle)
  if (!hasCode(bundle) || reads.size === 0) return 'No code of the folder reads variables.'
  if (!isFullyRead(bundle) || !words.isComplete) return 'Not all code was read.'
  const nearest = onlyNearest(subject, [...reads.keys()])
  if (dynamic !== undefined && nearest === undefined)
    return `${dynamic.file}:${dynamic.line} reads variables whose names are made up at run time.`
  if (words.hasLoosely(subject)) return `The code holds ${subject} in another spelling.`
  if (context.words === undefined && isHedged(sentence))
    return `The sentence does not say that the code reads ${subject}.`
  const known = (context.siblings ?? []).filter((name) => words.placeOf(name.replace(/=.*$/, '')) !== undefined).length
  const isTableOfOthers =
    context.siblings !== undefined && context.siblings.length > 0 && known * 2 < context.siblings.length
  if (isTableOfOthers) return 'The list around it is about variables of something else.'
  const isSample = context.words !== undefined && context.words.length > 0 && nearest === undefined
  return isSample ? `${subject} may be read by ${context.words?.[0]}.` : undefined
}

function absentVariable(bundle: Bundle, statement: Statement): Verdict {
  const { reads } = environmentOf(bundle)
  const nearest = onlyNearest(statement.subject, [...reads.keys()])
  const [first] = reads.values()
  const shown = nearest === undefined ? first : reads.get(nearest)
  return contradicted(statement, {
    reason: `The code reads ${reads.size} variables, none is ${statement.subject}.`,
    evidence: [{ type: 'absent-word', word: statement.subject }, ...(shown === undefined ? [] : [line(shown)])],
    replacement: nearest,
    suggestion: 'Name a variable that the code reads, or remove the statement.',
  })
}

function checkCompleteList(bundle: Bundle, statement: Statement): Verdict {
  const missing = listUndocumentedVariables(bundle)
  const [first] = environmentOf(bundle).reads.values()
  const [undocumented] = missing
  if (first === undefined) return undecided(statement, 'ambiguous', 'No code of the folder reads variables.')
  if (undocumented === undefined)
    return holds(statement, 'Every variable that the code reads is named in a document.', [line(first)])
  return contradicted(statement, {
    reason: `The code also reads ${missing.map((variable) => variable.name).join(', ')}, which no document names.`,
    evidence: [line(undocumented.place)],
    suggestion: `Document ${missing.map((variable) => variable.name).join(', ')}.`,
  })
}

function checkSetting(bundle: Bundle, statement: Statement): Verdict {
  const { subject, context, sentence } = statement
  const words = codeWordsOf(bundle)
  const parts = subject.split('.')
  const last = parts.at(-1) ?? subject
  const place = words.placeOf(subject) ?? words.placeOf(last)
  const areAllThere = parts.every((part) => words.placeOf(part) !== undefined || words.hasLoosely(part))
  if (place !== undefined && areAllThere) return holds(statement, 'The code names the key.', [line(place)])
  if (place !== undefined || words.hasLoosely(last))
    return undecided(statement, 'ambiguous', `The code holds ${last} in another spelling or place.`)
  const siblings = context.siblings ?? []
  const known = siblings.filter((name) => words.placeOf(name.split('.').at(-1) ?? name) !== undefined)
  if (siblings.length < 2 || known.length * 3 < siblings.length * 2)
    return undecided(statement, 'ambiguous', 'The table around it is not about keys of this code.')
  if (!isFullyRead(bundle) || !words.isComplete) return undecided(statement, 'ambiguous', 'Not all code was read.')
  if (/\b(removed|deprecated|no longer|planned|future)\b/i.test(sentence))
    return undecided(statement, 'ambiguous', 'The row says that the key is not there now.')
  return absentSetting(bundle, statement, known)
}

function absentSetting(bundle: Bundle, statement: Statement, known: readonly string[]): Verdict {
  const words = codeWordsOf(bundle)
  const shown = words.placeOf(known[0]?.split('.').at(-1) ?? '')
  const last = statement.subject.split('.').at(-1) ?? statement.subject
  return contradicted(statement, {
    reason: `No code of the folder holds ${last}, while it holds ${known.length} other keys of the table.`,
    evidence: [{ type: 'absent-word', word: last }, ...(shown === undefined ? [] : [line(shown)])],
    suggestion: 'Name the key as the code does, or remove the row.',
  })
}
