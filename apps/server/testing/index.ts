export { createTestServer, headersOf, type TestServer, type TestServerOptions, testContext } from './test-server.ts'
