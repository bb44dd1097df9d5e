import type { Bundle } from '../bundle/bundle.ts'
import { type PackageFacts, packageOf, packagesOf } from '../facts/packages.ts'
import { directoryOf, normalise, pathFactsOf } from '../facts/paths.ts'
import { type Block, type ParsedDocument, sentenceAround } from './block.ts'
import { isShell, splitCommands, type ShellCommand } from './split-commands.ts'

/** A command of a document with where it runs. */
export interface PlacedCommand extends ShellCommand {
  readonly block: Block
  /** Directory relative to the folder after `cd`; undefined when it leads to somewhere unknown. */
  readonly directory: string | undefined
  readonly isElsewhere: boolean
}

/** One document with what its findings need to know. */
export interface DocumentScope {
  readonly bundle: Bundle
  readonly file: string
  readonly directory: string
  readonly document: ParsedDocument
  /** Commands of shell blocks and of inline code, in order. */
  readonly commands: readonly PlacedCommand[]
  readonly package: PackageFacts | undefined
  readonly packageNames: readonly string[]
  rawOf(block: Block): string
  /** The sentence around an offset of a block; for a cell its row. */
  sentenceAt(block: Block, offset: number): string
}

export function createDocumentScope(bundle: Bundle, file: string, document: ParsedDocument): DocumentScope {
  const rawOf = (block: Block): string => document.text.slice(block.start, block.end)
  return {
    bundle,
    file,
    directory: directoryOf(file),
    document,
    commands: commandsOf(bundle, file, document),
    package: packageOf(bundle, file),
    packageNames: packagesOf(bundle).flatMap((facts) => facts.name ?? []),
    rawOf,
    sentenceAt: (block, offset) => block.cell?.rowText ?? sentenceAround(rawOf(block), offset - block.start),
  }
}

const INLINE_COMMAND =
  /^(?:[A-Z][A-Z0-9_]*=\S+ )*(?:npm|npx|pnpm|yarn|bun|bunx|node|deno|make|just|python3?|pip3?|cargo|go run|docker|bash|sh|\.\/[\w./-]+|[a-z][\w-]*) \S/

function commandsOf(bundle: Bundle, file: string, document: ParsedDocument): readonly PlacedCommand[] {
  const ownCommands = new Set(packagesOf(bundle).flatMap((facts) => [...facts.commands.keys()]))
  const commands: PlacedCommand[] = []
  let isElsewhere = false
  for (const block of document.blocks) {
    const raw = document.text.slice(block.start, block.end)
    if (block.type === 'code' && isShell(block.language ?? '', raw)) {
      const placed = placeCommands(bundle, file, { block, isElsewhere, commands: splitCommands(raw, block.start) })
      commands.push(...placed)
      isElsewhere ||= placed.some((command) => command.isElsewhere)
    }
    for (const inline of block.inlines) {
      if (inline.type !== 'code' || inline.end === inline.start || !INLINE_COMMAND.test(inline.value)) continue
      const [first] = splitCommands(inline.value, inline.start)
      const word = first?.words[0]?.text ?? ''
      const isKnown = KNOWN_TOOLS.has(word) || word.startsWith('./') || ownCommands.has(word)
      if (first !== undefined && isKnown) commands.push({ ...first, block, directory: undefined, isElsewhere })
    }
  }
  return commands
}

const KNOWN_TOOLS = new Set(
  'npm npx pnpm yarn bun bunx node deno make just python python3 pip pip3 cargo go docker bash sh'.split(' '),
)

interface Shell {
  readonly block: Block
  readonly commands: readonly ShellCommand[]
  readonly isElsewhere: boolean
}

/** Follows `cd` and notices when the reader is led into another project. */
function placeCommands(bundle: Bundle, file: string, shell: Shell): readonly PlacedCommand[] {
  let directory: string | undefined = ''
  let { isElsewhere } = shell
  return shell.commands.map((command) => {
    const [tool = '', ...rest] = command.words.map((word) => word.text)
    if (startsProject(tool, rest)) isElsewhere = true
    if (tool === 'cd' && rest[0] !== undefined) {
      directory = changeDirectory(bundle, file, directory, rest[0])
      // The usual opening `git clone …; cd <name>` leads to the top of this very folder.
      if (directory === undefined) isElsewhere = true
    }
    return { ...command, block: shell.block, directory, isElsewhere }
  })
}

const startsProject = (tool: string, rest: readonly string[]): boolean =>
  (tool === 'npm' && /^(init|create)$/.test(rest[0] ?? '')) ||
  (/^(yarn|pnpm|bun)$/.test(tool) && /^(init|create)$/.test(rest[0] ?? '')) ||
  (/^(npx|bunx)$/.test(tool) && /^(create-|degit|.*generate)/.test(rest.find((word) => !word.startsWith('-')) ?? '')) ||
  (tool === 'cargo' && /^(new|init)$/.test(rest[0] ?? '')) ||
  tool === 'mkdir'

function changeDirectory(bundle: Bundle, file: string, from: string | undefined, to: string): string | undefined {
  const paths = pathFactsOf(bundle)
  if (/[<>$*{}]/.test(to) || to.startsWith('/') || to.startsWith('~')) return undefined
  const candidates = [...(from === undefined ? [] : [`${from}/${to}`]), `${directoryOf(file)}/${to}`, to].map(normalise)
  const inside = candidates.find((path) => paths.typeOf(path) === 'folder')
  if (inside !== undefined) return inside
  const names = packagesOf(bundle).flatMap((facts) =>
    facts.directory === '' && facts.name !== undefined ? [facts.name] : [],
  )
  return names.some((name) => name === to || name.endsWith(`/${to}`)) ? '' : undefined
}
