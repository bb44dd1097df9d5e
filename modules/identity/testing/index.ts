export { identityPorts, KEY_OF_TESTS } from './ports.ts'
