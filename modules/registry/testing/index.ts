export { anAgentContext, createRegistryHost, type RegistryHost, type RegistryHostOptions } from './registry-host.ts'
