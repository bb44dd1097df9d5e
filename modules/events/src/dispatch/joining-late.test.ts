import { commonProblems, type Database, type SqlSession } from '@soma/kernel'
import { expect, it } from 'vitest'
import { aMember, anEventsContext, createEventsHost } from '../../testing/index.ts'

const context = anEventsContext()

/** A database whose next transaction of a tenant waits until it is let go, or whose next statement about something fails. */
function aDatabaseOfFaults(database: Database) {
  let held: Promise<void> | undefined
  let taken: () => void = () => undefined
  let failing: string | undefined
  const failOnce = (session: SqlSession): SqlSession => ({
    ...session,
    query: (sql, parameters) => {
      if (failing === undefined || !sql.includes(failing)) return session.query(sql, parameters)
      failing = undefined
      throw commonProblems.unavailable.create('the database is away')
    },
  })
  const transaction: Database['transaction'] = async (scope, work) => {
    const waiting = scope.role === 'soma_app' ? held : undefined
    if (waiting !== undefined) {
      held = undefined
      taken()
    }
    await waiting
    return database.transaction(scope, (session) => work(failOnce(session)))
  }
  return {
    database: { ...database, transaction },
    hold: () => {
      let letGo: () => void = () => undefined
      held = new Promise((resolve) => {
        letGo = resolve
      })
      const isHeld = new Promise<void>((resolve) => {
        taken = resolve
      })
      return { letGo, isHeld }
    },
    fail: (text: string) => void (failing = text),
  }
}

async function aHostOfFaults() {
  const first = await createEventsHost()
  await first.define(context, 'job.asked')
  await first.drain()
  const { database, ...faults } = aDatabaseOfFaults(first.database)
  const host = await createEventsHost({ database })
  const { id } = await host.events.subscriptions.create(context, {
    body: { name: 'shared', topics: ['business-facts'] },
  })
  const ask = () =>
    host.events.events.publish(context, { body: { type: 'job.asked', topic: 'business-facts', data: {} } })
  return { host, id, ask, ...faults }
}

it('a member whose dispatcher ends while it joins is told to connect again, and gets what comes then', async () => {
  const { host, id, ask, hold } = await aHostOfFaults()
  const earlier = await aMember(host, context, id)
  const { letGo, isHeld } = hold()
  const joining = aMember(host, context, id)
  await isHeld
  await host.events.subscriptions.seek(context, {
    params: { subscriptionId: id },
    body: { to: 'latest', note: 'again' } as never,
  })
  letGo()
  const member = await joining
  expect(await member.next()).toMatchObject({ event: 'closed' })
  expect(await earlier.next()).toMatchObject({ event: 'closed' })

  const again = await aMember(host, context, id)
  await ask()
  await again.ack(await again.delivery())
  for (const each of [again, member, earlier]) await each.leave()
  await host.close()
})

it('a dispatcher that could not begin to read is none: the next member that connects gets what waits', async () => {
  const { host, id, ask, fail } = await aHostOfFaults()
  await ask()
  fail('from events.partition')
  await expect(aMember(host, context, id)).rejects.toMatchObject({ code: 'unavailable' })
  const member = await aMember(host, context, id)
  await member.ack(await member.delivery())
  await member.leave()
  await host.close()
})
