import { type EventAttributes, type Transaction, toId } from '@soma/kernel'
import { type GateOutcome, gateDecided } from '../../contract/index.ts'
import { closeGate, type GateRow, touchGate } from './store.ts'

export interface Ending {
  readonly outcome: GateOutcome
  readonly decidedBy: readonly string[]
  readonly instructions?: string | undefined
  /** Of the payload that stands now. */
  readonly payloadHash: string
}

/** Ends a gate whose row is locked and open, and says so in the same commit: the one place where `gate.decided` comes from. */
export async function endGate(tx: Transaction, gate: GateRow, ending: Ending): Promise<void> {
  await closeGate(tx, gate.id, {
    outcome: ending.outcome,
    decidedBy: ending.decidedBy,
    instructions: ending.instructions ?? null,
  })
  await touchGate(tx, gate.id)
  tx.emit(
    gateDecided,
    {
      gateId: toId('gate', gate.id),
      kind: gate.kind,
      outcome: ending.outcome,
      payloadHash: ending.payloadHash,
      edited: ending.payloadHash !== gate.original_hash,
      ...(ending.instructions === undefined ? {} : { instructions: ending.instructions }),
      deciders: [...ending.decidedBy],
      subject: gate.subject,
    },
    attributesOf(gate),
  )
}

/** Gate events are ordered with their plan's, else with their gate's. */
export function attributesOf(gate: Pick<GateRow, 'id' | 'subject'>): EventAttributes {
  const { planId, sessionId, taskId } = gate.subject
  return {
    subject: toId('gate', gate.id),
    ...(planId === undefined ? { partitionKey: toId('gate', gate.id) } : { planId }),
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(taskId === undefined ? {} : { taskId }),
  }
}
