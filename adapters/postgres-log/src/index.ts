export { createPostgresLog, type PostgresLog, type PostgresLogOptions, postgresLogMigrations } from './postgres-log.ts'
export type { LogGap } from './gaps.ts'
