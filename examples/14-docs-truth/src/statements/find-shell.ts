import { packagesOf } from '../facts/packages.ts'
import { oneLine } from './block.ts'
import type { DocumentScope, PlacedCommand } from './document-scope.ts'
import type { ShellWord } from './split-commands.ts'
import type { Finding, StatementContext } from './statement.ts'

/** Commands of shell blocks and inline code: scripts, targets, files that are run, packages, flags and variables. */
export function findShell(scope: DocumentScope): readonly Finding[] {
  return scope.commands.flatMap((command) => [...findCommand(scope, command), ...findAssignments(scope, command)])
}

function findCommand(scope: DocumentScope, command: PlacedCommand): readonly Finding[] {
  const words = argumentsOf(command)
  const [tool] = words
  if (tool === undefined || words.some((word) => /^<[\w -]+>$|^\[[\w -]+\]$/.test(word.text) && word === words[1]))
    return []
  const ownCommand = ownCommandOf(scope, words)
  if (ownCommand !== undefined) {
    const rest = words.slice(words.indexOf(ownCommand) + 1)
    return [findOwnCommand(scope, command, { name: ownCommand, next: rest[0] }), ...findFlags(scope, command, rest)]
  }
  if (tool.text === 'make' || tool.text === 'just') return findTargets(scope, command, words)
  if (/^(npm|pnpm|yarn|bun)$/.test(tool.text)) return findPackageManager(scope, command, words)
  const file = runFile(words)
  return file === undefined
    ? []
    : [finding(scope, command, { kind: 'path', word: file, subject: file.text, about: tool.text })]
}

function findOwnCommand(
  scope: DocumentScope,
  command: PlacedCommand,
  called: { readonly name: ShellWord; readonly next: ShellWord | undefined },
): Finding {
  const { name, next } = called
  const hasSubcommand = next !== undefined && /^[a-z][a-z:-]+$/.test(next.text)
  if (!hasSubcommand) return finding(scope, command, { kind: 'command', word: name, subject: name.text })
  return finding(scope, command, {
    kind: 'command',
    word: next,
    subject: `${name.text} ${next.text}`,
    replace: next.text,
  })
}

/** A file that is run: `node scripts/build.js`, `./scripts/build.sh`. Options before it end the search, as they may take values. */
function runFile(words: readonly ShellWord[]): ShellWord | undefined {
  const [tool, next] = words
  if (tool === undefined) return undefined
  if (/^\.{1,2}\/|^\w[\w-]*\/[\w./-]+\.\w+$/.test(tool.text)) return isPlain(tool) ? tool : undefined
  if (!/^(node|tsx|ts-node|deno|bun|python3?|bash|sh|zsh|ruby|php|source|\.|cat|less)$/.test(tool.text))
    return undefined
  const file = tool.text === 'deno' && next?.text === 'run' ? words[2] : next
  return file !== undefined && isPlain(file) && /[/.]/.test(file.text) && !file.text.startsWith('-') ? file : undefined
}

const isPlain = (word: ShellWord): boolean => !/[<>$*{}()[\]…]|^~|^\/|:\/\//.test(word.text)

/** The command of one of the folder's packages that is called, with or without `npx`. */
function ownCommandOf(scope: DocumentScope, words: readonly ShellWord[]): ShellWord | undefined {
  const isOwn = (word: ShellWord | undefined): boolean =>
    word !== undefined &&
    packagesOf(scope.bundle).some(
      (facts) => facts.commands.has(word.text) || (facts.name === word.text && facts.commands.size > 0),
    )
  const [tool] = words
  if (tool !== undefined && isOwn(tool) && !/^(npm|node|make)$/.test(tool.text)) return tool
  if (!/^(npx|bunx|pnpx)$/.test(tool?.text ?? '')) return undefined
  const called = words.slice(1).find((word) => !word.text.startsWith('-'))
  return isOwn(called) ? called : undefined
}

function findFlags(scope: DocumentScope, command: PlacedCommand, rest: readonly ShellWord[]): readonly Finding[] {
  const stop = rest.findIndex((word) => word.text === '--')
  return rest
    .slice(0, stop < 0 ? rest.length : stop)
    .filter((word) => /^--[a-z][\w-]+(=|$)/i.test(word.text))
    .map((word) => finding(scope, command, { kind: 'flag', word, subject: word.text.replace(/=.*$/s, '') }))
}

