export { type DatabaseUnderTest, databaseConformance } from './database-conformance.ts'
