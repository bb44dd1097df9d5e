import { defineConfig } from 'vitest/config'

/** The suites about what is published: they run the build that stands, without the source condition. Long, because they install packages. */
export default defineConfig({
  test: {
    include: ['**/*.dist.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', '**/fixtures/**'],
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 240_000,
  },
})
