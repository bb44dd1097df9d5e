export { aContext, type Bench, type BenchOptions, openBench, migrate, openDatabase } from './bench.ts'
export { openPostgres, type PostgresForTests } from './postgres.ts'
