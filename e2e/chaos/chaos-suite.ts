import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Backend, type BackendName, openBackend } from '../backends.ts'
import { type Agents, startAgents } from './agents.ts'
import { checkAll } from './checker.ts'
import { crashPointsOf } from './crash-points.ts'
import { createLoad, type Load, pause, TENANTS } from './load.ts'
import { openPartition, type Partition } from './partition.ts'
import { createPlans } from './plans.ts'
import { freePort, type ServerProcess, type StartOptions, startProcess } from './process.ts'

/** Events a second over all tenants: enough that something is under way at every moment, little enough for a busy machine. */
const PER_SECOND = 30
const HOUR_MS = 3_600_000
const LEASE_MS = 9_000
/** Of a busy machine. */
const SLACK_MS = 5_000
/** Longer than every lease. */
const PAUSED_MS = 13_000
/** Until a process that was started reaches the point where it dies: a lease, and the work of seconds on a machine that ten others share. */
const POINT_MS = 120_000
const PLANS = Number(process.env.CHAOS_PLANS ?? 200)
/** At the points where a process can die, and so many more at random. */
const KILLS = Number(process.env.CHAOS_KILLS ?? 6)
/** Of a busy machine: a boot and a life each, and all that is left to handle. */
const FAULTS_MS = 300_000 + KILLS * 90_000
/** Of a process that is killed at random: longer than a lease, so that some have taken over what the one before held. */
const LIFE_MS = 13_000
const OUTAGE_MS = 1_000 * Number(process.env.CHAOS_OUTAGE_SECONDS ?? 10)

