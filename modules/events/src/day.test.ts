import { daySuite } from '../testing/index.ts'

daySuite({ name: 'the embedded engine', open: async () => undefined })
