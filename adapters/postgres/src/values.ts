import pg from 'pg'

const TYPE = {
  int8: 20,
  date: 1082,
  timestamp: 1114,
  timestamptz: 1184,
  interval: 1186,
  point: 600,
  circle: 718,
} as const
const ARRAY = {
  text: 1009,
  int8: 1016,
  timestamp: 1115,
  timestamptz: 1185,
  date: 1182,
  interval: 1187,
  numeric: 1231,
} as const

const LAST_INSTANT_MS = 8.64e15

function parseInstant(text: string): Date {
  if (text === 'infinity') return new Date(LAST_INSTANT_MS)
  if (text === '-infinity') return new Date(-LAST_INSTANT_MS)
  return new Date(text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00'))
}

/** The types of `pg` know no array oids. */
const parseTextArray = pg.types.getTypeParser(ARRAY.text as never) as (text: string) => unknown[]

function mapElements(values: unknown[], parse: (text: string) => unknown): unknown[] {
  return values.map((value) =>
    Array.isArray(value) ? mapElements(value, parse) : value === null ? null : parse(value as string),
  )
}

/** The normalisation that the Database port promises, per connection: other users of `pg` in the process keep its defaults. */
export function normalisedTypes(): pg.TypeOverrides {
  const types = new pg.TypeOverrides()
  types.setTypeParser(TYPE.int8, Number)
  types.setTypeParser(TYPE.timestamptz, parseInstant)
  for (const type of [TYPE.date, TYPE.timestamp, TYPE.interval, TYPE.point, TYPE.circle])
    types.setTypeParser(type, (text: string) => text)
  types.setTypeParser(ARRAY.int8, (text: string) => mapElements(parseTextArray(text), Number))
  types.setTypeParser(ARRAY.timestamptz, (text: string) => mapElements(parseTextArray(text), parseInstant as never))
  for (const type of [ARRAY.date, ARRAY.timestamp, ARRAY.interval, ARRAY.numeric])
    types.setTypeParser(type, parseTextArray)
  return types
}
