import { type AnyModule, contract, defineModule, event, type ModuleDatabase, onTopic } from '@soma/kernel'
import { somaPlatform } from '@soma/server'
import { createTestServer, type TestServer, testContext } from '@soma/server/testing'
import * as z from 'zod'
import type { Store } from './stores.ts'

/** 1.5 KB with its envelope. */
export const FILLING = 'x'.repeat(900)

export const rowWritten = event({
  type: 'row.written',
  topic: 'business-facts',
  data: z.strictObject({ number: z.number(), text: z.string() }),
  summary: 'A row was written.',
})

export interface BenchServer {
  readonly server: TestServer
  /** The database of a module with one table and one handler. */
  readonly module: ModuleDatabase
  /** Called by the handler. */
  handled: (number: number) => void
  /** Address of the bus outside the database. */
  readonly busUrl: string | undefined
}

/** A server with the events and registry modules and one small module, on a new database. The module handles `row.written`, or the types of `handles`. */
export async function openBenchServer(store: Store, given: { handles?: readonly string[] } = {}): Promise<BenchServer> {
  const parts: { module?: ModuleDatabase; handled: (number: number) => void } = { handled: () => undefined }
  const own: AnyModule = defineModule({
    contract: contract({
      module: 'bench',
      summary: 'How fast is it?',
      operations: {},
      events: [rowWritten],
      capabilities: {},
      settings: {},
    }),
    uses: {},
    migrations: new URL('./migrations/', import.meta.url),
    create: ({ database }) => {
      parts.module = database
      const { handles = [rowWritten.type] } = given
      const handlers = handles.map((type) =>
        onTopic('business-facts', type, async ({ event }) => parts.handled((event.data as { number: number }).number)),
      )
      return { operations: {}, handlers }
    },
  })
  const { database, settings, busUrl } = await store.open()
  const server = await createTestServer({
    database,
    modules: [...somaPlatform.modules.filter(({ contract }) => ['events', 'registry'].includes(contract.module)), own],
    portsOf: (bindings) => somaPlatform.portsOf(bindings),
    settings: { 'events.quotaEventsPerSecond': 1_000_000, ...settings },
  })
  return Object.assign(parts, { server, busUrl, module: parts.module as ModuleDatabase })
}

const context = testContext()

/** One row, and one event with it. */
export const writeRow = ({ module }: BenchServer, number: number, withEvent: boolean): Promise<void> =>
  module.transaction(context, async (tx) => {
    await tx.execute('insert into bench.rows (tenant_id, text) values ($1, $2)', [context.tenantId, FILLING])
    if (withEvent) tx.emit(rowWritten, { number, text: FILLING }, { partitionKey: `key-${number % 1_000}` })
  })
