export { CLIENT_ENVIRONMENT, type RunningServer, type ServerOptions, startServer } from './start-server.ts'
export { contractsOf, type Platform } from './platform.ts'
export { somaPlatform } from './soma-platform.ts'
export { VERSION } from './version.ts'
