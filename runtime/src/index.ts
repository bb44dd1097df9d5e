export { readMigrations } from './database/migrations.ts'
export {
  createModuleDatabase,
  type HandlerDatabase,
  type ModuleDatabaseOptions,
  moduleContext,
  scopeOf,
  type TransactionEmitter,
} from './database/module-database.ts'
export { stampEnvelope } from './database/stamp.ts'
export { assertOutsideTransaction, guardTransaction } from './database/transaction-guard.ts'
