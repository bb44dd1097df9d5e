import {
  concurrencySuite,
  consumerSuite,
  failureSuite,
  freshPostgres,
  groupSuite,
  relaySuite,
} from '@soma/runtime/testing'
import { afterAll } from 'vitest'
import { openBus } from '../testing/nats-servers.ts'

const database = process.env['DATABASE_URL']
const nats = process.env['NATS_URL']
if (database === undefined) throw new Error('DATABASE_URL is missing: run npm run test:servers')
if (nats === undefined) throw new Error('NATS_URL is missing: run npm run test:servers')

const postgres = freshPostgres(database)
afterAll(() => postgres.drop())

const subject = {
  name: 'NATS JetStream and Postgres',
  open: postgres.open,
  openBus: (partitions: number) => openBus(nats, { partitions }),
}

consumerSuite(subject)
failureSuite(subject)
relaySuite(subject)
groupSuite(subject)
concurrencySuite(subject)
