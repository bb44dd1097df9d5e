/** Whether a semantic version lies in a range. A pre-release lies only in ranges that name a pre-release of the same release, as npm has it. */
export type VersionRange = (version: string) => boolean

interface Version {
  readonly numbers: readonly [number, number, number]
  readonly preRelease: readonly string[]
}

interface Bound {
  readonly operator: '>=' | '<' | '>' | '<=' | '='
  readonly version: Version
}

const NUMBER = '0|[1-9]\\d*'
const PRE_RELEASE = '-[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*'
const VERSION = new RegExp(`^(${NUMBER})\\.(${NUMBER})\\.(${NUMBER})(${PRE_RELEASE})?$`)
const COMPARATOR = new RegExp(
  `^(>=|<=|>|<|=|\\^|~)?\\s*(\\*|x|${NUMBER})(?:\\.(\\*|x|${NUMBER})(?:\\.(\\*|x|${NUMBER})(${PRE_RELEASE})?)?)?$`,
)

/** Reads `^1`, `~1.2`, `1.x`, `>=1.2 <3`, `1 || 2`, `*`: comparators joined by blanks, all of which must hold, in alternatives joined by `||`. Undefined for anything else. */
export function parseVersionRange(text: string): VersionRange | undefined {
  const alternatives = text.split('||').map((alternative) => parseAlternative(alternative.trim()))
  if (alternatives.some((bounds) => bounds === undefined)) return undefined
  return (wanted) => {
    const version = parseVersion(wanted)
    return version !== undefined && (alternatives as Bound[][]).some((bounds) => liesWithin(version, bounds))
  }
}

function parseAlternative(text: string): Bound[] | undefined {
  const comparators = text.replaceAll(/([<>=^~])\s+/g, '$1').split(/\s+/)
  const bounds = comparators.map(boundsOf)
  return bounds.includes(undefined) ? undefined : (bounds as Bound[][]).flat().filter((bound) => !isAny(bound))
}

/** npm takes `>=0.0.0` for any version, so for the pre-releases of 0.0.0 too. */
const isAny = ({ operator, version: { numbers, preRelease } }: Bound): boolean =>
  operator === '>=' && preRelease.length === 0 && numbers.every((number) => number === 0)

function parseVersion(text: string): Version | undefined {
  const [, major, minor, patch, preRelease] = VERSION.exec(text) ?? []
  if (patch === undefined) return undefined
  return { numbers: [Number(major), Number(minor), Number(patch)], preRelease: identifiersOf(preRelease) }
}

const identifiersOf = (preRelease: string | undefined): string[] => preRelease?.slice(1).split('.') ?? []

/** One comparator as bounds. Parts that are left out or `x` stand for any. */
function boundsOf(text: string): Bound[] | undefined {
  const [whole, operator = '=', ...parts] = COMPARATOR.exec(text) ?? []
  if (whole === undefined) return undefined
  const numbers = parts.slice(0, 3).map((part) => (/^\d/.test(part ?? '') ? Number(part) : undefined))
  const given = numbers.includes(undefined) ? numbers.indexOf(undefined) : 3
  if (numbers.slice(given).some((number) => number !== undefined)) return undefined
  const [major = 0, minor = 0, patch = 0] = numbers.slice(0, given)
  const low: Version = { numbers: [major, minor, patch], preRelease: given === 3 ? identifiersOf(parts[3]) : [] }
  const from: Bound = { operator: '>=', version: low }
  if (given === 0) return [operator === '>' || operator === '<' ? below(low.numbers) : from]
  const after = (part: number) => raised(low.numbers, part)
  switch (operator) {
    case '>=':
      return [from]
    case '<':
      return [given === 3 ? { operator: '<', version: low } : below(low.numbers)]
    case '>':
      return given === 3
        ? [{ operator: '>', version: low }]
        : [{ operator: '>=', version: { numbers: after(given - 1), preRelease: [] } }]
    case '<=':
      return given === 3 ? [{ operator: '<=', version: low }] : [below(after(given - 1))]
    case '^':
      return [from, below(after(caretPart(low.numbers, given)))]
    case '~':
      return [from, below(after(Math.min(given - 1, 1)))]
    default:
      return given === 3 ? [{ operator: '=', version: low }] : [from, below(after(given - 1))]
  }
}

/** Below a release and all its pre-releases, of which `-0` is the lowest. */
const below = (numbers: Version['numbers']): Bound => ({ operator: '<', version: { numbers, preRelease: ['0'] } })

/** `^` keeps the first number that is not 0, as far as numbers are given. */
function caretPart(numbers: Version['numbers'], given: number): number {
  const first = numbers.findIndex((number) => number > 0)
  return first === -1 || first >= given ? given - 1 : first
}

const raised = (numbers: Version['numbers'], part: number): Version['numbers'] =>
  numbers.map((number, index) => (index < part ? number : index === part ? number + 1 : 0)) as never

function liesWithin(version: Version, bounds: readonly Bound[]): boolean {
  if (version.preRelease.length > 0 && !bounds.some((bound) => isSameRelease(bound.version, version))) return false
  return bounds.every(({ operator, version: bound }) => {
    const order = compare(version, bound)
    if (operator === '=') return order === 0
    if (operator === '>=') return order >= 0
    if (operator === '<=') return order <= 0
    return operator === '>' ? order > 0 : order < 0
  })
}

const isSameRelease = (bound: Version, version: Version): boolean =>
  bound.preRelease.length > 0 && bound.numbers.every((number, index) => number === version.numbers[index])

/** SemVer 2.0.0 §11. */
function compare(left: Version, right: Version): number {
  for (const [index, number] of left.numbers.entries()) {
    const difference = number - (right.numbers[index] as number)
    if (difference !== 0) return difference
  }
  if (left.preRelease.length === 0 || right.preRelease.length === 0)
    return right.preRelease.length - left.preRelease.length
  return comparePreReleases(left.preRelease, right.preRelease)
}

function comparePreReleases(left: readonly string[], right: readonly string[]): number {
  for (const [index, identifier] of left.entries()) {
    const other = right[index]
    if (other === undefined) return 1
    if (identifier === other) continue
    const [isNumber, isOtherNumber] = [/^\d+$/.test(identifier), /^\d+$/.test(other)]
    if (isNumber && isOtherNumber) return Number(identifier) - Number(other)
    if (isNumber !== isOtherNumber) return isNumber ? -1 : 1
    return identifier < other ? -1 : 1
  }
  return left.length - right.length
}
