import * as z from 'zod'
import { commonProblems } from './common-problems.ts'

/** `?limit` 1–200, default 50, `&cursor`: the query fields of every list. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(1024).optional(),
}

/** `{ items, nextCursor }`; `nextCursor` is null on the last page. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.strictObject({ items: z.array(item), nextCursor: z.string().nullable() })

/** A cursor is opaque base64url JSON of the last item's sort key. */
export function encodeCursor(key: readonly (string | number)[]): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(key))))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')
}

/** What a part of a sort key may be: Postgres would refuse anything else with an error of its own. */
const CURSOR_PARTS = {
  text: z
    .string()
    .max(1024)
    .regex(/^[^\0\p{Surrogate}]*$/u),
  /** From the year 1 on, as Postgres counts. */
  time: z.iso.datetime().regex(/^(?!0000)/),
  uuid: z.guid(),
  integer: z.number().int(),
  /** Since 1970, up to the year 9999. */
  milliseconds: z.number().int().min(0).max(253_402_300_799_999),
  smallint: z.number().int().min(0).max(32_767),
} as const

export type CursorPart = keyof typeof CURSOR_PARTS
type CursorKey<Parts extends readonly CursorPart[]> = {
  -readonly [Index in keyof Parts]: z.output<(typeof CURSOR_PARTS)[Parts[Index]]>
}

/**
 * The sort key in a cursor; undefined without a cursor.
 * @throws invalid-request for what is no cursor of a list with such keys
 */
export function decodeCursor<const Parts extends readonly CursorPart[]>(
  cursor: string | undefined,
  parts: Parts,
): CursorKey<Parts> | undefined {
  if (cursor === undefined) return undefined
  const key = parseCursor(cursor)
  const fits = Array.isArray(key) && key.length === parts.length
  if (fits && parts.every((part, index) => CURSOR_PARTS[part].safeParse(key[index]).success))
    return key as CursorKey<Parts>
  throw commonProblems.invalidRequest.create('the cursor is not one of this list', {
    errors: [{ pointer: '/query/cursor', code: 'invalid-cursor', detail: 'send nextCursor as it came' }],
  })
}

function parseCursor(cursor: string): unknown {
  try {
    const bytes = Uint8Array.from(atob(cursor.replaceAll('-', '+').replaceAll('_', '/')), (character) =>
      character.charCodeAt(0),
    )
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}

/** Cuts a page out of `limit + 1` rows. */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  options: { item: (row: Row) => Item; key: (row: Row) => readonly (string | number)[] },
) {
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    items: page.map(options.item),
    nextCursor: rows.length > limit && last !== undefined ? encodeCursor(options.key(last)) : null,
  }
}
