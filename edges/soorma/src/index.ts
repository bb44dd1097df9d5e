export { soormaContract } from './contract.ts'
export { soormaEdge, type SoormaPorts } from './edge.ts'
