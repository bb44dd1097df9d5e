import type { Bundle } from '../bundle/bundle.ts'
import { codeWordsOf } from '../facts/code-words.ts'
import { commandLineOf } from '../facts/command-line.ts'
import { onlyNearest } from '../facts/nearest.ts'
import { type PackageFacts, packagesOf, placeOfKey } from '../facts/packages.ts'
import { isFullyRead, normalise, pathFactsOf } from '../facts/paths.ts'
import { targetsOf } from '../facts/targets.ts'
import { placeOfLine } from '../facts/place.ts'
import type { Statement } from '../statements/statement.ts'
import { checkScript } from './check-scripts.ts'
import { basesOf } from './resolve-path.ts'
import { contradicted, holds, isHedged, line, undecided, type Verdict } from './verdict.ts'

/** Checks scripts, make targets, commands and flags against manifests and sources. Nothing is executed. */
export function checkCommands(bundle: Bundle, statements: readonly Statement[]): readonly Verdict[] {
  return statements.map((statement) => {
    if (statement.kind === 'flag') return checkFlag(bundle, statement)
    if (statement.context.about === 'script') return checkScript(bundle, statement)
    return /^(make|just) /.test(statement.subject) ? checkTarget(bundle, statement) : checkOwnCommand(bundle, statement)
  })
}

function checkTarget(bundle: Bundle, statement: Statement): Verdict {
  const [tool = '', target = ''] = statement.subject.split(' ')
  const names = tool === 'make' ? ['Makefile', 'makefile', 'GNUmakefile'] : ['justfile', 'Justfile', '.justfile']
  const files = basesOf(bundle, statement).flatMap((base) => names.map((name) => normalise(`${base}/${name}`)))
  const file = files.find((path) => pathFactsOf(bundle).typeOf(path) === 'file')
  if (file === undefined || bundle.read(file) === undefined)
    return undecided(statement, 'not a statement about this folder', `The folder has no ${names[0]}.`)
  const { targets, isOpen } = targetsOf(bundle, file)
  const place = targets.get(target)
  if (place !== undefined) return holds(statement, `${file} has the target.`, [line(place)])
  if (statement.context.isElsewhere === true)
    return undecided(statement, 'not a statement about this folder', 'The command is about another project.')
  if (isOpen || isHedged(statement.sentence))
    return undecided(statement, 'ambiguous', `${file} takes targets from elsewhere.`)
  const nearest = onlyNearest(target, [...targets.keys()])
  return contradicted(statement, {
    reason: `${file} has ${targets.size} targets, none is ${target}.`,
    evidence: [
      line(
        (nearest === undefined ? undefined : targets.get(nearest)) ??
          targets.values().next().value ??
          placeOfLine(bundle, file, 1),
      ),
    ],
    replacement: nearest,
    suggestion: 'Name a target that exists, or add it.',
  })
}

/** A command that one of the folder's packages installs, with its subcommand if one is named. */
function checkOwnCommand(bundle: Bundle, statement: Statement): Verdict {
  const [name = '', subcommand] = statement.subject.split(' ')
  const owner = packagesOf(bundle).find((facts) => facts.commands.has(name) || facts.name === name)
  const place = owner && placeOfCommand(bundle, owner, name)
  if (owner === undefined || place === undefined)
    return undecided(statement, 'ambiguous', `${name} may be a command of something else.`)
  if (subcommand === undefined) return holds(statement, `${owner.file} installs the command.`, [line(place)])
  const { commands } = commandLineOf(bundle)
  const defined = commands.get(subcommand)
  if (defined !== undefined) return holds(statement, 'The code defines the subcommand.', [line(defined)])
  const words = codeWordsOf(bundle)
  const isArgument =
    commands.size < 2 ||
    words.placeOf(subcommand) !== undefined ||
    pathFactsOf(bundle).endingWith(subcommand).length > 0
  if (isArgument || !isFullyRead(bundle) || !words.isComplete)
    return holds(statement, `${owner.file} installs the command.`, [line(place)])
  const nearest = onlyNearest(subcommand, [...commands.keys()])
  const shown = (nearest === undefined ? undefined : commands.get(nearest)) ?? commands.values().next().value ?? place
  return contradicted(statement, {
    reason: `${name} has ${commands.size} subcommands, none is ${subcommand}.`,
    evidence: [{ type: 'absent-word', word: subcommand }, line(shown)],
    replacement: nearest,
    suggestion: 'Name a subcommand that exists.',
  })
}

const placeOfCommand = (bundle: Bundle, owner: PackageFacts, name: string): ReturnType<typeof placeOfKey> =>
  placeOfKey(bundle, owner.file, ['bin', name]) ??
  placeOfKey(bundle, owner.file, ['bin']) ??
  placeOfKey(bundle, owner.file, ['name'])

/** Flags that every parser of arguments brings along. */
const BUILT_IN = /^--(help|version|no-color|color)$/

function checkFlag(bundle: Bundle, statement: Statement): Verdict {
  const { subject, context } = statement
  const { flags } = commandLineOf(bundle)
  const positive = subject.replace(/^--no-/, '--')
  const place = flags.get(subject) ?? flags.get(positive) ?? flags.get(positive.replace('--', '--no-'))
  if (place !== undefined) return holds(statement, 'The code names the flag.', [line(place)])
  if (BUILT_IN.test(subject))
    return undecided(statement, 'ambiguous', `${subject} comes with most parsers of arguments.`)
  if (context.words === undefined)
    return undecided(statement, 'ambiguous', 'The sentence does not say whose flag it is.')
  const words = codeWordsOf(bundle)
  const isKnown = words.hasLoosely(subject) || words.hasLoosely(positive)
  if (isKnown) return undecided(statement, 'ambiguous', `The code holds the word ${positive.slice(2)}, not the flag.`)
  if (flags.size === 0 || !words.isComplete || !isFullyRead(bundle))
    return undecided(statement, 'ambiguous', 'The flags of the command are not in the code that was read.')
  const nearest = onlyNearest(subject, [...flags.keys()])
  const shown = (nearest === undefined ? undefined : flags.get(nearest)) ?? flags.values().next().value
  return contradicted(statement, {
    reason: `No code of the folder names the flag ${subject}.`,
    evidence: [{ type: 'absent-word', word: subject.slice(2) }, ...(shown === undefined ? [] : [line(shown)])],
    replacement: nearest,
    suggestion: 'Name a flag that exists.',
  })
}
