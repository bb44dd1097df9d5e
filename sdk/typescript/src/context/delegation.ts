import { isProblem, type Json, withoutUndefined } from '@soma/kernel'
import { type AnyEvent, type DataInput } from '../define/event.ts'
import { parseData } from '../define/parse-data.ts'
import { type Handling, responseOf } from '../run/handling.ts'

export interface DelegateOptions {
  /** The task's stable name in its plan. Default: from the event's type. */
  readonly key?: string
  readonly name?: string
  /** Another reply than the event's own `response`. */
  readonly response?: AnyEvent
  /** Fails with `timeout` when not ended so long after it was made. */
  readonly timeoutMs?: number
  readonly priority?: number
}

/** One of several delegations that are made at once. */
export interface DelegationSpec<Event extends AnyEvent = AnyEvent> extends DelegateOptions {
  readonly event: Event
  readonly data: DataInput<Event>
}

/** Writes a spec with its types checked: `spec(checkRequested, { path })`. */
export const spec = <Event extends AnyEvent>(
  event: Event,
  data: DataInput<Event>,
  options: DelegateOptions = {},
): DelegationSpec<Event> => ({ ...options, event, data })

export interface TaskSpecInput {
  readonly taskId: string
  readonly kind: 'agent' | 'gate' | 'timer'
  readonly type?: string
  readonly data?: Json
  readonly responseType?: string
  readonly responseTopic?: 'action-results'
  readonly [member: string]: unknown
}

export interface DelegationBatch {
  readonly specs: readonly TaskSpecInput[]
  readonly groupId?: string
}

/** Delegations of one handler, kept until it has returned. */
export interface Delegations {
  readonly batches: DelegationBatch[]
  add(event: AnyEvent, data: unknown, options: DelegateOptions): string
  addGroup(specs: readonly DelegationSpec[]): string
  addTimer(timer: { timeoutMs: number; name?: string; responseType: string }): string
  addGate(gate: { gateId: string; key: string; name: string; responseType: string; timeoutMs?: number }): string
}

export function createDelegations(handling: Handling): Delegations {
  const batches: DelegationBatch[] = []
  const toSpec = (event: AnyEvent, data: unknown, options: DelegateOptions): TaskSpecInput => {
    const { response, ...others } = options
    return withoutUndefined({
      ...others,
      ...responseOf(response === undefined ? event : { ...event, response }),
      taskId: handling.id('task', event.type),
      kind: 'agent' as const,
      type: event.type,
      data: parseData(event, data) as Json,
    }) as unknown as TaskSpecInput
  }
  return {
    batches,
    add(event, data, options) {
      const one = toSpec(event, data, options)
      batches.push({ specs: [one] })
      return one.taskId
    },
    addGroup(specs) {
      const groupId = handling.id('grp', 'group')
      batches.push({ groupId, specs: specs.map(({ event, data, ...options }) => toSpec(event, data, options)) })
      return groupId
    },
    addTimer(timer) {
      const taskId = handling.id('task', 'timer')
      batches.push({ specs: [{ ...timer, kind: 'timer', taskId }] })
      return taskId
    },
    addGate(gate) {
      const taskId = handling.id('task', gate.gateId)
      batches.push({ specs: [{ ...gate, kind: 'gate', taskId }] })
      return taskId
    },
  }
}

/**
 * Makes a repeated call harmless: what exists already with other content was made by an earlier run of this handler, and that one counts. Undefined then, else the
 * answer.
 */
export async function ignoringConflict<Answer>(work: () => Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await work()
  } catch (error) {
    if (!isProblem(error) || error.code !== 'conflict') throw error
    return undefined
  }
}
