/** A server process that hosts a module on a database that others may share, and publishes what it is told. It tells each event that its handler is given. */
import { createPgliteDatabase } from '@soma/adapter-pglite'
import { createPostgresDatabase } from '@soma/adapter-postgres'
import { silentLogger } from '@soma/kernel'
import { openBenchServer } from '../bench-module.ts'
import { aLoadEvent } from '../load-event.ts'
import { context, defineLoad, eventsClient } from '../subscriber.ts'
import { given, tell } from './forked.ts'

export interface NodeGiven {
  /** A directory of the embedded engine, or the address of a Postgres database. */
  readonly database: { readonly directory: string } | { readonly url: string }
  /** It is killed by its first event, before that is finished. */
  readonly diesAtFirst: boolean
}

export interface NodeOrder {
  readonly publish: { readonly from: number; readonly count: number }
}

export interface NodeTold {
  readonly ready?: true
  readonly handled?: number
}

const { database, diesAtFirst } = await given<NodeGiven>()
const bench = await openBenchServer(
  {
    name: 'PGlite',
    open: async () => ({
      database:
        'url' in database
          ? await createPostgresDatabase({
              connectionString: database.url,
              poolSize: 8,
              statementTimeoutMs: 30_000,
              log: silentLogger,
            })
          : await createPgliteDatabase({ dataDirectory: database.directory, durability: 'power', log: silentLogger }),
      settings: {},
      bus: undefined,
    }),
  },
  {
    handles: ['load.done'],
    handled: (number) => {
      if (diesAtFirst) process.kill(process.pid, 'SIGKILL')
      tell({ handled: number } satisfies NodeTold)
    },
  },
)
const client = eventsClient(bench, 'in-process')
process.on('message', ({ publish: { from, count } }: NodeOrder) => {
  const events = Array.from({ length: count }, (_, index) => aLoadEvent(from + index))
  void client.events.publishBatch(context, { body: { events } })
})
await defineLoad(bench)
tell({ ready: true } satisfies NodeTold)
