import { createInProcessClients } from '@soma/sdk/clients'
import { type DemoFlags, openDemo } from '../demo/demo.ts'
import { refuseEarly } from '../demo/refuse-early.ts'
import { elapsed, follow, introduce, print } from '../demo/show-demo.ts'
import { dataDirectoryOf, type ServeFlags, serve, stopOnSignals } from './serve.ts'

export interface StartFlags extends ServeFlags, DemoFlags {}

/** The first run: platform and agents in this process, and the job "Are your docs true?" on a folder. Goes on where an earlier start ended. */
export async function start(flags: StartFlags): Promise<void> {
  refuseEarly(flags)
  const server = await serve(flags)
  const stopping = new AbortController()
  const stops: (() => Promise<void>)[] = [() => server.stop()]
  const stop = async () => {
    stopping.abort()
    for (const stopOne of stops) await stopOne()
  }
  stopOnSignals(stop)
  print('Soma', `${server.url}  (mode ${server.configuration.mode}, ready after ${elapsed()})`)
  const dataDirectory = dataDirectoryOf(server) ?? '.soma'
  const clients = createInProcessClients(server)
  try {
    const demo = await openDemo(flags, { clients, connect: { platform: server }, dataDirectory })
    stops.unshift(() => demo.stop())
    introduce(demo, dataDirectory)
    const following = follow(demo, { clients, url: server.url, stopping: stopping.signal })
    stops.unshift(following.settled)
    await following.ended
  } catch (error) {
    if (stopping.signal.aborted) return
    await stop()
    throw error
  }
}
