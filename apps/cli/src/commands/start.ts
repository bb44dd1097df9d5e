import { createInProcessClients } from '@soma/sdk/clients'
import { type DemoFlags, openDemo } from '../demo/demo.ts'
import { elapsed, follow, introduce, print } from '../demo/show-demo.ts'
import { dataDirectoryOf, type ServeFlags, serve, stopOnSignals } from './serve.ts'

export interface StartFlags extends ServeFlags, DemoFlags {}

/** The first run: platform and agents in this process, and the job "Are your docs true?" on a folder. Goes on where an earlier start ended. */
export async function start(flags: StartFlags): Promise<void> {
  const server = await serve(flags)
  const stops: (() => Promise<void>)[] = [() => server.stop()]
  const stopping = new AbortController()
  stopOnSignals(async () => {
    stopping.abort()
    for (const stop of stops) await stop()
  })
  print('Soma', `${server.url}  (mode ${server.configuration.mode}, ready after ${elapsed()})`)
  const dataDirectory = dataDirectoryOf(server) ?? '.soma'
  const clients = createInProcessClients(server)
  const demo = await openDemo(flags, { clients, connect: { platform: server }, dataDirectory })
  stops.unshift(() => demo.stop())
  introduce(demo, dataDirectory)
  await follow(demo, clients, server.url).catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error
  })
}
