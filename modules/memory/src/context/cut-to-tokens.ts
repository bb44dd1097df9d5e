import { estimateTokens } from '../lexical/estimate-tokens.ts'

const MARK = '…'
/** How far back a word may begin that is left out whole. */
const LONGEST_WORD = 80

/** The text, or as much of its beginning as has at most so many tokens with `…` behind, cut between words where one ends soon enough; '' where nothing fits. */
export function cutToTokens(text: string, most: number): string {
  if (estimateTokens(text) <= most) return text
  let [fits, over] = [0, text.length]
  while (over - fits > 1) {
    const middle = (fits + over) >> 1
    if (estimateTokens(text.slice(0, middle) + MARK) <= most) fits = middle
    else over = middle
  }
  const part = text.slice(0, fits).replace(/[\uD800-\uDBFF]$/, '')
  const lastSpace = part.search(/\s\S*$/)
  const kept = lastSpace > 0 && part.length - lastSpace <= LONGEST_WORD ? part.slice(0, lastSpace) : part
  return kept.trimEnd() === '' ? '' : `${kept.trimEnd()}${MARK}`
}
