const CALL = /\b(?:it|test|describe)((?:\.\w+)*)\s*(?=\()/g
const SKIPPED = /\.(?:skip|todo|fails)\b/
const TAKES_ARGUMENTS_FIRST = /\.(?:each|for|skipIf|runIf)$/

/** The titles of the tests and groups of a test file; skipped and planned ones are left out. */
export function testTitles(source: string): string[] {
  return [...source.matchAll(CALL)].flatMap((match) => {
    const modifiers = match[1] ?? ''
    if (SKIPPED.test(modifiers)) return []
    const start = match.index + match[0].length
    const open = TAKES_ARGUMENTS_FIRST.test(modifiers) ? afterGroup(source, start) : start
    const title = /^\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/s.exec(source.slice(open))
    return title?.[2] === undefined ? [] : [title[2]]
  })
}

/** The place after the parenthesis that closes the one at `open`, strings skipped. */
function afterGroup(source: string, open: number): number {
  const token = /(['"`])(?:\\.|(?!\1)[^\\])*\1|[()]/gs
  token.lastIndex = open
  let depth = 0
  for (let match = token.exec(source); match !== null; match = token.exec(source)) {
    if (match[0] === '(') depth += 1
    if (match[0] === ')') depth -= 1
    if (depth === 0) return token.lastIndex
  }
  return source.length
}
