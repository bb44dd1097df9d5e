import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, type Context, isProblem, type Logger, newUuid } from '@soma/kernel'
import type { registryContract } from '@soma/registry/contract'
import * as z from 'zod'

/** Tells the registry of the delivery streams of agents' processes (REG-R3). */
export interface SignsOfLife {
  /** The process has a stream, which counts as a sign of life until the function that this answers is called. An id that can be no instance is told to nobody. */
  opened(context: Context, instanceId: string | undefined): () => void
  /** Nothing is told any more: that this process stops says nothing about agents. */
  close(): void
}

const RETRY_MS = 1000
/** After an answer that would be the same again. */
const REFUSED_MS = 30_000
/** A break that could not be told so often is left to the end of the lease. */
const TRIES = 5

const uuid = z.uuid()

interface SignsOfLifeOptions {
  readonly registry: Pick<Client<typeof registryContract>, 'heartbeats'>
  readonly log: Logger
  readonly draining: AbortSignal
}

/** Each stream is told by itself, one thing after the other. */
export function createSignsOfLife({ registry, log, draining }: SignsOfLifeOptions): SignsOfLife {
  const streams = new Set<AbortController>()
  let isSilent = false
  const silence = () => {
    isSilent = true
    for (const stream of streams) stream.abort()
  }
  draining.addEventListener('abort', silence, { once: true })

  const follow = async (context: Context, instanceId: string, ended: AbortSignal) => {
    const id = newUuid()
    const say = async (state: 'open' | 'broken') => {
      try {
        const body = { instances: [{ instanceId, stream: { id, state } }] }
        return { isDone: true, againMs: (await registry.heartbeats.create(context, { body })).heartbeatMs }
      } catch (error) {
        log.warn('the registry was not told of a stream', { instanceId, state, error })
        const isRefused = isProblem(error) && !error.retryable
        return { isDone: isRefused, againMs: isRefused ? REFUSED_MS : RETRY_MS }
      }
    }
    while (!ended.aborted) await pause(jittered((await say('open')).againMs), ended)
    for (let tries = 0; tries < TRIES && !isSilent; tries++) {
      const { isDone, againMs } = await say('broken')
      if (isDone) return
      await sleep(againMs, undefined, { ref: false })
    }
  }
  return {
    opened: (context, instanceId) => {
      const stream = new AbortController()
      if (isSilent || !uuid.safeParse(instanceId).success) return () => undefined
      streams.add(stream)
      void follow(context, instanceId as string, stream.signal)
      return () => {
        streams.delete(stream)
        stream.abort()
      }
    },
    close: () => {
      draining.removeEventListener('abort', silence)
      silence()
    },
  }
}

/** Streams that were opened together do not stay together. */
const jittered = (everyMs: number): number => everyMs * (0.9 + Math.random() * 0.2)

/** Resolves after the time, or when the signal aborts. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal, ref: false }).catch(() => undefined)
