/** Lines shown of each side, and characters around the place where two of them part. */
const SHOWN_LINES = 5
const AROUND = 60

/** How a text differs from the nearest of others: the lines of one that the other lacks, each cut to the place where it differs. Empty when there is no other. */
export function differencesOf(text: string, others: readonly string[]): string[] {
  const lines = text.split('\n')
  const [nearest] = others
    .map((other) => other.split('\n'))
    .toSorted((left, right) => sharedLines(lines, right) - sharedLines(lines, left))
  if (nearest === undefined) return []
  const [more, less] = [without(lines, nearest), without(nearest, lines)]
  if (more.length + less.length === 0) return ['One with the same words is recorded: the schema of its answer differs.']
  const shown = [
    ...less.map((line, index) => `- ${cut(line, more[index])}`).slice(0, SHOWN_LINES),
    ...more.map((line, index) => `+ ${cut(line, less[index])}`).slice(0, SHOWN_LINES),
  ]
  return ['The nearest recording differs (- recorded, + asked):', ...shown]
}

const without = (lines: readonly string[], others: readonly string[]): string[] => {
  const known = new Set(others)
  return lines.filter((line) => !known.has(line))
}

const sharedLines = (lines: readonly string[], others: readonly string[]): number =>
  lines.length - without(lines, others).length

function cut(line: string, other = ''): string {
  let at = 0
  while (at < line.length && line[at] === other[at]) at += 1
  const from = Math.max(0, at - AROUND)
  const to = Math.min(line.length, at + AROUND)
  return `${from === 0 ? '' : '…'}${line.slice(from, to)}${to === line.length ? '' : '…'}`
}
