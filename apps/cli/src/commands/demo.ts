import { type ConnectionFlags, connectTo } from '../connection.ts'
import { type DemoFlags, openDemo } from '../demo/demo.ts'
import { refuseEarly } from '../demo/refuse-early.ts'
import { follow, introduce } from '../demo/show-demo.ts'
import { stopOnSignals } from './serve.ts'

/** The job "Are your docs true?" with its agents in this process, on a platform that runs elsewhere. Ends with the plan. */
export async function demo(flags: DemoFlags & ConnectionFlags): Promise<void> {
  refuseEarly(flags)
  const { clients, url, auth } = await connectTo(flags)
  const dataDirectory = flags.data ?? '.soma'
  const running = await openDemo(flags, { clients, connect: { url, ...auth }, dataDirectory })
  const stopping = new AbortController()
  stopOnSignals(async () => {
    stopping.abort()
    await running.stop()
  })
  introduce(running, dataDirectory)
  await follow(running, { clients, url, stopping: stopping.signal }).ended
  await running.stop()
}
