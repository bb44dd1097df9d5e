import { mergeConfig } from 'vitest/config'
import base from './vitest.config.ts'

/** The suites that drive a real browser; tools/servers/install-chromium.sh brings it. One after another: each starts a server of its own. */
export default mergeConfig(
  { ...base, test: { ...base.test, include: [], exclude: [] } },
  {
    test: {
      include: ['**/*.browser.test.ts'],
      exclude: ['**/node_modules/**', '**/dist/**', '**/fixtures/**'],
      fileParallelism: false,
      testTimeout: 180_000,
      hookTimeout: 180_000,
    },
  },
)
