import { problem } from '@soma/kernel'

/** What the database itself can refuse. Errors of SQL statements are not problems: they carry their SQLSTATE in `code`. */
export const pgliteProblems = {
  directoryInUse: problem({
    code: 'database-in-use',
    status: 503,
    title: 'Another process has the data directory open',
    remedy: 'Stop the process named in the detail, or give this one another data directory.',
    retryable: false,
  }),
  notDurable: problem({
    code: 'database-not-durable',
    status: 500,
    title: 'A commit did not reach the disk',
    remedy: 'Use the pinned PGlite version, or set durability to "process" and accept losses at a power cut.',
    retryable: false,
  }),
  transactionEvicted: problem({
    code: 'transaction-evicted',
    status: 500,
    title: 'A transaction waited for something other than SQL',
    remedy: 'Await only statements of the session inside a transaction; call models, tools and other modules outside.',
    retryable: true,
  }),
  statementTimeout: problem({
    code: 'database-statement-timeout',
    status: 504,
    title: 'A statement took too long',
    remedy: 'Ask for less at once; the statement is in the log of the server.',
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
