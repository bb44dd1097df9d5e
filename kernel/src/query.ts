import * as z from 'zod'

/** A moment that a caller names: RFC 3339 with any offset, from the year 1 on, as Postgres counts. */
export const instant = z.iso
  .datetime({ offset: true })
  .refine((text) => !text.startsWith('0000'), 'must be of the year 1 or later')

/** A boolean query field: `true`/`false`/`1`/`0` over HTTP, a boolean in process. */
export const queryBoolean = z.union([z.boolean(), z.stringbool()])

/** A list query field: repeated (`?topic=a&topic=b`), comma-separated (`?topic=a,b`), or an array in process. At most 50 entries. */
export const queryList = <Item extends z.ZodType<string, string>>(item: Item) =>
  z.preprocess(
    (value) => (typeof value === 'string' ? value.split(',').filter((part) => part !== '') : value),
    z.array(item).max(50),
  )
