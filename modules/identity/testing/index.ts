export { type Installation, type InstallationOptions, moduleCaller, nobody, openInstallation } from './installation.ts'
export { identityPorts, KEY_OF_TESTS } from './ports.ts'
