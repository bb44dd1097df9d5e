type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** What YAML reads as that string without quotes: no word or number of its own, nothing that means something to it. */
const PLAIN = /^[A-Za-z_/][\w./-]*$/
const WORDS = /^(?:true|false|null|yes|no|on|off|y|n)$/i

/** JSON as YAML 1.2 in block style. Equal values give equal text. */
export function toYaml(value: unknown): string {
  return `${linesOf(value as Json).join('\n')}\n`
}

function linesOf(value: Json): string[] {
  if (!isNested(value)) return [scalar(value)]
  if (Array.isArray(value)) return value.flatMap((item: Json) => entryLines('-', item))
  return Object.entries(value).flatMap(([key, item]) => entryLines(`${text(key)}:`, item))
}

/** The lines of an entry: a scalar beside its head, lines of what is nested below it. */
function entryLines(head: string, item: Json): string[] {
  const lines = linesOf(item)
  if (!isNested(item)) return [`${head} ${lines[0]}`]
  if (head === '-') return lines.map((line, index) => (index === 0 ? `- ${line}` : `  ${line}`))
  return [head, ...lines.map((line) => `  ${line}`)]
}

const isNested = (value: Json): value is Exclude<Json, null | boolean | number | string> =>
  typeof value === 'object' && value !== null && Object.keys(value).length > 0

const scalar = (value: Json): string => (typeof value === 'string' ? text(value) : JSON.stringify(value))

/** A JSON string is a double-quoted YAML string. */
const text = (value: string): string => (PLAIN.test(value) && !WORDS.test(value) ? value : JSON.stringify(value))
