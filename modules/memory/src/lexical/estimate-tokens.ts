/**
 * How many tokens a model will about take for the text, without asking one: four ASCII characters a token, two of other alphabets, one of Chinese, Japanese, Korean and emoji. Common
 * tokenisers are within a third of it; never more than one a UTF-16 unit.
 */
export function estimateTokens(text: string): number {
  let quarters = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    quarters += code < 0x80 ? 1 : code < 0x2e80 ? 2 : 4
  }
  return Math.ceil(quarters / 4)
}
