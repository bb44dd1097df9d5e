import { SECRET_SHAPES } from './secret-shapes.ts'

/** `mask` replaces what looks like a secret, `refuse` only says so, `allow` does not look. */
export type SecretPolicy = 'mask' | 'refuse' | 'allow'

export interface Masked {
  /** With each secret as `[masked: <shape>]` under `mask`, else as given. Masking it again changes nothing. */
  readonly text: string
  /** The shapes that were found, each once, sorted. Never the secrets. */
  readonly found: string[]
}

/** Finds key shapes that issuers publish, private key blocks, passwords with their name before them and card numbers (MEM-R10). Takes time in proportion to the text. */
export function maskSecrets(text: string, policy: SecretPolicy): Masked {
  if (policy === 'allow') return { text, found: [] }
  const found = new Set<string>()
  const mask = (name: string): string => {
    found.add(name)
    return `[masked: ${name}]`
  }
  const shaped = SECRET_SHAPES.reduce(
    (rest, { name, pattern }) =>
      rest.replace(pattern, (...match) => {
        const { kept } = groupsOf(match)
        return `${kept ?? ''}${mask(name)}`
      }),
    text,
  )
  const masked = maskCards(shaped, () => mask('card-number'))
  return { text: policy === 'mask' ? masked : text, found: [...found].sort() }
}

function groupsOf(match: readonly unknown[]): Readonly<Record<string, string | undefined>> {
  const last = match.at(-1)
  return typeof last === 'object' && last !== null ? (last as Record<string, string | undefined>) : {}
}

const CARD_LENGTH = { least: 13, most: 19 } as const
/** Digits in groups, as people write them. The whole run is taken, so that no part of it is read twice. */
const DIGIT_RUN = /(?<![\w.]|\d[ -])\d+(?:[ -]\d+)*(?!\w)/g
const SEPARATOR = /([ -])/

/** A card number stands for itself or in groups between others: whole groups are tried, the longest number first. */
function maskCards(text: string, mask: () => string): string {
  return text.replace(DIGIT_RUN, (run) => {
    const parts = run.split(SEPARATOR)
    let masked = ''
    for (let start = 0; start < parts.length; ) {
      const end = cardEnd(parts, start)
      masked += end === undefined ? `${parts[start]}${parts[start + 1] ?? ''}` : `${mask()}${parts[end] ?? ''}`
      start = end === undefined ? start + 2 : end + 1
    }
    return masked
  })
}

/** Where the card number that begins with a group ends: the place of the separator after it. */
function cardEnd(parts: readonly string[], start: number): number | undefined {
  let digits = ''
  let end: number | undefined
  for (let at = start; at < parts.length && digits.length < CARD_LENGTH.most; at += 2) {
    digits += parts[at]
    if (isCardNumber(digits)) end = at + 1
  }
  return end
}

/** Issuers number from 2 to 6; the last digit makes the sum of all, every second doubled, a multiple of ten (ISO/IEC 7812). */
function isCardNumber(digits: string): boolean {
  if (digits.length < CARD_LENGTH.least || digits.length > CARD_LENGTH.most || !/^[2-6]/.test(digits)) return false
  let sum = 0
  for (let index = 0; index < digits.length; index++) {
    const digit = Number(digits[digits.length - 1 - index])
    const counted = index % 2 === 0 ? digit : digit * 2
    sum += counted > 9 ? counted - 9 : counted
  }
  return sum % 10 === 0
}
