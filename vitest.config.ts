import { defineConfig } from 'vitest/config'

const conditions = ['@soma/source']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['**/*.test.ts'],
    exclude: [
      '**/node_modules/**',
      '**/dist/**',
      '**/*.servers.test.ts',
      '**/*.browser.test.ts',
      '**/*.dist.test.ts',
      '**/fixtures/**',
    ],
    pool: 'forks',
    testTimeout: 20_000,
  },
})
