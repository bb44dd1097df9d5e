import { type Bundle, linesOf } from '../bundle/bundle.ts'
import { type Place, placeOfLine } from './place.ts'

export interface TargetFacts {
  readonly targets: ReadonlyMap<string, Place>
  /** Whether targets may come from elsewhere: included files, patterns, made-up names. */
  readonly isOpen: boolean
}

/** The targets of a Makefile or justfile. */
export function targetsOf(bundle: Bundle, file: string): TargetFacts {
  const targets = new Map<string, Place>()
  let isOpen = false
  for (const [index, text] of linesOf(bundle, file).entries()) {
    if (/^-?s?include\s|^import\s|^mod\s|^[^\t#=]*%[^=]*:/.test(text) || /^\$[({]/.test(text)) isOpen = true
    const match = /^([A-Za-z0-9_./-]+(?:[ \t]+[A-Za-z0-9_./-]+)*)(?:[ \t]+\*?\w+(?:=\S*)?)*[ \t]*::?(?!=)/.exec(text)
    for (const name of match?.[1]?.split(/[ \t]+/) ?? []) {
      if (!name.startsWith('.') && !targets.has(name)) targets.set(name, placeOfLine(bundle, file, index + 1))
    }
  }
  return { targets, isOpen }
}