/** Registers the faults that an installation on a backend survives. One installation and one load for all of them; each ends in the same checker. */
export async function chaosSuite(name: BackendName): Promise<void> {
  const partition = name === 'postgres' ? await openPartition() : undefined
  const hasTwo = name !== 'pglite'
  const isOutside = name === 'nats' || name === 'kafka'

  describe(`under faults on ${name}`, () => {
    let backend: Backend
    let urls: string[]
    let ports: number[]
    let load: Load
    const groups: string[] = []
    const agents: Agents[] = []
    const running: (ServerProcess | undefined)[] = []

    const start = async (index: number, options: Partial<StartOptions> = {}): Promise<ServerProcess> => {
      const settings = {
        'events.validation': 'warn',
        'server.logLevel': 'error',
        ...backend.settings,
        ...options.settings,
      }
      const wanted = { port: ports[index] as number, ...options, settings }
      const started = await startProcess(wanted)
      running[index] = started
      return started
    }
    const kill = async (index: number) => {
      await running[index]?.kill()
      running[index] = undefined
    }
    const one = () => running.find((each) => each?.isAlive()) as ServerProcess
    /** Answers how many events every group handled. */
    const check = async () => {
      await load.end()
      return checkAll(one(), { accepted: load.accepted(), groups })
    }
    /** So many processes hold the partitions of the module's group, and no lease of them is over. */
    const holders = async (count: number) => {
      const held = `select distinct owner from events.cursor where grp = 'module:chaos' and lease_until > clock_timestamp()`
      const free = `select 1 from events.cursor where grp = 'module:chaos' and lease_until <= clock_timestamp()`
      while ((await one().ask(held)).length !== count || (await one().ask(free)).length > 0) await pause(100)
    }
    /** Something is under way in every group. */
    const underLoad = async (ms = 1_500) => {
      load.start(PER_SECOND)
      await pause(ms)
    }
    const join = async (options: { name: string; credits?: number; handlingMs?: number }) => {
      agents.push(await startAgents({ urls, ...options }))
      groups.push(options.name)
    }

    beforeAll(async () => {
      backend = await openBackend(name, process.env.DATABASE_URL)
      ports = await Promise.all([freePort(), freePort()])
      urls = ports.slice(0, hasTwo ? 2 : 1).map((port) => `http://127.0.0.1:${port}`)
      load = createLoad(urls)
      await start(0)
      await join({ name: 'agents' })
    }, 120_000)
    afterAll(async () => {
      await load?.end()
      await Promise.all(agents.map((each) => each.stop()))
      await Promise.all(running.map((_process, index) => kill(index)))
      await backend?.end()
      await partition?.end()
    }, 60_000)

    it(
      'EVT-A1 EVT-R1 plans are changed at 32 in parallel while the process is killed at every point between two things that must both happen, and at any moment: nothing is lost, nothing done twice',
      async () => {
        const plans = createPlans(urls, PLANS)
        await underLoad()
        plans.start()
        const points = Object.entries(crashPointsOf(name))
        for (const [point, crash] of points) {
          await kill(0)
          const { ended } = await start(0, { crash })
          await within(ended, POINT_MS, point)
        }
        for (let killed = points.length; killed < KILLS; killed++) {
          await start(0)
          await pause(Math.random() * LIFE_MS)
          await kill(0)
        }
        await start(0)
        await plans.end()
        expect(await check()).toBeGreaterThan(0)
        expect(await plans.check(one())).toBeGreaterThan(PLANS)
      },
      FAULTS_MS,
    )

    it('acks that come late, twice and out of order, and agents that die, answer each event once', async () => {
      await underLoad(3_000)
      expect(await check()).toBeGreaterThan(0)
      expect(agents[0]?.lost()).toBeGreaterThan(0)
    })

    it('a slow consumer holds back nobody else', async () => {
      await join({ name: 'slow', credits: 2, handlingMs: 150 })
      await underLoad()
      await load.end()
      await checkAll(one(), { accepted: load.accepted(), groups: ['agents'] })
      const slow =
        "select from events.log where type = 'chaos.answered' and envelope::jsonb -> 'data' ->> 'group' = 'slow'"
      expect((await one().ask(slow)).length).toBeLessThan(load.accepted() * TENANTS.length)
      await agents.pop()?.stop()
      await joinAgainFast()
      expect(await check()).toBeGreaterThan(0)
    })
    /** The rest of its backlog is handled at the pace of the others. */
    const joinAgainFast = async () => void agents.push(await startAgents({ urls, name: 'slow', handlingMs: 0 }))

    it.runIf(hasTwo)(
      'of two relays one ships, and one that was paused past its leases does no harm when it wakes',
      async () => {
        await start(1)
        await underLoad()
        for (const paused of [0, 1]) {
          running[paused]?.pause()
          await pause(PAUSED_MS)
          running[paused]?.resume()
          await pause(1_000)
        }
        expect(await check()).toBeGreaterThan(0)
      },
    )

    it.runIf(isOutside)('a bus that is away under load loses nothing and is caught up with in order', async () => {
      await underLoad()
      await backend.bus?.stop()
      await pause(OUTAGE_MS)
      await backend.bus?.start()
      expect(await check()).toBeGreaterThan(0)
    })

    it.runIf(partition !== undefined)(
      'a process whose network is gone loses what it held to the other in 10 s, and does no harm when it is back',
      async () => {
        const { through, host, cut, mend } = partition as Partition
        await kill(1)
        await start(1, { through, settings: { 'server.host': host, 'server.allowInsecureListen': true } })
        await underLoad()
        await within(holders(2), 30_000, 'two processes that share the work')
        await cut()
        await pause(LEASE_MS)
        await within(holders(1), SLACK_MS, 'a process that holds all')
        await pause(PAUSED_MS - LEASE_MS)
        await mend()
        await pause(2_000)
        expect(await check()).toBeGreaterThan(0)
      },
    )

    it('a clock that is an hour ahead, and then an hour behind, changes neither order nor leases', async () => {
      const index = hasTwo ? 1 : 0
      await kill(index)
      await start(index, { clock: { atStartMs: HOUR_MS, afterJumpMs: -HOUR_MS } })
      if (hasTwo) {
        // What the other held comes to the one whose clock is off.
        await kill(0)
      }
      await underLoad(3_000)
      running[index]?.jump()
      await pause(3_000)
      expect(await check()).toBeGreaterThan(0)
      await kill(index)
      await start(0)
      expect(await check()).toBeGreaterThan(0)
    })
  })
}

async function within(ended: Promise<unknown>, ms: number, point: string): Promise<void> {
  const timer = AbortSignal.timeout(ms)
  const late = new Promise<never>((_resolve, reject) =>
    timer.addEventListener('abort', () => reject(new Error(`${point} was not reached in ${ms} ms`)), { once: true }),
  )
  await Promise.race([ended, late])
}
