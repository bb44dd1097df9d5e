import { type Delivered, type Json, type SqlSession, toUuid } from '@soma/kernel'
import { isSameScope } from '../access.ts'
import type { GateDecision } from '../tasks/gate-decisions.ts'
import { lockPlan, readTasks } from '../transition/read.ts'
import { beginTransition } from '../transition/transition.ts'
import { writeTransition } from '../transition/write.ts'
import { applyLetter, type Letter } from './letters.ts'

/**
 * Brings a letter to a plan inside an event handler's transaction. When the event is of the plan's own user and space it is applied at once; else it goes into the inbox,
 * and the sweep applies it in the plan's scope, so that facts carry the plan's user and not the decider's.
 */
async function deliver(delivered: Delivered, planId: string, letter: Letter): Promise<void> {
  const { tx, context, event } = delivered
  const locked = await lockPlan(tx, planId)
  if (locked === undefined) return
  if (!isSameScope(context, locked.plan))
    return post(tx, { planId, letter, dedupeKey: `event:${event.id}`, at: locked.at })
  const transition = beginTransition(locked.plan, { at: locked.at, byId: context.principal.id })
  await applyLetter(transition, tx, letter)
  if (transition.lines.length > 0) await writeTransition(tx, transition)
}

async function post(
  tx: SqlSession,
  mail: { planId: string; letter: Letter; dedupeKey: string; at: Date },
): Promise<void> {
  await tx.execute(
    'insert into plans.inbox (tenant_id, plan_id, dedupe_key, kind, data, at) values (plans.tenant(), $1, $2, $3, $4::jsonb, $5) on conflict (tenant_id, plan_id, dedupe_key) do nothing',
    [mail.planId, mail.dedupeKey, mail.letter.kind, JSON.stringify(mail.letter.data as unknown as Json), mail.at],
  )
}

/** `gate.decided`: finds the plan by the gate's subject, else by the task that waits for it. */
export async function takeGateDecision(
  delivered: Delivered<GateDecision & { subject?: { planId?: string | undefined } }>,
): Promise<void> {
  const { data, tx } = delivered
  const planId = await planOfGate(tx, data)
  if (planId === undefined) return
  const { gateId, outcome, deciders, instructions, edited, payloadHash } = data
  await deliver(delivered as Delivered, planId, {
    kind: 'gate-decided',
    data: { gateId, outcome, deciders, edited, payloadHash, ...(instructions === undefined ? {} : { instructions }) },
  })
}

async function planOfGate(
  tx: SqlSession,
  decision: { gateId: string; subject?: { planId?: string | undefined } },
): Promise<string | undefined> {
  const named = decision.subject?.planId
  if (named !== undefined) return toUuid('plan', named)
  const [row] = await tx.query<{ plan_id: string }>(
    "select plan_id from plans.tasks where status = 'waiting' and doc ->> 'gateId' = $1 limit 1",
    [decision.gateId],
  )
  return row?.plan_id
}

/** `delivery.dead-lettered`: its key is the request's key, which is the task. */
export async function takeDeadLetter(
  delivered: Delivered<{ eventId: string; topic: string; group: string; problem: { code: string; detail: string } }>,
): Promise<void> {
  const { data, event, tx } = delivered
  if (data.topic !== 'action-requests') return
  const ids = [event.partitionkey, event.taskid].flatMap((id) => (id === undefined ? [] : (toUuid('task', id) ?? [])))
  const [task] = await readTasks(tx, [...new Set(ids)])
  if (task === undefined) return
  await deliver(delivered as Delivered, task.planId, {
    kind: 'dead-lettered',
    data: {
      taskId: task.id,
      eventId: data.eventId,
      detail: `group ${data.group} gave up: ${data.problem.code}: ${data.problem.detail}`.slice(0, 2000),
    },
  })
}
