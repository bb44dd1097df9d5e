import { expect, it } from 'vitest'
import { backendsNamed, openBackend } from '../backends.ts'
import { killAnything } from './plan-suite.ts'

/** CI kills a few times on the embedded database; `CHAOS_PLAN_KILLS=200 CHAOS_PLAN_BUSES=pglite,postgres,nats,kafka` is done by hand. */
const KILLS = Number(process.env.CHAOS_PLAN_KILLS ?? 3)
const BUSES = backendsNamed(process.env.CHAOS_PLAN_BUSES ?? 'pglite')
/** Of a busy machine: a boot and a life each, and what is left to handle. */
const LIMIT_MS = 180_000 + KILLS * 30_000

for (const name of BUSES)
  it(
    `PLN-R3 planner, worker and platform are killed at random moments of nested plans on ${name}: every plan ends, each result is counted once, and what a command was answered right before a kill is there`,
    async () => {
      const backend = await openBackend(name, process.env.DATABASE_URL)
      try {
        await killAnything(backend.settings, KILLS)
      } finally {
        await backend.end()
      }
      expect(KILLS).toBeGreaterThan(0)
    },
    LIMIT_MS,
  )
