import {
  commonProblems,
  type Context,
  type EventEnvelope,
  type EventHandler,
  type Problem,
  type SqlSession,
  type Transaction,
} from '@soma/kernel'
import type { DeliveryPlace } from '../deliveries/store.ts'
import { enterInbox } from '../inbox.ts'
import { isPartitionLost, partitionLost, problemOf } from './failure.ts'

/**
 * Opens ONE transaction as the module in the event's tenant, acting for the event's user, with the event as cause. What is emitted is written last.
 * Commits when `work` resolves, rolls back when it throws.
 */
export type RunInModule = <T>(
  event: EventEnvelope,
  work: (given: { tx: Transaction; context: Context }) => Promise<T>,
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
  const abort = new AbortController()
  const ended = new Promise<never>((_resolve, reject) => {
    abort.signal.addEventListener('abort', () => reject(abort.signal.reason as Error), { once: true })
  })
  ended.catch(() => undefined)
  const onStop = () => abort.abort(partitionLost('the process stops'))
  run.stopping.addEventListener('abort', onStop, { once: true })
  let timer: NodeJS.Timeout | undefined
  try {
    if (run.stopping.aborted) return { kind: 'lost' }
    const ran = await runInModule(run.event, async ({ tx, context }) => {
      if (!(await isFirst(tx, run))) return false
      // From here, so that waiting for a session or for another owner is not held against the handler.
      timer = setTimeout(() => abort.abort(tooLate(run)), run.timeoutMs)
      await Promise.race([handle(run, tx, context, abort.signal), ended])
      return true
    })
    return { kind: ran ? 'done' : 'duplicate' }
  } catch (error) {
    return isPartitionLost(error) ? { kind: 'lost' } : { kind: 'failed', problem: problemOf(error) }
  } finally {
    clearTimeout(timer)
    run.stopping.removeEventListener('abort', onStop)
  }
}

const tooLate = ({ event, timeoutMs }: HandlerRun) =>
  commonProblems.timeout.create(`the handler of ${event.type} took longer than ${timeoutMs} ms`)

async function isFirst(session: SqlSession, { place, event }: HandlerRun): Promise<boolean> {
  const answer = await enterInbox(session, place, event)
  if (answer === 'lost') throw partitionLost(`partition ${place.topic}:${place.part} has another owner`)
  return answer === 'run'
}

async function handle(run: HandlerRun, tx: Transaction, context: Context, signal: AbortSignal): Promise<void> {
  for (const handler of run.handlers)
    await handler.handle({ event: run.event, data: run.event.data, context, tx, signal, attempt: run.attempt })
  // The inbox row was checked when the transaction began; a process that was stopped in between must not commit after its lease.
  if (!run.isHeld())
    throw partitionLost(`the lease of ${run.place.topic}:${run.place.part} lapsed while it was handled`)
}
