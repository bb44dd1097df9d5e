import { mergeConfig } from 'vitest/config'
import base from './vitest.config.ts'

/** The suites that need real servers; tools/servers starts them. Long, because a first run builds databases. */
export default mergeConfig(
  { ...base, test: { ...base.test, include: [], exclude: [] } },
  {
    test: {
      include: ['**/*.servers.test.ts'],
      exclude: ['**/node_modules/**', '**/dist/**', '**/fixtures/**'],
      testTimeout: 60_000,
      hookTimeout: 60_000,
    },
  },
)
