export {
  aMember,
  anybody,
  createMemorySteps,
  MEMORY_MODULES,
  type MemoryBench,
  type MemoryBenchOptions,
  openMemoryBench,
} from './memory-bench.ts'
