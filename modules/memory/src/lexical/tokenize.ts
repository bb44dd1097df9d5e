import { stemmer } from 'stemmer'
import { fold } from './fold.ts'
import { STOP_WORDS } from './stop-words.ts'

const PAIRED = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u30fc`
const UNSPACED = String.raw`\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}`
/**
 * Runs of Chinese, Japanese and Korean, of scripts that need a dictionary, and of all others; apostrophes inside a word and points inside a number belong to it. One pass over the text:
 * `Intl.Segmenter` over all of it takes the square of its length (22 s for 256 KiB of English in V8).
 */
const RUNS = new RegExp(
  String.raw`(?<paired>[${PAIRED}]+)|(?<unspaced>[${UNSPACED}]+)|(?<word>(?:[[\p{L}\p{N}\p{M}'’]--[${PAIRED}${UNSPACED}]]|(?<=\p{N})[.,](?=\p{N}))+)`,
  'gv',
)
/** Where camelCase and PascalCase begin a new part: `memoryItem`, `HTTPServer`. */
const CASE_EDGE = /(?<=\p{Ll})(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/u
const MIXED_CASE = /\p{Ll}\p{Lu}|\p{Lu}{2}\p{Ll}/u
const APOSTROPHES = /['’]/g
const POSSESSIVE = /['’]s?$/i
/** The script of a run chooses the dictionary, whatever the language. */
const dictionary = new Intl.Segmenter('en', { granularity: 'word' })
/** Characters that the dictionary is asked about at once: twice as many cost more, half as many cut more words. */
const DICTIONARY_PIECE = 128
/** What is longer is an identifier or noise; its end is cut. */
const MAX_TERM_LENGTH = 64
/** No English word with an ending is longer, and the stemmer's patterns are not made for it. */
const MAX_STEMMED_LENGTH = 32

/**
 * The terms of a well-formed text, in its order, repetitions and stop words kept: compatibility form, no accents, lower case, the parts of camelCase and snake_case apart (camelCase whole
 * beside them, so that `iPhone` is found by `iphone`), Chinese, Japanese and Korean in pairs of characters, endings taken off where `language` is English (`en`, `en-GB`). Takes time in
 * proportion to the text.
 */
export function tokenize(text: string, language: string): string[] {
  const words = wordsOf(text)
  return isEnglish(language) ? stemAll(words) : words
}

/** What a query asks for: its terms without stop words, each once, in its order. Empty when it says nothing: recency decides then. */
export function queryTerms(text: string, language: string): string[] {
  const words = wordsOf(text)
  const terms = isEnglish(language) ? stemAll(words.filter((word) => !STOP_WORDS.has(word))) : words
  return [...new Set(terms)]
}

const isEnglish = (language: string): boolean => /^en(?:-|$)/i.test(language)

function wordsOf(text: string): string[] {
  const words: string[] = []
  for (const { groups } of fold(text).matchAll(RUNS)) {
    const { paired, unspaced, word } = groups as Record<string, string | undefined>
    if (word !== undefined) pushWord(words, word)
    else if (paired !== undefined) pushPairs(words, paired)
    else if (unspaced !== undefined) pushDictionaryWords(words, unspaced)
  }
  return words
}

function pushWord(words: string[], run: string): void {
  const word = run.replace(POSSESSIVE, '').replace(APOSTROPHES, '')
  if (word === '') return
  if (MIXED_CASE.test(word)) for (const part of word.split(CASE_EDGE)) words.push(cut(part).toLowerCase())
  words.push(cut(word).toLowerCase())
}

/** Never between the halves of a character: the database would refuse the term. */
const cut = (word: string): string =>
  word.length <= MAX_TERM_LENGTH ? word : word.slice(0, MAX_TERM_LENGTH).replace(/\p{Surrogate}$/u, '')

function pushPairs(words: string[], run: string): void {
  const characters = Array.from(run)
  if (characters.length === 1) words.push(run)
  for (let index = 1; index < characters.length; index++) words.push(`${characters[index - 1]}${characters[index]}`)
}

function pushDictionaryWords(words: string[], run: string): void {
  for (let start = 0; start < run.length; start += DICTIONARY_PIECE)
    for (const { segment, isWordLike } of dictionary.segment(run.slice(start, start + DICTIONARY_PIECE)))
      if (isWordLike === true) words.push(cut(segment))
}

function stemAll(words: readonly string[]): string[] {
  const stems = new Map<string, string>()
  return words.map((word) => {
    const known = stems.get(word)
    if (known !== undefined) return known
    const stem = word.length > MAX_STEMMED_LENGTH ? word : stemmer(word)
    stems.set(word, stem)
    return stem
  })
}
