import { spineSuites } from '@soma/runtime/testing'
import { openBus } from '../testing/kafka-servers.ts'

const server = process.env['DATABASE_URL']
const kafka = process.env['KAFKA_BROKERS']
if (server === undefined) throw new Error('DATABASE_URL is missing: run npm run test:servers')
if (kafka === undefined) throw new Error('KAFKA_BROKERS is missing: run npm run test:servers')

spineSuites({ name: 'Kafka and Postgres', server, openBus: (partitions) => openBus(kafka, { partitions }) })
