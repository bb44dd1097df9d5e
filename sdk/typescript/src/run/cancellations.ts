import type { EventEnvelope, Logger } from '@soma/kernel'
import type { AgentClients } from './agent-clients.ts'
import { fullJitter, sleep } from './waiting.ts'

/** Handlers that end sooner need not hear of anything: a stream for each would cost more than the work that it saves. */
const SLOW_MS = 500
/** So long a stream without work in hand is kept for the next slow handler. */
const IDLE_MS = 30_000
/** The stream begins so long before the work did: the clocks of agent and platform may differ. */
const SKEW_MS = 5_000
const RECONNECT = { baseMs: 500, maxMs: 30_000 }
const TYPES = 'task.cancelled,task.failed'

/** Why the signal of a handler was aborted: whatever it still says, nobody waits for it. */
export class TaskEndedElsewhere extends Error {
  constructor(taskId: string) {
    super(`the task ${taskId} was cancelled or ran out of time`)
  }
}

export interface Cancellations {
  /** Call when something was taken or ended. */
  changed(): void
  stop(): void
}

/**
 * Hears that tasks in hand were cancelled, or failed by their time limit: their handlers work for nobody. Follows the log while there has been work in hand for
 * half a second, from before the oldest began.
 */
export function followCancellations(options: {
  clients: AgentClients
  /** When each that is in hand was taken, in Unix ms. */
  takenAt: () => readonly number[]
  onEnded: (ended: EventEnvelope) => void
  log: Logger
}): Cancellations {
  const { clients, takenAt, onEnded, log } = options
  const stopped = new AbortController()
  let following: AbortController | undefined
  let timer: NodeJS.Timeout | undefined

  const connectOnce = async (signal: AbortSignal): Promise<void> => {
    const since = Math.min(Date.now(), ...takenAt()) - SKEW_MS
    const query = { topics: 'task-events', types: TYPES, from: new Date(since).toISOString() }
    for await (const frame of await clients.events.events.stream({ query, signal })) {
      if (frame.event === 'event') onEnded(frame.data as EventEnvelope)
      else if (frame.event === 'gap') log.warn('cancellations may have been missed', { ...frame.data })
    }
  }
  const follow = async (signal: AbortSignal): Promise<void> => {
    for (let failures = 0; !signal.aborted; ) {
      try {
        await connectOnce(signal)
        failures = 0
      } catch (error) {
        failures += 1
        if (!signal.aborted) log.debug('the stream of cancellations broke', { error, failures })
      }
      await sleep(fullJitter(failures, RECONNECT), signal)
    }
  }
  const later = (ms: number, act: () => void): void => {
    timer ??= setTimeout(() => {
      timer = undefined
      act()
    }, ms).unref()
  }
  const changed = (): void => {
    if (stopped.signal.aborted) return
    const isBusy = takenAt().length > 0
    if (isBusy === (following !== undefined)) {
      clearTimeout(timer)
      timer = undefined
    } else if (isBusy) {
      later(SLOW_MS, () => {
        following = new AbortController()
        void follow(AbortSignal.any([following.signal, stopped.signal]))
      })
    } else {
      later(IDLE_MS, () => {
        following?.abort()
        following = undefined
      })
    }
  }
  return {
    changed,
    stop() {
      clearTimeout(timer)
      stopped.abort()
    },
  }
}
