import {
  commonProblems,
  type Context,
  type EventEnvelope,
  type EventHandler,
  type Problem,
  type Transaction,
} from '@soma/kernel'
import type { DeliveryPlace } from '../deliveries/store.ts'
import { enterInbox, type InboxAnswer } from '../inbox.ts'
import { isPartitionLost, partitionLost, problemOf } from './failure.ts'

/** What an event is handled with. */
export interface HandledIn {
  readonly tx: Transaction
  readonly context: Context
}

/**
 * Opens ONE transaction as the module in the tenant of the events, acting for their user, each event as cause of what its handlers do. What is emitted is written last.
 * Commits when `work` resolves, rolls back when it throws. The events are of one tenant, space and user.
 */
export type RunInModule = <T>(
  events: readonly EventEnvelope[],
  work: (given: readonly HandledIn[]) => Promise<T>,
) => Promise<T>

export interface HandlerRun {
  readonly event: EventEnvelope
  readonly handlers: readonly EventHandler[]
  readonly place: DeliveryPlace
  readonly attempt: number
  readonly timeoutMs: number
  /** Aborts when the process stops. */
  readonly stopping: AbortSignal
  /** False once the lease of the partition may have lapsed. */
  readonly isHeld: () => boolean
}

export type HandlerEnd =
  | { readonly kind: 'done' }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'lost' }
  | { readonly kind: 'failed'; readonly problem: Problem }

/**
 * Runs the handlers of one event in one transaction with its inbox row. Never throws. A handler that hangs is left behind: its signal aborts, its transaction rolls
 * back and refuses further statements.
 */
export async function runHandlers(runInModule: RunInModule, run: HandlerRun): Promise<HandlerEnd> {
  try {
    const [end] = await runTogether(runInModule, [run], run.timeoutMs)
    return end as HandlerEnd
  } catch (error) {
    return isPartitionLost(error) ? { kind: 'lost' } : { kind: 'failed', problem: problemOf(error) }
  }
}

/**
 * Runs the handlers of several events in one transaction with their inbox rows. All end well or it throws and nothing was done.
 * @throws what the first handler threw, `timeout`, or that a partition is lost
 */
export async function runTogether(
  runInModule: RunInModule,
  runs: readonly HandlerRun[],
  timeoutMs: number,
): Promise<HandlerEnd[]> {
  const [{ stopping }] = runs as [HandlerRun]
  const abort = new AbortController()
  const ended = new Promise<never>((_resolve, reject) => {
    abort.signal.addEventListener('abort', () => reject(abort.signal.reason as Error), { once: true })
  })
  ended.catch(() => undefined)
  const onStop = () => abort.abort(partitionLost('the process stops'))
  stopping.addEventListener('abort', onStop, { once: true })
  let timer: NodeJS.Timeout | undefined
  try {
    if (stopping.aborted) throw partitionLost('the process stops')
    return await runInModule(
      runs.map(({ event }) => event),
      async (given) => {
        const answers = await enter(given, runs)
        // From here, so that waiting for a session or for another owner is not held against the handlers.
        timer = setTimeout(() => abort.abort(tooLate(runs, timeoutMs)), timeoutMs)
        const first = runs.flatMap((run, index) =>
          answers[index] === 'run' ? [{ run, given: given[index] as HandledIn }] : [],
        )
        await Promise.race([handleAll(first, abort.signal), ended])
        return answers.map((answer) => ({ kind: answer === 'run' ? ('done' as const) : ('duplicate' as const) }))
      },
    )
  } finally {
    clearTimeout(timer)
    stopping.removeEventListener('abort', onStop)
  }
}

/** The plan of an event, else its key. */
export const planOf = ({ event, place }: HandlerRun): string => event.planid ?? place.key

const tooLate = (runs: readonly HandlerRun[], timeoutMs: number) =>
  commonProblems.timeout.create(
    `the handler of ${[...new Set(runs.map(({ event }) => event.type))].join(', ')} took longer than ${timeoutMs} ms`,
  )

async function enter(given: readonly HandledIn[], runs: readonly HandlerRun[]): Promise<InboxAnswer[]> {
  const [{ tx }] = given as [HandledIn]
  const answers = await enterInbox(tx, runs)
  const lost = runs.find((_run, index) => (answers[index] ?? 'lost') === 'lost')
  if (lost !== undefined) throw partitionLost(`partition ${lost.place.topic}:${lost.place.part} has another owner`)
  return answers
}

interface Entered {
  readonly run: HandlerRun
  readonly given: HandledIn
}

/** Events of one plan one after the other; those of different plans side by side, so that their statements travel together. */
async function handleAll(handled: readonly Entered[], signal: AbortSignal): Promise<void> {
  const plans = new Map<string, Entered[]>()
  for (const entered of handled) {
    const plan = planOf(entered.run)
    plans.set(plan, [...(plans.get(plan) ?? []), entered])
  }
  await Promise.all(
    [...plans.values()].map(async (ofPlan) => {
      for (const { run, given } of ofPlan)
        for (const handler of run.handlers)
          await handler.handle({ event: run.event, data: run.event.data, ...given, signal, attempt: run.attempt })
    }),
  )
  // The inbox rows were checked when the transaction began; a process that was stopped in between must not commit after its lease.
  for (const { run } of handled)
    if (!run.isHeld())
      throw partitionLost(`the lease of ${run.place.topic}:${run.place.part} lapsed while it was handled`)
}
