import { relative } from 'node:path'
import { type AgentProcess, startAgentProcess } from './agent-process.ts'
import type { Compile } from './compile.ts'

export interface HotReloadOptions {
  readonly project: string
  /** The files of the project that run agents. */
  readonly entries: readonly string[]
  readonly compile: Compile
  readonly environment: Readonly<Record<string, string>>
  readonly say: (text: string) => void
}

export interface HotReload {
  /** The files have changed: runs what they say now once what is in hand is done. */
  change(paths: readonly string[]): void
  /** Ends the agents with what they have in hand. */
  stop(): Promise<void>
}

/** One entry of the project: the process that runs it, and code of it that has run well. */
interface Place {
  /** As the person knows it. */
  readonly name: string
  current?: AgentProcess
  good?: string
}

/** Code that ends sooner has not come to work: it is broken. */
const STARTING_MS = 5_000

/**
 * Keeps the agents of a project running as its files say. One thing is done at a time: code that does not compile changes nothing; else each process drains, then its
 * successor starts, so no two versions of an agent share a group. Code that ends as it starts gives way to the last that ran, where there is one.
 */
export async function startHotReload(options: HotReloadOptions): Promise<HotReload> {
  const { project, entries, compile, environment, say } = options
  const places: readonly Place[] = entries.map((entry) => ({ name: relative(project, entry) }))
  let generation = 0
  let changed: readonly string[] = []
  let isStopping = false
  let work = Promise.resolve()
  const enqueue = (task: () => Promise<void> | void): Promise<void> => {
    work = work.then(task)
    return work
  }

  const start = (place: Place, file: string): void => {
    const agent = startAgentProcess(file, environment)
    place.current = agent
    void agent.ended.then((reason) => enqueue(() => fellOver(place, agent, reason)))
  }
  const fellOver = (place: Place, agent: AgentProcess, reason: string): void => {
    if (agent.isEnding || isStopping || place.current !== agent) return
    delete place.current
    const { name } = place
    if (agent.ageMs() > STARTING_MS) {
      say(`${name} ended with ${reason}: it starts again`)
      start(place, agent.file)
    } else if (place.good !== undefined && place.good !== agent.file) {
      say(`${name} ended with ${reason} as it started: the last good code goes on`)
      start(place, place.good)
    } else say(`${name} ended with ${reason} as it started: waiting for a change`)
  }
  const replace = async (place: Place, file: string): Promise<void> => {
    const { current } = place
    if (current !== undefined) {
      place.good = current.file
      await current.drain()
    }
    if (!isStopping) start(place, file)
  }
  const reload = async (): Promise<void> => {
    if (changed.length === 0 || isStopping) return
    const startedAt = performance.now()
    say(`changed: ${changed.map((path) => relative(project, path)).join(', ')}`)
    changed = []
    const compiled = await compile(++generation)
    if ('errors' in compiled) return say(`${compiled.errors}\n${afterErrors(places)}`)
    await Promise.all(places.map((place, index) => replace(place, compiled.files[index] as string)))
    say(`the changed code starts, after ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
  }

  const first = await compile(++generation)
  if ('errors' in first) say(`${first.errors}\n${afterErrors(places)}`)
  else for (const [index, place] of places.entries()) start(place, first.files[index] as string)
  return {
    change: (paths) => {
      changed = [...new Set([...changed, ...paths])]
      void enqueue(reload)
    },
    stop: async () => {
      isStopping = true
      const running = () => places.flatMap(({ current }) => current ?? [])
      await enqueue(async () => void (await Promise.all(running().map((agent) => agent.drain()))))
    },
  }
}

const afterErrors = (places: readonly Place[]): string =>
  places.some(({ current }) => current !== undefined) ? 'the last good code goes on' : 'waiting for a change'
