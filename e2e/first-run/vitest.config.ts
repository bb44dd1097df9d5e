import { mergeConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

/** `npm run test:first-run`: the long suites of the first run. One process after another: the times they print are those of one. */
export default mergeConfig(
  { ...base, test: { ...base.test, include: [], exclude: [] } },
  {
    test: {
      include: ['e2e/first-run/*.long.ts'],
      exclude: ['**/node_modules/**'],
      fileParallelism: false,
      testTimeout: 480_000,
      hookTimeout: 240_000,
    },
  },
)
