import type { EventEnvelope } from '@soma/kernel'
import { createWake } from '../log/wake.ts'

export interface DeliveryData {
  readonly deliveryId: string
  readonly attempt: number
  readonly leaseUntil: string
  readonly redelivered: boolean
  readonly event: EventEnvelope
}

/** A stretch of one partition that retention took from the group: first and last event of it by their `sequence`. */
export interface GapData {
  readonly topic: string
  readonly from: string
  readonly to: string
  readonly reason: 'trimmed'
}

export type MemberFrame =
  | { readonly event: 'delivery'; readonly data: DeliveryData }
  | { readonly event: 'lease-lost'; readonly data: { deliveryId: string; reason: 'expired' | 'replaced' | 'revoked' } }
  | { readonly event: 'gap'; readonly data: GapData }
  | { readonly event: 'closed'; readonly data: { reason: string } }

/** Where frames of a member go. */
export interface FrameSink {
  push(frame: MemberFrame): void
  /** Ends the stream after the frames that are in it. */
  end(reason: string): void
}

/** Frames of one connected member. Bounded by its credits: nothing is assigned beyond them. */
export interface FrameQueue extends FrameSink {
  frames(signal: AbortSignal): AsyncGenerator<MemberFrame, void>
}

export function createFrameQueue(): FrameQueue {
  const wake = createWake()
  const waiting: MemberFrame[] = []
  let isEnded = false
  const push = (frame: MemberFrame) => {
    if (isEnded) return
    waiting.push(frame)
    wake.notify()
  }
  return {
    push,
    end: (reason) => {
      push({ event: 'closed', data: { reason } })
      isEnded = true
    },
    frames: async function* (signal) {
      while (!signal.aborted) {
        const frame = waiting.shift()
        if (frame !== undefined) yield frame
        else if (isEnded) return
        else await wake.wait(signal)
      }
    },
  }
}
