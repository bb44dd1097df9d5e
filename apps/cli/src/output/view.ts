/** How a column is shown. `id` is never cut; `text` is the one that shrinks on a narrow terminal; `time` is relative on a terminal, RFC 3339 elsewhere; `status` has the colour of its word. */
export type ColumnKind = 'id' | 'text' | 'time' | 'status' | 'plain'

export interface Column<Row> {
  readonly title: string
  readonly of: (row: Row) => string | number | null | undefined
  readonly kind?: ColumnKind
}

/** How a result looks as a table and as ids. */
export interface View<Value, Row> {
  readonly rows: (value: Value) => readonly Row[]
  readonly columns: readonly Column<Row>[]
  readonly ids: (value: Value) => readonly string[]
}

export interface Field {
  readonly name: string
  readonly value: string | number | null | undefined
  readonly kind?: ColumnKind
}

/** One thing as a line a field; fields without a value are left out. */
export function fieldsView<Value>(
  fields: (value: Value) => readonly Field[],
  ids: (value: Value) => readonly string[],
): View<Value, Field> {
  return {
    rows: (value) => fields(value).filter((field) => field.value !== undefined && field.value !== null),
    columns: [
      { title: 'field', of: ({ name }) => name },
      { title: 'value', of: ({ value }) => value, kind: 'text' },
    ],
    ids,
  }
}

/** A page of things as a table. */
export const pageView = <Row>(
  columns: readonly Column<Row>[],
  id: (row: Row) => string,
): View<{ readonly items: readonly Row[] }, Row> => ({
  rows: ({ items }) => items,
  columns,
  ids: ({ items }) => items.map(id),
})
