import { defineConfig } from 'vitest/config'

const conditions = ['@soma/source']

/** The suites that need real servers: `npm run test:servers`, with DATABASE_URL and the like set. */
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['**/*.servers.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', '**/fixtures/**'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 60_000,
  },
})
