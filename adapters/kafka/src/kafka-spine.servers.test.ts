import {
  concurrencySuite,
  consumerSuite,
  failureSuite,
  freshPostgres,
  groupSuite,
  relaySuite,
} from '@soma/runtime/testing'
import { afterAll } from 'vitest'
import { openBus } from '../testing/kafka-servers.ts'

const database = process.env['DATABASE_URL']
const kafka = process.env['KAFKA_BROKERS']
if (database === undefined) throw new Error('DATABASE_URL is missing: run npm run test:servers')
if (kafka === undefined) throw new Error('KAFKA_BROKERS is missing: run npm run test:servers')

const postgres = freshPostgres(database)
afterAll(() => postgres.drop())

const subject = {
  name: 'Kafka and Postgres',
  open: postgres.open,
  openBus: (partitions: number) => openBus(kafka, { partitions }),
}

consumerSuite(subject)
failureSuite(subject)
relaySuite(subject)
groupSuite(subject)
concurrencySuite(subject)
