import { mergeConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

/** `npm run test:chaos`: a file a backend, two side by side, because most of the time they wait for leases to end; four starve two cores. */
export default mergeConfig(
  { ...base, test: { ...base.test, include: [], exclude: [] } },
  {
    test: {
      include: ['e2e/chaos/*.chaos.ts'],
      exclude: ['**/node_modules/**'],
      maxWorkers: 2,
      testTimeout: 240_000,
      hookTimeout: 120_000,
    },
  },
)
