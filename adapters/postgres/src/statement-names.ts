/** Names for statements worth keeping on a connection: parsed once each, planned generically when that is no worse. */
const KEPT_NAMES = 500

/** The columns of these change with the table, and a kept plan would then fail; another process may migrate at any time. */
const ANY_COLUMNS = /(?:\bselect|\breturning|[,.])\s*\*/i

export function createStatementNames(): (sql: string) => string | undefined {
  const names = new Map<string, string | undefined>()
  return (sql) => {
    if (names.has(sql)) return names.get(sql)
    if (names.size >= KEPT_NAMES) return undefined
    const name = ANY_COLUMNS.test(sql) ? undefined : `soma_${names.size + 1}`
    names.set(sql, name)
    return name
  }
}
