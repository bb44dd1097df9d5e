export { aContext, type Bench, type BenchOptions, migrate, openBench, openDatabase } from './bench.ts'
