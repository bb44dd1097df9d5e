import { eventBusConformance } from '@soma/kernel/testing'
import {
  concurrencySuite,
  consumerSuite,
  failureSuite,
  freshPostgres,
  groupSuite,
  maintenanceSuite,
  relaySuite,
} from '@soma/runtime/testing'
import { afterAll } from 'vitest'
import { openSubject } from '../testing/subject.ts'

const server = process.env['DATABASE_URL']
if (server === undefined) throw new Error('DATABASE_URL is missing: run npm run test:servers')

const postgres = freshPostgres(server)
afterAll(() => postgres.drop())

eventBusConformance({ name: 'Postgres log', open: async () => openSubject(await postgres.open()) })
consumerSuite({ name: 'Postgres', open: postgres.open })
failureSuite({ name: 'Postgres', open: postgres.open })
relaySuite({ name: 'Postgres', open: postgres.open })
groupSuite({ name: 'Postgres', open: postgres.open })
concurrencySuite({ name: 'Postgres', open: postgres.open })
maintenanceSuite({ name: 'Postgres', open: postgres.open })
