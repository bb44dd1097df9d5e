import type { Bundle } from '../bundle/bundle.ts'
import { codeLines } from './code-words.ts'
import { isTestPath } from './environment.ts'
import type { Place } from './place.ts'

export interface CommandLineFacts {
  /** `--flag` → where code names it. */
  readonly flags: ReadonlyMap<string, Place>
  /** Subcommand → where code defines it. */
  readonly commands: ReadonlyMap<string, Place>
}

const cached = new WeakMap<Bundle, CommandLineFacts>()

/** The flags and subcommands that the code of a bundle defines. */
export function commandLineOf(bundle: Bundle): CommandLineFacts {
  const known = cached.get(bundle) ?? { flags: readFlags(bundle), commands: readCommands(bundle) }
  cached.set(bundle, known)
  return known
}

/** Files whose flags belong to the tools that they call. */
const MANIFEST = /(^|\/)(package\.json|Makefile|justfile|Dockerfile)$|\.ya?ml$/

function readFlags(bundle: Bundle): ReadonlyMap<string, Place> {
  const flags = new Map<string, Place>()
  for (const { place } of codeLines(bundle, /(?<![\w-])--[a-z][\w-]+/i)) {
    if (isTestPath(place.file) || MANIFEST.test(place.file)) continue
    for (const [flag] of place.quote.matchAll(/(?<![\w-])--[a-z][\w-]+/gi)) if (!flags.has(flag)) flags.set(flag, place)
  }
  return flags
}

function readCommands(bundle: Bundle): ReadonlyMap<string, Place> {
  const commands = new Map<string, Place>()
  for (const { place, match } of codeLines(
    bundle,
    /(?:\.command|addCommand|new Command|createCommand|add_parser|\.subcommand)\(\s*['"`]([a-z][\w:-]*)/,
  )) {
    const name = match[1]
    if (name !== undefined && !isTestPath(place.file) && !commands.has(name)) commands.set(name, place)
  }
  return commands
}
