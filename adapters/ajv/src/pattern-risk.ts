/** Linear-time engines write counted repetitions out, one inside another multiplied; RE2 stops here. */
const MAXIMUM_REPETITIONS = 1000

/**
 * Says why a pattern is unsafe, or undefined. Refused are what a linear-time engine cannot run (look-around, back-references, thousands of counted repetitions) and the two shapes that make a
 * backtracking engine exponential: an unbounded group whose repetitions have no fixed character between them (`(a+)+`), and one whose alternatives begin alike (`(a|a)*`).
 */
export function patternRisk(pattern: string): string | undefined {
  try {
    void new RegExp(pattern, 'u')
  } catch (error) {
    return `it is no regular expression: ${(error as Error).message}`
  }
  const bare = maskClasses(pattern)
  if (/\(\?(?:=|!|<=|<!)/.test(bare)) return 'it looks around, which a linear-time engine cannot run'
  if (/\\(?:[1-9]|k<)/.test(bare)) return 'it refers back to a group, which a linear-time engine cannot run'
  if (repetitionsOf(bare) > MAXIMUM_REPETITIONS)
    return `it counts over ${MAXIMUM_REPETITIONS} repetitions, which a linear-time engine cannot run`
  return unboundedGroups(bare)
    .map(groupRisk)
    .find((risk) => risk !== undefined)
}

/** Character classes and escapes become one letter each, so that what is left is structure. Back-references keep their shape. */
const maskClasses = (pattern: string): string =>
  pattern.replaceAll(/\[(?:\\.|[^\]\\])*\]/gu, 'C').replaceAll(/\\(?:[pP]\{[^}]*\}|u\{[^}]*\}|[^1-9k])/gu, 'E')

/** The highest count of `{n,m}`, times those of the groups around it. */
function repetitionsOf(pattern: string): number {
  const highest = [1]
  const raise = (count: number) => highest.push(Math.max(highest.pop() ?? 1, count))
  for (const [, open, close, least = '1', most = ''] of pattern.matchAll(/(\()|(\)|[^()])(?:\{(\d+),?(\d*)\})?/g)) {
    if (open !== undefined) highest.push(1)
    else raise((close === ')' ? (highest.pop() ?? 1) : 1) * Number(most === '' ? least : most))
  }
  return highest[0] ?? 1
}

/** The bodies of all groups repeated by `*`, `+` or `{n,}`. */
function unboundedGroups(pattern: string): string[] {
  const starts: number[] = []
  const bodies: string[] = []
  for (let index = 0; index < pattern.length; index++) {
    if (pattern[index] === '(') starts.push(index)
    if (pattern[index] !== ')') continue
    const start = starts.pop() ?? 0
    if (/^(?:[*+]|\{\d+,\})/.test(pattern.slice(index + 1)))
      bodies.push(pattern.slice(start + 1, index).replace(/^\?(?::|<[^>]*>)/, ''))
  }
  return bodies
}

function groupRisk(body: string): string | undefined {
  const alternatives = splitTopLevel(body)
  if (alternatives.some((alternative) => !hasFixedCharacter(alternative))) {
    return 'a repeated group repeats inside without a fixed character, which can take exponential time'
  }
  const first = alternatives.map((alternative) => alternative.replace(/^\(\??:?/, '').charAt(0))
  if (new Set(first).size < first.length)
    return 'alternatives of a repeated group begin alike, which can take exponential time'
  return undefined
}

function splitTopLevel(body: string): string[] {
  const parts = ['']
  let depth = 0
  for (const character of body) {
    if (character === '(') depth++
    if (character === ')') depth--
    if (character === '|' && depth === 0) parts.push('')
    else parts[parts.length - 1] += character
  }
  return parts
}

/** True when nothing in the alternative repeats without bound, or when it has a character outside groups that occurs exactly once. */
function hasFixedCharacter(alternative: string): boolean {
  if (!/[*+]|\{\d+,\}/.test(alternative)) return true
  let flat = alternative
  while (/\([^()]*\)/.test(flat)) flat = flat.replaceAll(/\([^()]*\)(?:[*+?]|\{[^}]*\})*/g, '')
  return flat.replaceAll(/.(?:[*+?]|\{[^}]*\})\??/gu, '').replaceAll(/[\^$C.]/g, '') !== ''
}
