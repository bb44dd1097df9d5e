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
    const agent = await start({ ...readEnvironment(), ...options })
    await untilSignal(agent)
    await stop()
    process.exit(0)
  }
  return { start, stop, run }
}

/** The loop is loaded at the first start: importing definitions stays cheap. */
const load = async () => (await import('./agent-runtime.ts')).startAgent

function untilSignal(agent: RunningAgent): Promise<void> {
  return new Promise((resolve, reject) => {
    process.once('SIGINT', () => resolve())
    process.once('SIGTERM', () => resolve())
    agent.failed.then((problem) => (problem === undefined ? resolve() : reject(problem)), reject)
  })
}
