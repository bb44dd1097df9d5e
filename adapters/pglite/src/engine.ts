import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { EngineFailure, EngineMessage, EngineRequest, EngineResult, EngineSettings } from './engine-messages.ts'
import { pgliteProblems } from './problems.ts'

export interface Engine {
  /** Requests are answered in the order they were sent. */
  ask(request: EngineRequest): Promise<EngineResult>
  stop(): Promise<void>
}

interface Waiting {
  resolve(result: EngineResult): void
  reject(error: Error): void
}

function errorOf(failure: EngineFailure): Error {
  return Object.assign(new Error(failure.message), failure.fields)
}

/** From `dist` the worker is a script; from source it is TypeScript, which Node 20 cannot read, so tsx is registered in the worker. */
function startWorker(settings: EngineSettings): Worker {
  const self = import.meta.url
  if (!self.endsWith('.ts')) return new Worker(new URL('./engine-worker.js', self), { workerData: settings })
  const entry = pathToFileURL(join(dirname(fileURLToPath(self)), 'engine-worker.ts')).href
  const tsx = createRequire(self).resolve('tsx/package.json').replace('package.json', 'dist/esm/api/index.mjs')
  const boot = `import { register } from ${JSON.stringify(pathToFileURL(tsx).href)}; register(); await import(${JSON.stringify(entry)})`
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(boot)}`), {
    workerData: settings,
    execArgv: ['--conditions=@soma/source'],
  })
}

/** Starts PGlite in its own thread: on the main thread its queries would stop every timer. */
export async function startEngine(
  settings: EngineSettings,
  notified: (channel: string, payload: string) => void,
): Promise<Engine> {
  const worker = startWorker(settings)
  const waiting: Waiting[] = []
  let ended: Error | undefined

  function end(error: Error): void {
    ended ??= error
    for (const { reject } of waiting.splice(0)) reject(ended)
  }
  worker.on('error', end)
  worker.on('exit', () => end(pgliteProblems.closed.create('The database engine has stopped')))

  const ready = new Promise<EngineResult>((resolve, reject) => waiting.push({ resolve, reject }))
  worker.on('message', (message: EngineMessage) => {
    if (message.kind === 'notification') return notified(message.channel, message.payload)
    const next = waiting.shift()
    if (message.kind === 'failed') next?.reject(errorOf(message.failure))
    else next?.resolve(message.kind === 'done' ? message.result : { columns: [], rows: [], changed: 0 })
  })

  async function stop(): Promise<void> {
    await worker.terminate()
  }
  try {
    await ready
  } catch (error) {
    await stop()
    throw error
  }
  return {
    ask(request) {
      if (ended !== undefined) return Promise.reject(ended)
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject })
        worker.postMessage(request)
      })
    },
    stop,
  }
}
