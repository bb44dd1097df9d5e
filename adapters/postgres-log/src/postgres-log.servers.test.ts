import { eventBusConformance } from '@soma/kernel/testing'
import { freshPostgres, maintenanceSuite, noticeSuite, spineSuites } from '@soma/runtime/testing'
import { afterAll } from 'vitest'
import { openSubject } from '../testing/subject.ts'

const server = process.env['DATABASE_URL']
if (server === undefined) throw new Error('DATABASE_URL is missing: run npm run test:servers')

const postgres = freshPostgres(server)
afterAll(() => postgres.drop())

eventBusConformance({ name: 'Postgres log', open: async () => openSubject(await postgres.open()) })
maintenanceSuite({ name: 'Postgres', open: postgres.open })
noticeSuite({ name: 'Postgres', open: postgres.open })
spineSuites({ name: 'Postgres', server })
