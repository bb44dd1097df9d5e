import { isProblem } from '@soma/kernel'
import { chaosContract } from './chaos-module.ts'
import { untilReached } from './checker.ts'
import { clientsOf, pause, TENANTS } from './load.ts'
import type { ServerProcess } from './process.ts'

const PARALLEL = 32
/** Of the changes, so many go to a few plans, whose rows many wait for; and so many are taken back after their event was emitted. */
const ONE_OF = { hot: 4, takenBack: 10 }
const HOT = 5
/** Of each client: about 100 changes a second together, which a busy machine still handles. */
const BETWEEN_MS = 250
const AGAIN_MS = 50

/** Plans that clients change in parallel: rows of `chaos.items`, whose version is how often they were changed. */
export interface Plans {
  start(): void
  /** When each plan was changed at least once and what is under way is answered. */
  end(): Promise<void>
  /**
   * Every committed change has its event once and no other has one, each has one effect, and events and effects of a plan are in the order of its versions. Answers how many changes
   * there were.
   * @throws Error that names what is wrong
   */
  check(server: ServerProcess): Promise<number>
}

export function createPlans(urls: readonly string[], count: number): Plans {
  /** Highest version that was answered, by plan. What was not answered may have been committed or not. */
  const answered = new Map<number, number>()
  let isEnding = false
  let asked = 0
  let running: Promise<unknown> = Promise.resolve()

  const change = async (client: number) => {
    for (let attempt = 0; !isEnding || answered.size < count; ) {
      const number = asked++
      const plan = Math.random() * ONE_OF.hot < 1 ? number % HOT : number % count
      const clients = clientsOf(chaosContract, urls, { tenantId: tenantOf(plan) })
      try {
        const { version } = await clients(attempt).items.change(undefined as never, {
          params: { item: plan },
          body: { isTakenBack: (number + client) % ONE_OF.takenBack === 0 },
        })
        answered.set(plan, Math.max(version, answered.get(plan) ?? 0))
        await pause(BETWEEN_MS)
      } catch (error) {
        if (isProblem(error) && error.code === 'change-taken-back') continue
        attempt += 1
        await pause(AGAIN_MS)
      }
    }
  }
  return {
    start: () => {
      isEnding = false
      running = Promise.all(Array.from({ length: PARALLEL }, (_, client) => change(client)))
    },
    end: async () => {
      isEnding = true
      await running
    },
    check: (server) => checkPlans(server, answered),
  }
}

const tenantOf = (plan: number): string => TENANTS[plan % TENANTS.length] as string

/** A version of a plan: of its row, of an event or of an effect. */
interface Change {
  readonly plan: string
  readonly number: number
}

const ROWS = `select tenant_id || ' item-' || id as plan, version as number from chaos.items`
const EVENTS = `select tenant_id || ' ' || key as plan, (envelope::jsonb -> 'data' ->> 'number')::int4 as number
  from events.log where type = 'item.changed' order by part, segment, pos`
const EFFECTS = `select tenant_id || ' ' || key as plan, number from chaos.effects where grp = 'item.changed' order by id`

async function checkPlans(server: ServerProcess, answered: ReadonlyMap<number, number>): Promise<number> {
  const versions = new Map((await server.ask<Change>(ROWS)).map(({ plan, number }) => [plan, number]))
  for (const [plan, version] of answered)
    if ((versions.get(`${tenantOf(plan)} item-${plan}`) ?? 0) < version)
      throw new Error(
        `plan ${plan} is at ${versions.get(`${tenantOf(plan)} item-${plan}`)} after ${version} was answered`,
      )
  const total = [...versions.values()].reduce((sum, version) => sum + version, 0)
  await untilReached(async () => {
    const [row] = await server.ask<{ events: number; effects: number }>(
      `select (select count(*)::int4 from events.log where type = 'item.changed') as events,
         (select count(*)::int4 from chaos.effects where grp = 'item.changed') as effects`,
    )
    return { isReached: (row?.events ?? 0) >= total && (row?.effects ?? 0) >= total, seen: row }
  })
  checkChanges('events', await server.ask<Change>(EVENTS), versions)
  checkChanges('effects', await server.ask<Change>(EFFECTS), versions)
  return total
}

/** Of each plan 1, 2, 3 … to its version. */
function checkChanges(what: string, changes: readonly Change[], versions: ReadonlyMap<string, number>): void {
  const last = new Map<string, number>()
  for (const { plan, number } of changes) {
    const before = last.get(plan) ?? 0
    if (number !== before + 1) throw new Error(`${what} of ${plan}: ${number} follows ${before}`)
    last.set(plan, number)
  }
  for (const [plan, version] of versions)
    if (last.get(plan) !== version) throw new Error(`${what} of ${plan} end at ${last.get(plan)} and not at ${version}`)
  if (last.size > versions.size)
    throw new Error(`${what} of ${last.size - versions.size} plans that were never changed`)
}
