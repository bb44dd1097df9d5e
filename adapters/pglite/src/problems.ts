import { problem } from '@soma/kernel'
import { sqlSessionProblems } from '@soma/kernel/sql-session'

/** What the database itself can refuse. Errors of SQL statements are not problems: they carry their SQLSTATE in `code`. */
export const pgliteProblems = {
  ...sqlSessionProblems,
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
  statementTimeout: problem({
    code: 'database-statement-timeout',
    status: 504,
    title: 'A statement took too long',
    remedy: 'Ask for less at once; the statement is in the log of the server.',
    retryable: true,
  }),
} as const
