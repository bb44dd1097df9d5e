import { afterAll } from 'vitest'
import { burialSuite } from './burial-suite.ts'
import { consumerSuite } from './consumer-suite.ts'
import type { ConsumerSuiteOptions } from './a-group.ts'
import { failureSuite } from './failure-suite.ts'
import { freshPostgres } from './fresh-postgres.ts'
import { concurrencySuite, groupSuite } from './group-suite.ts'
import { relaySuite } from './relay-suite.ts'

/** Registers all that the spine promises on a Postgres server, each suite on a database of its own, with the log there or where `openBus` opens it. */
export function spineSuites({
  name,
  server,
  openBus,
}: {
  name: string
  server: string
  openBus?: ConsumerSuiteOptions['openBus']
}): void {
  const postgres = freshPostgres(server)
  afterAll(() => postgres.drop())
  const subject = { name, open: postgres.open, ...(openBus === undefined ? {} : { openBus }) }
  for (const suite of [consumerSuite, failureSuite, burialSuite, relaySuite, groupSuite, concurrencySuite])
    suite(subject)
}
