import { describe, expect, it } from 'vitest'
import { BACKENDS } from '../backends.ts'
import { cutPower } from './power-run.ts'
import { tracingFault } from './trace.ts'

/** Two boots, one of them traced, on a busy machine. */
const TIMEOUT_MS = 180_000

const fault = tracingFault()
if (fault !== undefined) process.stderr.write(`no power is cut here, because nothing can be traced: ${fault}\n`)

describe.skipIf(fault !== undefined)('when the power is cut and all that was not synced is dropped', () => {
  it.each(BACKENDS)(
    'EVT-R1 EVT-A12 every event that was acknowledged with durability power is in the log after the restart on %s',
    async (backend) => {
      const { acknowledged, ...outcome } = await cutPower({ backend, durability: 'power' })
      expect(acknowledged).toBeGreaterThan(0)
      expect(outcome).toEqual({ lost: 0 })
    },
    TIMEOUT_MS,
  )

  it(
    'acknowledged events are lost with durability process on Postgres that does not sync, so the test above sees losses',
    async () => expect((await cutPower({ backend: 'postgres', durability: 'process' })).lost).toBeGreaterThan(0),
    TIMEOUT_MS,
  )
})
