export { createLogIndex, type LogIndex, type LogIndexOptions } from './log-index.ts'
export { createPostgresLog, type PostgresLog, type PostgresLogOptions, postgresLogMigrations } from './postgres-log.ts'
export type { LogGap } from './gaps.ts'
