import * as z from 'zod'

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

/** Undefined for anything that is not a cursor of `length` parts. */
export function decodeCursor(cursor: string | undefined, length: number): (string | number)[] | undefined {
  if (cursor === undefined) return undefined
  try {
    const bytes = Uint8Array.from(atob(cursor.replaceAll('-', '+').replaceAll('_', '/')), (character) =>
      character.charCodeAt(0),
    )
    const key: unknown = JSON.parse(new TextDecoder().decode(bytes))
    return Array.isArray(key) && key.length === length ? (key as (string | number)[]) : undefined
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
