/**
 * A server process of the chaos suite: `server-process.ts <ProcessOrder as JSON>`. It tells its parent when it is ready, then answers questions in SQL, asked as the role
 * that sees all tenants, and where the heads of the log are.
 */
import { join } from 'node:path'
import { createPgliteDatabase } from '@soma/adapter-pglite'
import { createPostgresDatabase } from '@soma/adapter-postgres'
import { type Database, silentLogger } from '@soma/kernel'
import { somaPlatform } from '@soma/server'
import { createTestServer } from '@soma/server/testing'
import { chaosModule } from './chaos-module.ts'
import { crashingDatabase } from './crash-point.ts'
import type { Answer, ProcessOrder, Question } from './process-order.ts'

const order = JSON.parse(process.argv[2] as string) as ProcessOrder
const { 'server.databaseUrl': url, ...settings } = order.settings

async function openDatabase(): Promise<Database> {
  if (typeof url !== 'string')
    return createPgliteDatabase({
      dataDirectory: join(settings['server.dataDirectory'] as string, 'database'),
      durability: settings['events.durability'] === 'process' ? 'process' : 'power',
      log: silentLogger,
    })
  return createPostgresDatabase({
    connectionString: url,
    poolSize: 10,
    statementTimeoutMs: 30_000,
    log: silentLogger,
  })
}

const server = await createTestServer({
  modules: [
    ...somaPlatform.modules.filter(({ contract }) =>
      (order.modules ?? ['events', 'registry']).includes(contract.module as string),
    ),
    chaosModule,
  ],
  portsOf: (bindings) => somaPlatform.portsOf(bindings),
  database: crashingDatabase(await openDatabase(), order.crash),
  settings: { 'events.quotaEventsPerSecond': 1_000_000, ...settings, 'server.port': order.port },
})

const answer = async ({ sql, parameters = [], tenantId }: Question): Promise<unknown> => {
  if (sql === undefined) return server.spine.bus.partitions()
  const scope = tenantId === undefined ? { role: 'soma_bus' as const } : { role: 'soma_worker' as const, tenantId }
  return server.database.transaction(scope, (session) => session.query(sql, parameters))
}
const tell = (message: Answer) => process.send?.(message)
process.on('message', (question: Question) => {
  answer(question).then(
    (value) => tell({ id: question.id, value }),
    (error: unknown) => tell({ id: question.id, fault: String(error) }),
  )
})
// Its parent is gone.
process.on('disconnect', () => process.exit(1))
tell({ id: 0 })
