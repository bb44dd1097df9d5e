import { type Bundle, linesOf } from '../bundle/bundle.ts'
import { packageOf, placeOfKey } from './packages.ts'
import { directoryOf, normalise } from './paths.ts'
import { type Place, placeOfLine } from './place.ts'

/** What a manifest demands of a tool, as a semver range. */
export interface EngineFacts {
  readonly range: string
  readonly place: Place
}

/** The demand on a tool (`node`, `npm`, `python`, `go`, `rust`) that holds for a document. */
export function engineOf(bundle: Bundle, file: string, tool: string): EngineFacts | undefined {
  const facts = packageOf(bundle, file)
  const range = facts?.engines.get(tool)
  const place = facts && placeOfKey(bundle, facts.file, ['engines', tool])
  if (range !== undefined && place !== undefined) return { range, place }
  const pattern = MANIFEST_LINES[tool]
  return pattern === undefined ? undefined : fromLine(bundle, file, pattern)
}

interface ManifestLine {
  readonly name: string
  readonly pattern: RegExp
  readonly prefix: string
}

const MANIFEST_LINES: Readonly<Record<string, ManifestLine>> = {
  node: { name: '.nvmrc', pattern: /^v?(\d+(?:\.\d+)*)\s*$/, prefix: '>=' },
  python: { name: 'pyproject.toml', pattern: /^\s*requires-python\s*=\s*["']([^"',]+)/, prefix: '' },
  go: { name: 'go.mod', pattern: /^go (\d+(?:\.\d+)*)/, prefix: '>=' },
  rust: { name: 'Cargo.toml', pattern: /^\s*rust-version\s*=\s*["']([\d.]+)/, prefix: '>=' },
}

function fromLine(bundle: Bundle, file: string, { name, pattern, prefix }: ManifestLine): EngineFacts | undefined {
  for (const directory of [directoryOf(file), '']) {
    const path = normalise(`${directory}/${name}`)
    for (const [index, text] of linesOf(bundle, path).entries()) {
      const version = pattern.exec(text)?.[1]
      if (version !== undefined) return { range: `${prefix}${version}`, place: placeOfLine(bundle, path, index + 1) }
    }
  }
  return undefined
}
