export { createPostgresDatabase, type PostgresOptions } from './postgres-database.ts'
export { postgresProblems } from './problems.ts'
