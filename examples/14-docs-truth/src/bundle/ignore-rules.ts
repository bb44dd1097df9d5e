import { existsSync, lstatSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import ignore, { type Ignore } from 'ignore'

/** The rules of one .gitignore. A path of the folder that starts with `base` is tested as `prefix` + the rest. */
interface RuleSet {
  readonly base: string
  readonly prefix: string
  readonly rules: Ignore
}

export interface IgnoreRules {
  /** Whether git ignores the path (relative to the folder). The deepest file that speaks about it decides. */
  isIgnored(path: string, isFolder: boolean): boolean
  /** These rules and those of one more .gitignore text. */
  with(directory: string, text: string): IgnoreRules
}

const createRules = (text: string): Ignore => ignore({ allowRelativePaths: true }).add(text)

export function createIgnoreRules(sets: readonly RuleSet[] = []): IgnoreRules {
  return {
    isIgnored: (path, isFolder) => {
      for (let index = sets.length - 1; index >= 0; index -= 1) {
        const set = sets[index] as RuleSet
        if (!path.startsWith(set.base) || path.length === set.base.length) continue
        const verdict = set.rules.test(`${set.prefix}${path.slice(set.base.length)}${isFolder ? '/' : ''}`)
        if (verdict.ignored) return true
        if (verdict.unignored) return false
      }
      return false
    },
    with: (directory, text) =>
      createIgnoreRules([
        ...sets,
        { base: directory === '' ? '' : `${directory}/`, prefix: '', rules: createRules(text) },
      ]),
  }
}

/** The rules that hold for a folder from outside it: `.git/info/exclude` and the .gitignore files above it in the same checkout. */
export function outerIgnoreRules(folder: string): IgnoreRules {
  const checkout = checkoutOf(folder)
  if (checkout === undefined) return createIgnoreRules()
  const inside = checkout === folder ? [] : relative(checkout, folder).split(sep)
  const prefixFrom = (depth: number): string =>
    inside
      .slice(depth)
      .map((part) => `${part}/`)
      .join('')
  const sets: RuleSet[] = [
    { base: '', prefix: prefixFrom(0), rules: createRules(textOf(join(checkout, '.git', 'info', 'exclude'))) },
    ...inside.map((_, depth) => ({
      base: '',
      prefix: prefixFrom(depth),
      rules: createRules(textOf(join(checkout, ...inside.slice(0, depth), '.gitignore'))),
    })),
  ]
  // A folder that was chosen although its checkout ignores it (an installed package) is read as if it stood alone.
  return sets.some((set) => set.prefix !== '' && set.rules.test(set.prefix).ignored)
    ? createIgnoreRules()
    : createIgnoreRules(sets)
}

function checkoutOf(folder: string): string | undefined {
  for (let place = folder; ; place = dirname(place)) {
    if (existsSync(join(place, '.git'))) return place
    if (dirname(place) === place) return undefined
  }
}

function textOf(file: string): string {
  return existsSync(file) && lstatSync(file).isFile() ? readFileSync(file, 'utf8') : ''
}
