export { type CollectedSpan, type Collector, createCollector } from './collector.ts'
export { createTestServer, headersOf, type TestServer, type TestServerOptions, testContext } from './test-server.ts'
