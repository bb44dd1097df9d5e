export { createPostgresLog, type PostgresLog, type PostgresLogOptions, postgresLogMigrations } from './postgres-log.ts'
