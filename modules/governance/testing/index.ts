export { aContext, type Bench, type BenchOptions, openBench } from './bench.ts'
