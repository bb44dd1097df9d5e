import type { CrashPoint } from './crash-point.ts'

export interface ProcessOrder {
  /** By full key; `server.databaseUrl`, else `server.dataDirectory` names the database. */
  readonly settings: Readonly<Record<string, unknown>>
  readonly port: number
  readonly crash?: CrashPoint
}

export interface Question {
  readonly id: number
  /** Absent: the heads of the log are asked. */
  readonly sql?: string
}

/** To a question of the same id; id 0 says that the process is ready. */
export interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly fault?: string
}
