import { spineSuites } from '@soma/runtime/testing'
import { openBus } from '../testing/nats-servers.ts'

const server = process.env['DATABASE_URL']
const nats = process.env['NATS_URL']
if (server === undefined) throw new Error('DATABASE_URL is missing: run npm run test:servers')
if (nats === undefined) throw new Error('NATS_URL is missing: run npm run test:servers')

spineSuites({ name: 'NATS JetStream and Postgres', server, openBus: (partitions) => openBus(nats, { partitions }) })
