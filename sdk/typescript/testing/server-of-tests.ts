import { somaPlatform } from '@soma/server'
import { createTestServer, type TestServer } from '@soma/server/testing'

/** The real platform over an embedded database in memory. For this package's own tests. */
export const startServerOfTests = (settings: Readonly<Record<string, unknown>> = {}): Promise<TestServer> =>
  createTestServer({ modules: somaPlatform.modules, portsOf: somaPlatform.portsOf, settings })
