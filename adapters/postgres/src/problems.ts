import { problem } from '@soma/kernel'
import { sqlSessionProblems } from '@soma/kernel/sql-session'

/** What the database itself can refuse. Errors of SQL statements are not problems: they carry their SQLSTATE in `code`. */
export const postgresProblems = {
  ...sqlSessionProblems,
  rolesMissing: problem({
    code: 'database-roles-missing',
    status: 500,
    title: 'The roles of the platform are missing and this login may not make them',
    remedy:
      'Let a superuser create soma_owner, soma_app, soma_worker, soma_bus and soma_scheduler (nologin), grant them to the login and grant create on the database to soma_owner; or connect once with a login that may create roles.',
    retryable: false,
  }),
  tooOld: problem({
    code: 'database-too-old',
    status: 500,
    title: 'The database server is too old',
    remedy: 'Upgrade it to Postgres 15 or newer.',
    retryable: false,
  }),
} as const
