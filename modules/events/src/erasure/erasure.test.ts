import { erasureSuite } from '../../testing/index.ts'

erasureSuite({ name: 'the embedded engine', open: async () => undefined })
