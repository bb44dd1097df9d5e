import { onFirstAbort } from '../log/wake.ts'
import type { Group } from './group.ts'
import type { DeliveryData } from './frame-queue.ts'
import type { Member } from './held-event.ts'

/** Takes up to `max` deliveries as soon as one is ready; none after `waitMs` or when one of the signals aborts. */
export function pull(
  group: Group,
  member: Member,
  want: { max: number; waitMs: number; ends: readonly AbortSignal[] },
): Promise<readonly DeliveryData[]> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      stopListening()
    }
    const waiter = {
      member,
      max: want.max,
      resolve: (deliveries: readonly DeliveryData[]) => {
        stop()
        resolve(deliveries)
      },
      reject: (error: unknown) => {
        stop()
        reject(error)
      },
    }
    const giveUp = () => {
      if (!group.pulls.includes(waiter)) return
      group.pulls = group.pulls.filter((other) => other !== waiter)
      waiter.resolve([])
    }
    group.pulls.push(waiter)
    const timer = setTimeout(giveUp, want.waitMs)
    const stopListening = onFirstAbort(want.ends, giveUp)
    group.assign()
  })
}
