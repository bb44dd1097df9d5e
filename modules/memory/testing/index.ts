export {
  aMember,
  anybody,
  createMemorySteps,
  MEMORY_MODULES,
  MEMORY_TABLES,
  type MemoryBench,
  type MemoryBenchOptions,
  openMemoryBench,
} from './memory-bench.ts'
export { type Evaluation, type EvaluateOptions, evaluate, type Found, type Ranker } from './evaluation/evaluate.ts'
export { generatedSuite, suiteHash } from './evaluation/generated-suite.ts'
export { loadLocomo } from './evaluation/load-locomo.ts'
export { loadLongMemEval } from './evaluation/load-long-mem-eval.ts'
export type { Conversation, Question, Turn } from './evaluation/suite.ts'
export { createWordRanker, type WordRankerOptions } from './evaluation/word-ranker.ts'
