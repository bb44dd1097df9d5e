import type { Bundle } from '../bundle/bundle.ts'
import { isReportFolder } from '../bundle/walk-folder.ts'
import { directoryOf, pathFactsOf } from '../facts/paths.ts'
import type { Statement } from '../statements/statement.ts'
import { checkLink } from './check-links.ts'
import {
  basesOf,
  isMadeLater,
  isPlaceholder,
  nearbyNames,
  onlyCandidate,
  relativePath,
  resolvePath,
} from './resolve-path.ts'
import { contradicted, type Evidence, holds, isHedged, undecided, type Verdict } from './verdict.ts'

/** Checks paths, links and anchors against the names and headings of the bundle. */
export function checkPaths(bundle: Bundle, statements: readonly Statement[]): readonly Verdict[] {
  return statements.map((statement) =>
    statement.kind === 'path' ? checkPath(bundle, statement) : checkLink(bundle, statement),
  )
}

function checkPath(bundle: Bundle, statement: Statement): Verdict {
  const { subject } = statement
  const resolution = resolvePath(bundle, subject, basesOf(bundle, statement))
  if (resolution.type === 'found') return found(statement, resolution.path)
  if (resolution.type === 'outside')
    return undecided(statement, 'not a statement about this folder', 'The path leaves the folder.')
  if (resolution.type === 'closed')
    return undecided(statement, 'ambiguous', `${resolution.path} lies in a folder that was not read.`)
  const elsewhere = pathFactsOf(bundle)
    .endingWith(subject)
    .filter((path) => path.endsWith(subject.replace(/^\.\//, '').replace(/\/$/, '')))
  const [first] = elsewhere
  const above = elsewhere.find((path) =>
    `${statement.file}/`.startsWith(directoryOf(path) === '' ? '' : `${directoryOf(path)}/`),
  )
  if (above !== undefined) return found(statement, above)
  if (first !== undefined && !resolution.hasFront && subject.includes('/')) return found(statement, first)
  const doubt = doubtAbout(bundle, statement, resolution)
  if (doubt !== undefined)
    return undecided(
      statement,
      doubt.startsWith('The command') ? 'not a statement about this folder' : 'ambiguous',
      doubt,
    )
  return missing(bundle, statement, resolution.path)
}

const found = (statement: Statement, path: string): Verdict =>
  holds(statement, `The folder has ${path === '' ? 'itself' : path}.`, [{ type: 'name', path, isThere: true }])

/** What a sentence says right before a file that its reader is to open, who has only this folder. */
const POINTER = /\b(see|refer to|found in|defined in)(?: also)? [`"'*_]*$/i
const EXAMPLES = /^(\.\/)?examples?\//

/** Why a missing path is no contradiction, undefined when it is one. */
function doubtAbout(
  bundle: Bundle,
  statement: Statement,
  missingPath: { readonly path: string; readonly hasFront: boolean },
): string | undefined {
  const { subject, sentence, context } = statement
  const { path, hasFront } = missingPath
  if (isReportFolder(path.split('/')[0] ?? '')) return `${path} is where this report is written.`
  if (isMadeLater(bundle, path)) return `${path} is made later.`
  if (context.isElsewhere === true) return 'The command is about another project.'
  if (isWrittenInCode(bundle, statement)) return `The document shows what to put into ${subject}.`
  const isPointedAt = POINTER.test(sentence.slice(0, Math.max(sentence.indexOf(subject), 0)))
  if (isPlaceholder(isPointedAt ? subject.replace(EXAMPLES, '') : subject))
    return `${subject} reads like a placeholder.`
  if (context.about === undefined && isHedged(sentence))
    return `The sentence does not say that ${subject} is there now.`
  if (!subject.includes('/') && pathFactsOf(bundle).endingWith(subject).length > 0)
    return `The folder has another ${subject}.`
  if (!hasFront && !isKnownDocument(subject) && !(isPointedAt && subject.includes('/')))
    return `Nothing in the folder tells whether ${subject} is meant to be in it.`
  if (!/\.\w+$|\/$/.test(subject) && !isCertainFolder(bundle, path))
    return `${subject} may be a name of something else than a file.`
  return undefined
}

/** Whether a block of code is headed by the path, so that the reader is to make the file. */
const isWrittenInCode = (bundle: Bundle, statement: Statement): boolean =>
  (bundle.read(statement.file) ?? '')
    .split('\n')
    .some((text) => /^\s*(\/\/|#|<!--|\/\*|;|--)\s/.test(text) && text.includes(statement.subject))

/** `CONTRIBUTING.md` and its like are files of the folder wherever a document says to see them. */
const isKnownDocument = (subject: string): boolean => /^(\.\/)?[A-Z][A-Z_-]+\.md$/.test(subject)

/** A missing name without an extension is a file or folder only where its neighbours are. */
const isCertainFolder = (bundle: Bundle, path: string): boolean =>
  directoryOf(path).includes('/') && pathFactsOf(bundle).typeOf(directoryOf(path)) === 'folder'

function missing(bundle: Bundle, statement: Statement, path: string): Verdict {
  const candidate = onlyCandidate(bundle, path)
  const evidence: Evidence[] = [{ type: 'name', path, isThere: false, nearby: nearbyNames(bundle, path) }]
  if (candidate !== undefined) evidence.push({ type: 'name', path: candidate, isThere: true })
  return contradicted(statement, {
    reason: `The folder has no ${path}.`,
    evidence,
    replacement: candidate === undefined ? undefined : writtenLike(statement, path, candidate),
    suggestion: 'Name the file that took its place, or remove the statement.',
  })
}

/** The candidate written from the same base as the statement wrote the missing path. */
function writtenLike(statement: Statement, path: string, candidate: string): string {
  const written = statement.subject.replace(/^\.\//, '').replace(/\/$/, '')
  const base = path.endsWith(written) ? path.slice(0, path.length - written.length).replace(/\/$/, '') : ''
  const relative = relativePath(base, candidate)
  const ending = statement.subject.endsWith('/') ? '/' : ''
  return `${statement.subject.startsWith('./') && !relative.startsWith('.') ? './' : ''}${relative}${ending}`
}
