import { readdir, readFile } from 'node:fs/promises'
import type { Database } from '@soma/kernel'
import type { EventBusSubject } from '@soma/kernel/testing'
import { createPostgresLog, postgresLogMigrations } from '../src/postgres-log.ts'

const spine = new URL('../../../runtime/migrations/', import.meta.url)

export interface OpenedSubject extends EventBusSubject {
  readonly database: Database
}

/** The log on an empty database, as the conformance suite wants it. */
export async function openSubject(database: Database): Promise<OpenedSubject> {
  await database.migrate([...(await read('runtime', spine)), ...(await read('postgres-log', postgresLogMigrations))])
  const bus = createPostgresLog({ database, partitions: 4 })
  await bus.prepare()
  return {
    database,
    bus,
    partitions: 4,
    transaction: (tenantId, work) => database.transaction({ role: 'soma_app', tenantId }, work),
    closeSegment: async (topic) => {
      await database.asOwner((session) =>
        session.execute(
          `update events.segment set opened_at = opened_at - interval '2 hours' where topic = $1 and closed_at is null`,
          [topic],
        ),
      )
      await bus.openNextSegments((of) => (of === topic ? 3_600_000 : Number.POSITIVE_INFINITY))
    },
    close: () => database.close(),
  }
}

async function read(set: string, folder: URL) {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  return Promise.all(
    names.map(async (name) => ({ id: `${set}/${name}`, sql: await readFile(new URL(name, folder), 'utf8') })),
  )
}
