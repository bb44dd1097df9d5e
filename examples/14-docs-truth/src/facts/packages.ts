import { isMap, isScalar, parseDocument } from 'yaml'
import type { Bundle } from '../bundle/bundle.ts'
import { type Place, placeOfLine, placeOfOffset } from './place.ts'

/** What a package.json says, as far as documents speak about it. */
export interface PackageFacts {
  readonly file: string
  /** Its directory relative to the folder; '' at the top. */
  readonly directory: string
  readonly name?: string
  readonly version?: string
  readonly licence?: string
  readonly scripts: ReadonlyMap<string, string>
  /** Name of a command → file. */
  readonly commands: ReadonlyMap<string, string>
  /** Every dependency of any kind → range. */
  readonly dependencies: ReadonlyMap<string, string>
  readonly engines: ReadonlyMap<string, string>
  readonly exports?: unknown
  readonly isPrivate: boolean
  /** Whether it says that it lies in a directory of a larger repository, which the folder does not hold. */
  readonly isPart: boolean
}

const cached = new WeakMap<Bundle, readonly PackageFacts[]>()

/** Every readable package.json outside test material, the topmost first. */
export function packagesOf(bundle: Bundle): readonly PackageFacts[] {
  const known = cached.get(bundle)
  if (known !== undefined) return known
  const packages = bundle
    .list()
    .filter(
      (file) =>
        /(^|\/)package\.json$/.test(file.path) &&
        !/(^|\/)(tests?|fixtures?|__tests__|__fixtures__|testdata)\//.test(file.path),
    )
    .flatMap((file) => readPackage(bundle, file.path) ?? [])
    .toSorted(
      (left, right) =>
        left.directory.split('/').length - right.directory.split('/').length ||
        left.directory.length - right.directory.length,
    )
  cached.set(bundle, packages)
  return packages
}

/** The package a document belongs to: the nearest package.json above it. */
export function packageOf(bundle: Bundle, path: string): PackageFacts | undefined {
  return packagesOf(bundle)
    .filter((facts) => facts.directory === '' || path.startsWith(`${facts.directory}/`))
    .at(-1)
}

/** The line of a key in a JSON or YAML file, given as its path from the top. */
export function placeOfKey(bundle: Bundle, file: string, keys: readonly string[]): Place | undefined {
  let node: unknown = parseDocument(bundle.read(file) ?? '', { logLevel: 'silent' }).contents
  let offset: number | undefined
  for (const key of keys) {
    const pair = isMap(node)
      ? node.items.find((item) => isScalar(item.key) && String(item.key.value) === key)
      : undefined
    if (pair === undefined) return undefined
    offset = isScalar(pair.key) ? pair.key.range?.[0] : undefined
    node = pair.value
  }
  return offset === undefined ? undefined : placeOfOffset(bundle, file, offset)
}

/** The line of the longest known beginning of a key path, the top of the file if none. */
export function nearestPlace(bundle: Bundle, file: string, keys: readonly string[]): Place {
  for (let length = keys.length; length > 0; length -= 1) {
    const place = placeOfKey(bundle, file, keys.slice(0, length))
    if (place !== undefined) return place
  }
  return placeOfLine(bundle, file, 1)
}

function readPackage(bundle: Bundle, file: string): PackageFacts | undefined {
  const json = parseObject(bundle.read(file) ?? '')
  if (json === undefined) return undefined
  const { name, version, exports, repository } = json
  const licence = licenceOf(json)
  const directory = file.slice(0, Math.max(file.lastIndexOf('/'), 0))
  return {
    file,
    directory,
    ...(typeof name === 'string' ? { name } : {}),
    ...(typeof version === 'string' ? { version } : {}),
    ...(licence === undefined ? {} : { licence }),
    ...(exports === undefined ? {} : { exports }),
    isPrivate: json['private'] === true,
    isPart: directory === '' && typeof repository === 'object' && repository !== null && 'directory' in repository,
    scripts: strings(json['scripts']),
    commands:
      typeof json['bin'] === 'string' && typeof name === 'string'
        ? new Map([[name.replace(/^@[^/]+\//, ''), json['bin']]])
        : strings(json['bin']),
    dependencies: new Map(
      ['peerDependencies', 'optionalDependencies', 'devDependencies', 'dependencies'].flatMap((key) => [
        ...strings(json[key]),
      ]),
    ),
    engines: strings(json['engines']),
  }
}

function licenceOf(json: Readonly<Record<string, unknown>>): string | undefined {
  const licence = json['license']
  if (typeof licence === 'string') return licence
  const type =
    typeof licence === 'object' && licence !== null ? (licence as Record<string, unknown>)['type'] : undefined
  return typeof type === 'string' ? type : undefined
}

/** A JSON object, undefined for anything else: a broken manifest says nothing. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ''))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

function strings(value: unknown): ReadonlyMap<string, string> {
  if (typeof value !== 'object' || value === null) return new Map()
  return new Map(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}
