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
    // Tests wait for timers, processes and disks more than they compute: one file a core, where the default leaves a core free.
    maxWorkers: '100%',
    testTimeout: 20_000,
    // A boot of the embedded database takes a second, on a busy machine ten.
    hookTimeout: 30_000,
  },
})
