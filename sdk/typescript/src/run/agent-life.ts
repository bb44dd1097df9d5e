import type { AgentDefinition } from '../define/agent-definition.ts'
import type { RunningAgent, StartOptions } from './agent-runtime.ts'
import { readEnvironment } from './environment.ts'

/** start, stop and run of one agent object: it runs once at a time. */
export function createAgentLife(definition: AgentDefinition) {
  let running: Promise<RunningAgent> | undefined
  const start = (options: StartOptions = {}): Promise<RunningAgent> => {
    running ??= load().then((startAgent) => startAgent(definition, options))
    running.catch(() => {
      running = undefined
    })
    return running
  }
  const stop = async (): Promise<void> => {
    const agent = await running
    running = undefined
    await agent?.stop()
  }
  const run = async (options: StartOptions = {}): Promise<void> => {
    const signalled = untilSignal()
    const { createStderrLog } = await import('./stderr-log.ts')
    const starting = start({ log: createStderrLog(), ...readEnvironment(), ...options })
    await Promise.race([starting.then(untilEnded), signalled])
    // One that has begun to register ends as every other; one whose platform does not answer has nothing to end.
    if (await isWithin(starting, START_MS)) await stop()
    process.exit(0)
  }
  return { start, stop, run }
}

/** The loop is loaded at the first start: importing definitions stays cheap. */
const load = async () => (await import('./agent-runtime.ts')).startAgent

/** How long a signal lets a start go on. */
const START_MS = 2_000

const untilSignal = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })

/** @throws Problem with which the agent ended by itself */
async function untilEnded({ failed }: RunningAgent): Promise<void> {
  const problem = await failed
  if (problem !== undefined) throw problem
}

function isWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, ms, false)
  })
  return Promise.race([work.then(() => true), late]).finally(() => clearTimeout(timer))
}
