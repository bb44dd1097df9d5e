import { type AnyModule, contract, defineModule, event, type ModuleDatabase, onTopic } from '@soma/kernel'
import { somaPlatform } from '@soma/server'
import { createTestServer, type TestServer, testContext } from '@soma/server/testing'
import type { OwnServer } from '@soma/runtime/testing'
import * as z from 'zod'
import { FILLING } from './load-event.ts'
import type { Store } from './stores.ts'

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
  /** The bus outside the database. */
  readonly bus: OwnServer | undefined
}

export interface BenchOptions {
  /** Types of `business-facts`; default `row.written`. */
  readonly handles?: readonly string[]
  /** Default: nobody is told. */
  readonly handled?: (number: number) => void
  readonly settings?: Readonly<Record<string, unknown>>
}

/** A server with the events and registry modules and one small module, on a new database. */
export async function openBenchServer(store: Store, given: BenchOptions = {}): Promise<BenchServer> {
  const parts: { module?: ModuleDatabase; handled: (number: number) => void } = {
    handled: given.handled ?? (() => undefined),
  }
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
  const { database, settings, bus } = await store.open()
  const server = await createTestServer({
    database,
    modules: [...somaPlatform.modules.filter(({ contract }) => ['events', 'registry'].includes(contract.module)), own],
    portsOf: (bindings) => somaPlatform.portsOf(bindings),
    settings: { 'events.quotaEventsPerSecond': 1_000_000, ...settings, ...given.settings },
  })
  return Object.assign(parts, { server, bus, module: parts.module as ModuleDatabase })
}

const context = testContext()

/** One row, and one event with it. */
export const writeRow = ({ module }: BenchServer, number: number, withEvent: boolean): Promise<void> =>
  module.transaction(context, async (tx) => {
    await tx.execute('insert into bench.rows (tenant_id, text) values ($1, $2)', [context.tenantId, FILLING])
    if (withEvent) tx.emit(rowWritten, { number, text: FILLING }, { partitionKey: `key-${number % 1_000}` })
  })
