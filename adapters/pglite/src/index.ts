export { createPgliteDatabase, type PgliteOptions } from './pglite-database.ts'
export { pgliteProblems } from './problems.ts'
export { startVacuum } from './vacuum.ts'
