import { eventBusConformance } from '@soma/kernel/testing'
import {
  deferred,
  freshPostgres,
  maintenanceSuite,
  noticeSuite,
  openEventSpine,
  ownServer,
  spineSuites,
} from '@soma/runtime/testing'
import { afterAll, expect, it } from 'vitest'
import { openSubject } from '../testing/subject.ts'

const server = process.env['DATABASE_URL']
if (server === undefined) throw new Error('DATABASE_URL is missing: run npm run test:servers')

const postgres = freshPostgres(server)
afterAll(() => postgres.drop())

eventBusConformance({
  name: 'Postgres log',
  open: async () => {
    // Other suites want it fast; here an answer is to be on disk.
    const own = await ownServer('postgres', { POSTGRES_OPTIONS: '-c fsync=on -c synchronous_commit=on' })
    const subject = await openSubject(await freshPostgres(own.url).open())
    return {
      ...subject,
      server: own,
      close: async () => {
        await subject.close()
        await own.end()
      },
    }
  },
})
maintenanceSuite({ name: 'Postgres', open: postgres.open })
noticeSuite({ name: 'Postgres', open: postgres.open })
spineSuites({ name: 'Postgres', server })

it('members whose leases have all ended come back at once, without waiting for the rows of each other', async () => {
  const spine = await openEventSpine(await postgres.open())
  const [first, second] = ['10000000-0000-4000-8000-000000000000', '20000000-0000-4000-8000-000000000000']
  const lease = (name: string) => `group/sleepers/${name}`
  const hold = (member: string) =>
    `select * from events.hold_partitions('sleepers', '{business-facts}', 4, '${member}', 60, '{}', '{}', '{}')`
  await spine.asBus(async (session) => {
    for (const member of [first, second]) await session.query(hold(member))
    await session.execute(
      `update runtime.job_leases set lease_until = '-infinity' where starts_with(name, 'group/sleepers/')`,
    )
  })
  const [locked, held] = [deferred(), deferred()]
  const other = spine.asBus(async (session) => {
    await session.query('select from runtime.job_leases where name = $1 for update', [lease(second)])
    locked.resolve()
    await held.promise
  })
  await locked.promise
  await spine.asBus((session) => session.query(hold(first))).finally(held.resolve)
  await other
  const names = await spine.asBus((session) => session.query('select name from runtime.job_leases order by name'))
  expect(names).toEqual([{ name: lease(first) }, { name: lease(second) }])
  await spine.close()
})
