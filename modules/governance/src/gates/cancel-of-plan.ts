import type { Delivered } from '@soma/kernel'
import { endGate } from './close.ts'
import { lockOpenGatesOf } from './store.ts'

const PLAN_ENDED = 'system:plan-ended'

/** Cancels the gates that a plan left open when it ended. Streams of gates hear it at their next poll: the commit is the consumer's. */
export async function cancelGatesOfPlan({ event, data, tx }: Delivered<{ readonly planId: string }>): Promise<void> {
  for (const gate of await lockOpenGatesOf(tx, data.planId))
    await endGate(tx, gate, {
      outcome: 'cancelled',
      decidedBy: [PLAN_ENDED],
      instructions: event.type,
      payloadHash: gate.payload_hash,
    })
}
