import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Logger } from '@soma/kernel'
import type { DeliveryReference } from './settler.ts'

/** What one agent of this process has in hand, and how its leases are asked for. */
export interface GuardedMember {
  readonly agent: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly subscriptionId: string
  readonly memberId: string
  readonly leaseMs: number
  readonly deliveries: readonly (DeliveryReference & { readonly type: string })[]
}

const BEAT_MS = 1_000

/** One thread for all agents of a process: a handler that keeps the event loop would let every lease run out, and others would do its work again. */
let thread: { readonly worker: Worker; readonly beat: NodeJS.Timeout } | undefined
/** Where threads cannot run this file (a bundle, a loader of the main thread alone), agents do without. */
let isImpossible = false

/** Tells the thread what an agent has in hand now. The first call starts it; it ends with the process and keeps none alive. */
export function guardLeases(member: GuardedMember, log: Logger): void {
  if (isImpossible || (thread === undefined && member.deliveries.length === 0)) return
  try {
    thread ??= startThread(log)
    thread.worker.postMessage(member)
  } catch (error) {
    // Node's permission model refuses threads at once.
    giveUp(log, error)
  }
}

function giveUp(log: Logger, error: unknown): void {
  isImpossible = true
  log.debug('no thread keeps leases while a handler keeps the event loop', { error })
}

function startThread(log: Logger) {
  const beats = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(new URL(`lease-worker${extname(import.meta.url)}`, import.meta.url), {
    workerData: beats.buffer,
  })
  const beat = setInterval(() => Atomics.add(beats, 0, 1), BEAT_MS).unref()
  worker.unref()
  worker.once('error', (error) => {
    clearInterval(beat)
    giveUp(log, error)
  })
  return { worker, beat }
}
