export { createTestServer, type TestServer, type TestServerOptions, testContext } from './test-server.ts'
