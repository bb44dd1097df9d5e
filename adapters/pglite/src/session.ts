import { type OpenSession, openSession } from '@soma/kernel/sql-session'
import type { Engine } from './engine.ts'
import type { EngineResult } from './engine-messages.ts'
import { serialize } from './values.ts'

function toObjects({ columns, rows }: EngineResult): Record<string, unknown>[] {
  return rows.map((values) => {
    const row: Record<string, unknown> = {}
    for (let index = 0; index < columns.length; index += 1) row[columns[index] as string] = values[index]
    return row
  })
}

/** The session of one transaction on the engine. */
export function openEngineSession(engine: Engine, guard: (sql: string) => void, idleTimeoutMs: number): OpenSession {
  return openSession({
    guard,
    idleTimeoutMs,
    send: (sql, parameters) => engine.ask({ kind: 'statement', sql, parameters: parameters.map(serialize) }),
    rowsOf: toObjects,
    changedOf: ({ changed }) => changed,
  })
}
