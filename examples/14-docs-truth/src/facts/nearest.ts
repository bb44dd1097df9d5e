/** Edits (insert, delete, replace, swap of neighbours) from one text to another; more than `limit` counts as `limit + 1`. */
export function editDistance(left: string, right: string, limit = 3): number {
  if (Math.abs(left.length - right.length) > limit) return limit + 1
  let before: number[] = []
  let last = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let row = 1; row <= left.length; row += 1) {
    const next = [row]
    for (let column = 1; column <= right.length; column += 1) {
      const isSame = left[row - 1] === right[column - 1]
      let cost = Math.min((last[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1, (last[column - 1] ?? 0) + (isSame ? 0 : 1))
      const isSwap = row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]
      if (isSwap) cost = Math.min(cost, (before[column - 2] ?? 0) + 1)
      next.push(cost)
    }
    before = last
    last = next
  }
  return Math.min(last[right.length] ?? 0, limit + 1)
}

/** Splits `startDev`, `start:dev`, `START_DEV` into its words. */
const wordsOf = (name: string): readonly string[] =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')

/** Same words in another order or spelling, or one set inside the other (at least half of the words in common). */
function isRelated(left: string, right: string): boolean {
  const leftWords = new Set(wordsOf(left))
  const rightWords = new Set(wordsOf(right))
  const common = [...leftWords].filter((word) => rightWords.has(word)).length
  return common > 0 && common === Math.min(leftWords.size, rightWords.size) && common * 2 >= Math.max(leftWords.size, rightWords.size)
}

/** The one candidate that is clearly meant: nearest by few edits, else the only related one. Undefined when two are as near. */
export function onlyNearest(name: string, candidates: readonly string[]): string | undefined {
  const limit = name.length < 5 ? 1 : name.length < 9 ? 2 : 3
  const distances = candidates.map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase(), limit) }))
  const least = Math.min(...distances.map((entry) => entry.distance))
  const near = distances.filter((entry) => entry.distance === least)
  if (least <= limit) return near.length === 1 ? near[0]?.candidate : undefined
  const related = candidates.filter((candidate) => isRelated(name, candidate))
  return related.length === 1 ? related[0] : undefined
}
