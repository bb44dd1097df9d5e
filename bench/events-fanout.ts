/** 500 browsers of another process that follow a topic with 200 events of 1.5 KB a second: what they miss, how late they hear, and what it costs this process. */
import { openBenchServer } from './bench-module.ts'
import { atRate, median, percentile, printFigure, rounds } from './figures.ts'
import { aLoadEvent } from './load-event.ts'
import { type Forked, forkProcess } from './processes/forked.ts'
import type { TailsGiven, TailsSeen } from './processes/tail-clients.ts'
import { stores } from './stores.ts'
import { context, defineLoad, eventsClient } from './subscriber.ts'

const ROUNDS = 3
const STREAMS = 500
const READERS = 10
const EVENTS_PER_SECOND = 200
const SECONDS = 5
const FRAMES = EVENTS_PER_SECOND * SECONDS * STREAMS
/** A frame that has not come by then is missed. */
const PATIENCE_MS = 30_000
const GOALS = { p99Ms: 25, cores: 0.5, mebibytes: 100 }

for (const store of stores()) {
  const bench = await openBenchServer(store, { handles: [], settings: { 'events.quotaStreams': STREAMS } })
  await defineLoad(bench)
  const client = eventsClient(bench, 'in-process')
  const residentBytes = process.memoryUsage.rss()
  const { url } = bench.server
  const headers = bench.server.headersOf(context)
  const tails = forkProcess('tail-clients', { url, headers, streams: STREAMS, readers: READERS } satisfies TailsGiven)
  await tails.hear()

  const round = async () => {
    const cpu = process.cpuUsage()
    const startedAt = performance.now()
    await atRate(EVENTS_PER_SECOND, SECONDS, (number) => {
      const event = aLoadEvent(number)
      const text = `${performance.timeOrigin + performance.now()} ${event.data.text}`
      return client.events.publish(context, { body: { ...event, data: { number, text } } })
    })
    const { frames, times, ended } = await allSeen(tails)
    const { user, system } = process.cpuUsage(cpu)
    const cores = (user + system) / 1_000 / (performance.now() - startedAt)
    return { cores, missed: FRAMES - frames, ended, p50: percentile(times, 0.5), p99: percentile(times, 0.99) }
  }
  await round()
  const measured = await rounds(ROUNDS, round)
  const grown = (process.memoryUsage.rss() - residentBytes) / 2 ** 20
  const name = `events.fanout, ${store.name}`
  const p99 = measured.map((each) => each.p99)
  const cores = measured.map((each) => each.cores)
  const missed = measured.map((each) => each.missed + each.ended)
  printFigure({
    bench: name,
    what: `missed of ${FRAMES.toLocaleString('en-US')} frames, or streams that ended`,
    values: missed,
    goal: { text: '0', isMet: missed.every((count) => count === 0) },
  })
  printFigure({
    bench: name,
    what: 'publish → browser, p99, ms',
    values: p99,
    beside: { what: 'p50', values: measured.map((each) => each.p50) },
    goal: { text: `≤ ${GOALS.p99Ms}`, isMet: median(p99) <= GOALS.p99Ms },
  })
  printFigure({
    bench: name,
    what: 'CPU of the server, cores',
    values: cores,
    goal: { text: `≤ ${GOALS.cores}`, isMet: median(cores) <= GOALS.cores },
  })
  printFigure({
    bench: name,
    what: `memory grown by ${STREAMS} streams, MiB`,
    values: [grown],
    goal: { text: `≤ ${GOALS.mebibytes}`, isMet: grown <= GOALS.mebibytes },
  })
  await tails.end()
  await bench.server.stop()
}

/** What the browsers saw since they were asked last. */
async function allSeen(tails: Forked): Promise<TailsSeen> {
  const endsAt = performance.now() + PATIENCE_MS
  const all = { frames: 0, times: [] as number[], ended: 0 }
  while (all.frames < FRAMES && performance.now() < endsAt) {
    const { frames, times, ended } = await tails.ask<TailsSeen>({})
    Object.assign(all, { frames: all.frames + frames, times: [...all.times, ...times], ended })
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return all
}
