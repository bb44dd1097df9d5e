/** Shorter words have too many neighbours to guess. */
const MIN_LENGTH = 4
/** From this length on two errors are believed. */
const TWO_ERRORS_FROM = 8
const LETTERS_ONLY = /^[\p{L}\p{M}]+$/u

/**
 * The candidate that a mistyped word most likely means: one error away (a letter more, less, other, or two neighbours swapped), two from 8 letters on. The fewest errors win, then the
 * earlier candidate: give frequent words first. Undefined when none is near, for words under 4 letters, and where digits are: a near number is another number.
 */
export function nearestWords(word: string, candidates: readonly string[]): string | undefined {
  const letters = Array.from(word)
  if (letters.length < MIN_LENGTH || !LETTERS_ONLY.test(word)) return undefined
  let most = letters.length >= TWO_ERRORS_FROM ? 2 : 1
  let best: string | undefined
  for (const candidate of candidates) {
    if (!LETTERS_ONLY.test(candidate)) continue
    const errors = errorsBetween(letters, Array.from(candidate), most)
    if (errors > most || (errors === most && best !== undefined)) continue
    if (errors === 0) return candidate
    best = candidate
    most = errors
  }
  return best
}

/** Optimal string alignment distance; `most + 1` as soon as it must be more than `most`. */
function errorsBetween(left: readonly string[], right: readonly string[], most: number): number {
  if (Math.abs(left.length - right.length) > most) return most + 1
  let before: number[] = []
  let row = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let i = 1; i <= left.length; i++) {
    const next = [i]
    for (let j = 1; j <= right.length; j++) {
      const isSame = left[i - 1] === right[j - 1]
      const isSwapped = left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1] && i > 1 && j > 1
      next.push(
        Math.min(
          (row[j - 1] as number) + (isSame ? 0 : 1),
          (row[j] as number) + 1,
          (next[j - 1] as number) + 1,
          isSwapped ? (before[j - 2] as number) + 1 : Number.POSITIVE_INFINITY,
        ),
      )
    }
    if (Math.min(...next) > most) return most + 1
    before = row
    row = next
  }
  return row[right.length] as number
}
