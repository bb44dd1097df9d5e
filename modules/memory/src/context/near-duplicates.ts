import { tokenize } from '../lexical/tokenize.ts'

/** Share of common terms from which two texts say the same (MEM-R55). */
const SAME = 0.9
/** Of a longer text its beginning and end are compared: a context may look at a hundred texts of 256 KiB. */
const MOST_COMPARED = 8000

/** Finds out of texts, as they come, those that nearly repeat one before. */
export function createDuplicateFinder() {
  const seen: { readonly length: number; readonly terms: ReadonlySet<string> }[] = []
  return (text: string, language: string): boolean => {
    const { length } = text
    const terms = new Set(tokenize(compared(text), language))
    const isLike = (other: (typeof seen)[number]): boolean =>
      Math.min(length, other.length) >= SAME * Math.max(length, other.length) || length <= MOST_COMPARED
    if (seen.some((other) => isLike(other) && jaccard(terms, other.terms) >= SAME)) return true
    seen.push({ length, terms })
    return false
  }
}

const compared = (text: string): string =>
  text.length <= MOST_COMPARED ? text : text.slice(0, MOST_COMPARED / 2) + text.slice(-MOST_COMPARED / 2)

/** Terms that both have, of all that either has; 0 for texts without terms, since nothing is known of them. */
export function jaccard(left: ReadonlySet<string>, right: ReadonlySet<string>): number {
  const [small, large] = left.size < right.size ? [left, right] : [right, left]
  let common = 0
  for (const term of small) if (large.has(term)) common += 1
  const all = small.size + large.size - common
  return all === 0 ? 0 : common / all
}
