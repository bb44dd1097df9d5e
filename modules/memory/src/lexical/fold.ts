/** Marks that change a letter's sound, not the letter, in Latin, Greek, Cyrillic, Hebrew and Arabic. Vowel signs of other scripts are letters and stay. */
const ACCENTS = new RegExp(
  String.raw`[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+`,
  'g',
)
/** No script stacks more marks on one letter; normalising longer runs takes the square of their length (12 s for 256 KiB in V8). */
const LONG_RUN = /(\p{M}{8})\p{M}+/gu
const NON_ASCII = /[^\0-\x7f]/

/** The text in compatibility form without accents: `Ｃａｆé ﬁn` is `Cafe fin`. Case stays. */
export function fold(text: string): string {
  if (!NON_ASCII.test(text)) return text
  const bounded = text.replace(ACCENTS, '').replace(LONG_RUN, '$1')
  return bounded.normalize('NFKD').replace(ACCENTS, '').normalize('NFC')
}
