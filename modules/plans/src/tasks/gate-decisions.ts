import type { Json, SqlSession } from '@soma/kernel'
import { requestTask } from '../transition/replies.ts'
import type { TaskRow } from '../transition/rows.ts'
import { completeTask, failTask, parkTask, resumeTask } from '../transition/task-changes.ts'
import { record, type Transition } from '../transition/transition.ts'

/** What `gate.decided` says, as far as a waiting task cares. */
export interface GateDecision {
  readonly gateId: string
  readonly outcome: 'approved' | 'rejected' | 'revise' | 'expired' | 'cancelled'
  readonly deciders: readonly string[]
  readonly instructions?: string | undefined
  readonly edited: boolean
  readonly payloadHash: string
}

const dedupeKeyOf = (gateId: string): string => `gate:${gateId}`

/**
 * Parks a task that has just been made or parked at its gate, or applies the decision that came before it: a decision is kept in the journal of its plan,
 * so the order of opening, waiting and deciding does not matter.
 */
export async function decideGate(transition: Transition, tx: SqlSession, task: TaskRow): Promise<void> {
  const { gateId } = task.doc
  const reason = task.kind === 'input' ? 'input' : task.kind === 'timer' ? 'dependency' : 'review'
  const on: Record<string, Json> =
    task.kind === 'timer' ? { timer: task.doc.deadlineAt ?? '' } : { gateId: gateId ?? '' }
  parkTask(transition, task, {
    reason,
    on,
    sinceAt: transition.at.toISOString(),
    ...(task.doc.deadlineAt === undefined ? {} : { dueAt: task.doc.deadlineAt }),
  })
  await applyEarlyDecision(transition, tx, task)
}

/** Applies the decision of a parked task's gate that its plan has already heard. */
export async function applyEarlyDecision(transition: Transition, tx: SqlSession, task: TaskRow): Promise<void> {
  if (task.doc.gateId === undefined) return
  const early = await readDecision(tx, transition, task.doc.gateId)
  if (early !== undefined) applyDecision(transition, task, early)
}

/** In the journal, or among the lines that this transition adds to it: two letters of one gate may be applied together. */
async function readDecision(tx: SqlSession, transition: Transition, gateId: string): Promise<GateDecision | undefined> {
  const added = transition.lines.find((line) => line.dedupeKey === dedupeKeyOf(gateId))
  if (added !== undefined) return added.data as unknown as GateDecision
  const [row] = await tx.query<{ data: GateDecision }>(
    'select data from plans.journal where plan_id = $1 and dedupe_key = $2',
    [transition.plan.id, dedupeKeyOf(gateId)],
  )
  return row?.data
}

/** Journals a decision once; a second one for the gate is not applied (PLN-R41). Answers whether it was new. */
export async function recordDecision(transition: Transition, tx: SqlSession, decision: GateDecision): Promise<boolean> {
  if ((await readDecision(tx, transition, decision.gateId)) !== undefined) return false
  record(transition, 'gate-decided', { ...decision }, dedupeKeyOf(decision.gateId))
  return true
}

/** Ends the wait of a task. A gate task carries the decision as its output; an agent's task may run again, and is asked again. */
export function applyDecision(transition: Transition, task: TaskRow, decision: GateDecision): void {
  if (task.status !== 'waiting') return
  const refused = decision.outcome === 'rejected' || decision.outcome === 'expired' || decision.outcome === 'cancelled'
  if (refused) {
    const code = task.doc.waiting?.reason === 'policy' ? 'policy-denied' : `gate-${decision.outcome}`
    failTask(
      transition,
      task,
      {
        code,
        detail: `gate ${decision.gateId} was ${decision.outcome} by ${decision.deciders.join(', ') || 'nobody'}`,
        retryable: false,
      },
      { reply: true, reason: decision.outcome },
    )
  } else if (task.kind === 'gate' || task.kind === 'input') {
    completeTask(
      transition,
      task,
      { ...decision, deciders: [...decision.deciders], instructions: decision.instructions ?? null },
      { reply: true },
    )
  } else {
    resumeTask(transition, task, `gate-${decision.outcome}`)
    requestTask(transition, task)
  }
}