function findTargets(scope: DocumentScope, command: PlacedCommand, words: readonly ShellWord[]): readonly Finding[] {
  const [tool] = words
  if (words.some((word) => /^-[fC]/.test(word.text)) || command.block.type !== 'code') {
    if (words.length !== 2) return []
  }
  return words
    .slice(1)
    .filter((word) => /^[A-Za-z][\w.-]*$/.test(word.text))
    .map((word) =>
      finding(scope, command, { kind: 'command', word, subject: `${tool?.text} ${word.text}`, replace: word.text }),
    )
}

const LIFECYCLE = new Set(['test', 'start', 'stop', 'restart'])
const INSTALL = new Set(['install', 'i', 'add'])

function findPackageManager(
  scope: DocumentScope,
  command: PlacedCommand,
  words: readonly ShellWord[],
): readonly Finding[] {
  const [tool, ...rest] = words
  const plain = rest.filter((word) => !word.text.startsWith('-'))
  const [verb, argument] = plain
  if (tool === undefined || verb === undefined) return []
  if (verb.text === 'run' || verb.text === 'run-script')
    return argument === undefined || !isPlain(argument) ? [] : [script(scope, command, argument)]
  if (INSTALL.has(verb.text))
    return plain
      .slice(1)
      .filter(isPlain)
      .flatMap((word) => installed(scope, command, word))
  if (LIFECYCLE.has(verb.text) || verb.text === 't') return [script(scope, command, verb)]
  return tool.text === 'npm' || !isPlain(verb) || YARN_VERBS.has(verb.text) ? [] : [script(scope, command, verb)]
}

const YARN_VERBS = new Set(
  'access audit autoclean bin cache check config create dedupe dlx exec explain generate-lock-entry global help import info init licenses link list login logout node outdated owner pack patch plugin policies publish rebuild remove search set store tag team unlink unplug up update upgrade upgrade-interactive version versions why workspace workspaces x'.split(
    ' ',
  ),
)

function script(scope: DocumentScope, command: PlacedCommand, word: ShellWord): Finding {
  return finding(scope, command, {
    kind: 'command',
    word,
    subject: word.text === 't' ? 'test' : word.text,
    about: 'script',
  })
}

function installed(scope: DocumentScope, command: PlacedCommand, word: ShellWord): readonly Finding[] {
  const match = /^((?:@[\w.-]+\/)?[\w.-]+)(?:@[\w.^~-]+)?$/.exec(word.text)
  if (match?.[1] === undefined || /^\.|\//.test(match[1].replace(/^@[^/]+\//, ''))) return []
  return [finding(scope, command, { kind: 'package', word, subject: match[1], about: 'install' })]
}

function findAssignments(scope: DocumentScope, command: PlacedCommand): readonly Finding[] {
  return command.assignments
    .filter((word) => /^[A-Z][A-Z0-9_]{2,}=/.test(word.text))
    .map((word) =>
      finding(scope, command, { kind: 'env', word, subject: word.text.slice(0, word.text.indexOf('=')), column: '' }),
    )
}

interface Named {
  readonly kind: Finding['kind']
  readonly word: ShellWord
  readonly subject: string
  readonly about?: string
  readonly column?: string
  /** The text that stands in the document, when it is not the subject. */
  readonly replace?: string
}

function finding(scope: DocumentScope, command: PlacedCommand, named: Named): Finding {
  const { kind, word, subject, about, column, replace = subject } = named
  const isThere = scope.document.text.startsWith(replace, word.start)
  const context: StatementContext = {
    section: command.block.section,
    words: command.words.map((part) => part.text),
    ...(command.directory === undefined ? {} : { directory: command.directory }),
    ...(command.isElsewhere ? { isElsewhere: true } : {}),
    ...(about === undefined ? {} : { about }),
    ...(column === undefined ? {} : { column }),
  }
  const line = oneLine(command.words.map((part) => part.text).join(' '))
  const sentence = command.block.type === 'code' ? line : scope.sentenceAt(command.block, word.start)
  return {
    kind,
    subject,
    start: word.start,
    end: isThere ? word.start + replace.length : word.start,
    sentence,
    context,
  }
}

/** The words of a command without the wrappers that run another command. */
function argumentsOf(command: PlacedCommand): readonly ShellWord[] {
  const [tool, next] = command.words
  const isWrapped =
    tool !== undefined && next !== undefined && /^(npx|bunx|pnpm|yarn)$/.test(tool.text) && next.text === 'exec'
  return isWrapped ? command.words.slice(2) : command.words
}
