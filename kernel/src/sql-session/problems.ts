import { problem } from '../problem.ts'

/** What any database of the platform refuses. Errors of SQL statements are not problems: they carry their SQLSTATE in `code`. */
export const sqlSessionProblems = {
  transactionEvicted: problem({
    code: 'transaction-evicted',
    status: 500,
    title: 'A transaction waited for something other than SQL',
    remedy: 'Await only statements of the session inside a transaction; call models, tools and other modules outside.',
    retryable: true,
  }),
  nestedTransaction: problem({
    code: 'nested-transaction',
    status: 500,
    title: 'A transaction was opened inside a transaction',
    remedy: 'Pass the session of the open transaction on instead of opening another.',
    retryable: false,
  }),
  statementRefused: problem({
    code: 'statement-refused',
    status: 500,
    title: 'A session may not change its own transaction, role or settings',
    remedy: 'Name role and settings in the scope of the transaction; let it commit or throw.',
    retryable: false,
  }),
  migrationChanged: problem({
    code: 'migration-changed',
    status: 500,
    title: 'An applied migration was edited',
    remedy: 'Restore the file named in the detail and put the change into a new migration.',
    retryable: false,
  }),
  closed: problem({
    code: 'database-closed',
    status: 503,
    title: 'The database is closed',
    remedy: 'Open it again.',
    retryable: true,
  }),
} as const
