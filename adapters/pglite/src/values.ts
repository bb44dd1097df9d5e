/** Text values of the wire protocol and what they are here: the normalisation that the Database port promises. */
type Parse = (text: string) => unknown

const TYPE = {
  bool: 16,
  bytea: 17,
  int8: 20,
  int2: 21,
  int4: 23,
  oid: 26,
  json: 114,
  float4: 700,
  float8: 701,
  timestamptz: 1184,
  jsonb: 3802,
} as const

/** Element type of the array types whose elements are not plain text. */
const ARRAY_ELEMENT: Readonly<Record<number, number>> = {
  199: TYPE.json,
  1000: TYPE.bool,
  1001: TYPE.bytea,
  1005: TYPE.int2,
  1007: TYPE.int4,
  1016: TYPE.int8,
  1021: TYPE.float4,
  1022: TYPE.float8,
  1028: TYPE.oid,
  1185: TYPE.timestamptz,
  3807: TYPE.jsonb,
}

/** Array types whose elements stay text: name, text, varchar, date, uuid, numeric and the like. */
const TEXT_ARRAYS = new Set([1002, 1003, 1009, 1014, 1015, 1115, 1182, 1183, 1187, 1231, 2951, 1041, 651])

const LAST_INSTANT_MS = 8.64e15

function parseInstant(text: string): Date {
  if (text === 'infinity') return new Date(LAST_INSTANT_MS)
  if (text === '-infinity') return new Date(-LAST_INSTANT_MS)
  return new Date(text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00'))
}

const parseBytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.slice(2), 'hex'))

const PARSERS: Readonly<Record<number, Parse>> = {
  [TYPE.bool]: (text) => text === 't',
  [TYPE.bytea]: parseBytes,
  [TYPE.int8]: Number,
  [TYPE.int2]: Number,
  [TYPE.int4]: Number,
  [TYPE.oid]: Number,
  [TYPE.json]: (text) => JSON.parse(text) as unknown,
  [TYPE.jsonb]: (text) => JSON.parse(text) as unknown,
  [TYPE.float4]: Number,
  [TYPE.float8]: Number,
  [TYPE.timestamptz]: parseInstant,
}

const ARRAY_TOKEN = /"((?:[^"\\]|\\.)*)"|([^,{}"]+)|([{}])/gs

function parseArray(text: string, parse: Parse): unknown[] {
  const root: unknown[] = []
  const open: unknown[][] = [root]
  for (const [, quoted, bare, brace] of text.slice(text.indexOf('{')).matchAll(ARRAY_TOKEN)) {
    const current = open.at(-1) as unknown[]
    if (brace === '{') open.push([])
    else if (brace === '}') open.at(-2)?.push(open.pop())
    else if (bare === undefined) current.push(parse((quoted ?? '').replace(/\\(.)/gs, '$1')))
    else current.push(bare === 'NULL' ? null : parse(bare))
  }
  return root[0] as unknown[]
}

const asText: Parse = (text) => text

/** The parser of a type, by its oid. Unknown types stay text. */
export function parserOf(type: number): Parse {
  const element = ARRAY_ELEMENT[type]
  if (element !== undefined) return (text) => parseArray(text, PARSERS[element] ?? asText)
  if (TEXT_ARRAYS.has(type)) return (text) => parseArray(text, asText)
  return PARSERS[type] ?? asText
}

function arrayLiteral(values: readonly unknown[]): string {
  const elements = values.map((value) => {
    if (Array.isArray(value)) return arrayLiteral(value)
    const text = serialize(value)
    return text === null ? 'NULL' : `"${text.replace(/[\\"]/g, '\\$&')}"`
  })
  return `{${elements.join(',')}}`
}

/** A parameter as the text that Postgres reads; the statement's own types decide what it becomes. */
export function serialize(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`
  if (Array.isArray(value)) return arrayLiteral(value)
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
