import type { CrashPoint } from './crash-point.ts'

export interface ProcessOrder {
  /** By full key; `server.databaseUrl`, else `server.dataDirectory` names the database. */
  readonly settings: Readonly<Record<string, unknown>>
  readonly port: number
  readonly crash?: CrashPoint
  /** Beside the module of the suite. Default: events and registry. */
  readonly modules?: readonly string[]
}

export interface Question {
  readonly id: number
  /** Absent: the heads of the log are asked. */
  readonly sql?: string
  readonly parameters?: readonly unknown[]
  /** Whose rows are asked for, of any module. Absent: those of events, of all tenants. */
  readonly tenantId?: string
}

/** To a question of the same id; id 0 says that the process is ready. */
export interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly fault?: string
}
