import { startWorker } from './worker.ts'

/** A worker of a group. It tells each effect and each settlement; after the first effect of one number it says so and stands still for ever. */
const { WORKER_URL, WORKER_SUBSCRIPTION, WORKER_STALLS_AT } = process.env
const say = (what: string, number: number, key: string) =>
  process.stdout.write(`${what} ${number} ${key} ${Date.now()}\n`)
const keys = new Map<number, string>()

startWorker({
  subscriptionId: WORKER_SUBSCRIPTION as string,
  urls: () => [WORKER_URL as string],
  credits: 5,
  effect: async ({ event, attempt }, number) => {
    const key = event.partitionkey as string
    keys.set(number, key)
    say('effect', number, key)
    if (number !== Number(WORKER_STALLS_AT) || attempt > 1) return
    say('stalls', number, key)
    await new Promise(() => undefined)
  },
  settled: (number, isLost) => say(isLost ? 'lost' : 'settled', number, keys.get(number) as string),
})
setInterval(() => undefined, 60_000)
