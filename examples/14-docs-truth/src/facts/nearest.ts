/** Edits (insert, delete, replace, swap of neighbours) from one text to another; more than `limit` counts as `limit + 1`. */
export function editDistance(left: string, right: string, limit = 3): number {
  if (Math.abs(left.length - right.length) > limit) return limit + 1
  let before: number[] = []
  let last = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let row = 1; row <= left.length; row += 1) {
    const next = [row]
    for (let column = 1; column <= right.length; column += 1) {
      const isSame = left[row - 1] === right[column - 1]
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (next[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
      )
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

/** Words that are spelled almost alike; short ones (`js`, `all`) must be equal, as one letter makes another word of them. */
function isAlike(left: string, right: string): boolean {
  const shorter = Math.min(left.length, right.length)
  return left === right || (shorter >= 4 && editDistance(left, right, 2) <= Math.max(1, Math.floor(shorter / 4)))
}

/** How far two names are apart: edits, when word by word they are alike; undefined when they are different names. */
function distanceOf(name: string, candidate: string): number | undefined {
  const words = wordsOf(name)
  const others = wordsOf(candidate)
  const edits = editDistance(name.toLowerCase(), candidate.toLowerCase(), 3)
  if (words.length === others.length && words.every((word, index) => isAlike(word, others[index] ?? ''))) return edits
  if (words.length !== others.length && words.join('') === others.join('')) return 1
  const isSameSet = words.length > 1 && words.toSorted().join(' ') === others.toSorted().join(' ')
  if (isSameSet) return 4
  const common = words.filter((word) => others.includes(word)).length
  return common >= 2 && common === Math.min(words.length, others.length) ? 5 : undefined
}

/** The one candidate that is clearly meant. Undefined when none is like the name, or two are as near. */
export function onlyNearest(name: string, candidates: readonly string[]): string | undefined {
  const near = candidates.flatMap((candidate) => {
    const distance = distanceOf(name, candidate)
    return distance === undefined ? [] : [{ candidate, distance }]
  })
  const least = Math.min(...near.map((entry) => entry.distance))
  const nearest = near.filter((entry) => entry.distance === least)
  return nearest.length === 1 ? nearest[0]?.candidate : undefined
}
