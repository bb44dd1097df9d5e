import { problem } from '@soma/kernel'

/** What the database itself can refuse. Errors of SQL statements are not problems: they carry their SQLSTATE in `code`. */
export const postgresProblems = {
  rolesMissing: problem({
    code: 'database-roles-missing',
    status: 500,
    title: 'The roles of the platform are missing and this login may not make them',
    remedy:
      'Let a superuser create soma_owner, soma_app, soma_worker, soma_bus and soma_scheduler (nologin), grant them to the login and grant create on the database to soma_owner; or connect once with a login that may create roles.',
    retryable: false,
  }),
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
