import type { Bundle } from '../bundle/bundle.ts'
import { codeLines } from '../facts/code-words.ts'
import { isTestPath } from '../facts/environment.ts'
import { portsOf } from '../facts/ports.ts'
import { isFullyRead } from '../facts/paths.ts'
import type { Statement } from '../statements/statement.ts'
import { contradicted, holds, isHedged, line, undecided, type Verdict } from './verdict.ts'

/** Ports that other programs are known by: 5432 is Postgres wherever it is named. */
const OTHERS = new Set([
  '21',
  '22',
  '25',
  '53',
  '80',
  '443',
  '587',
  '1883',
  '2181',
  '3306',
  '4222',
  '4317',
  '4318',
  '5432',
  '5672',
  '6379',
  '6443',
  '7233',
  '8125',
  '8181',
  '9092',
  '9200',
  '11211',
  '27017',
])

const CLAIM =
  /\b(listens?|listening|defaults?|open|visit|browse|available|serve[sd]?|running|runs?|starts?|reachable|exposes?|binds?)\b/i

/** Checks a port that a document says the program uses by default. */
export function checkPort(bundle: Bundle, statement: Statement): Verdict {
  const { subject, context, sentence } = statement
  const { named, defaults } = portsOf(bundle)
  const place = defaults.get(subject) ?? named.get(subject)
  if (place !== undefined && isTestPath(place.file))
    return undecided(statement, 'ambiguous', `Only ${place.file} names the port, which does not run the program.`)
  if (place !== undefined) return holds(statement, 'The code names the port.', [line(place)])
  if (OTHERS.has(subject))
    return undecided(statement, 'not a statement about this folder', `${subject} is the port of another program.`)
  if (context.bound === 'least' || !CLAIM.test(sentence))
    return undecided(statement, 'ambiguous', 'The sentence does not say that the program uses the port by default.')
  if (isHedged(sentence)) return undecided(statement, 'ambiguous', 'The sentence does not speak of the default.')
  const [only, second] = defaults.keys()
  if (only === undefined || second !== undefined || !isFullyRead(bundle))
    return undecided(statement, 'ambiguous', `The code names ${defaults.size} default ports.`)
  const number = new RegExp(`(?<![\\w.])${subject}(?![\\w.])`)
  if (codeLines(bundle, number).length > 0)
    return undecided(statement, 'ambiguous', `The code holds the number ${subject}, not as a port.`)
  const shown = defaults.get(only)
  return contradicted(statement, {
    reason: `The code uses port ${only} by default and nowhere names ${subject}.`,
    evidence: [{ type: 'absent-word', word: subject }, ...(shown === undefined ? [] : [line(shown)])],
    replacement: only,
  })
}
