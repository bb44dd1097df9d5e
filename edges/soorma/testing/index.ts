export {
  type AnsweredRequest,
  type FrontBench,
  openFrontBench,
  type FrontBenchOptions,
  type Tenant,
} from './front-bench.ts'
export { hs256, type JwtParts, newRsaKey, rs256, type RsaKeyPair, unsigned } from './tokens.ts'
