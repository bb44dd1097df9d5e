/** Words that say nothing about what is wanted. */
const STOP = new Set(
  'a an and are as at be by do for from get has how i in is it me my of on or please that the this to want what which who with you'.split(
    ' ',
  ),
)

/** Words in lower case, parts of camelCase apart, endings of plural and tense taken off. */
export const wordsOf = (text: string): string[] =>
  (
    text
      .replaceAll(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  )
    .filter((word) => !STOP.has(word))
    .map(stem)

/** The word without its ending. */
export function stem(word: string): string {
  if (word.length <= 4) return word.replace(/s$/, '')
  const bare = word.replace(/(?:ations?|ating|ated|ates?|ings?|ied|ies|ed|es|s|ions?|ers?|ors?|e|y)$/, '')
  return bare.length >= 3 ? bare : word
}
