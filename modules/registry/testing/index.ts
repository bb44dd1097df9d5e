export { corpusDefinitions, corpusQuestions } from './discovery-corpus.ts'
export { type DiscoveryQuality, discoveryQuality } from './discovery-quality.ts'
export { problemOf } from './problem-of.ts'
export { anAgentContext, createRegistryHost, type RegistryHost, type RegistryHostOptions } from './registry-host.ts'
