import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Logger } from '@soma/kernel'
import {
  type EngineFailure,
  type EngineMessage,
  type EngineRequest,
  type EngineResult,
  type EngineSettings,
  noRows,
} from './engine-messages.ts'
import { pgliteProblems } from './problems.ts'

export interface Engine {
  /** Requests are answered in the order they were sent. */
  ask(request: EngineRequest): Promise<EngineResult>
  /** Ends the thread at once; what it was doing is lost like by a killed process. */
  stop(): Promise<void>
  hasEnded(): boolean
}

export interface EngineOptions {
  readonly settings: EngineSettings
  /** A `statement` that takes longer stops the engine. */
  readonly statementTimeoutMs: number
  readonly log: Logger
  notified(channel: string, payload: string): void
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
export async function startEngine({ settings, statementTimeoutMs, log, notified }: EngineOptions): Promise<Engine> {
  const worker = startWorker(settings)
  const waiting: Waiting[] = []
  let ended: Error | undefined

  function end(error: Error): void {
    ended ??= error
    for (const { reject } of waiting.splice(0)) reject(ended)
  }
  function receive(message: EngineMessage): void {
    if (message.kind === 'notification') return notified(message.channel, message.payload)
    const next = waiting.shift()
    if (message.kind === 'failed') next?.reject(errorOf(message.failure))
    else next?.resolve(message.kind === 'done' ? message.result : noRows)
  }
  const answer = () => new Promise<EngineResult>((resolve, reject) => waiting.push({ resolve, reject }))

  function giveUp(sql: string): void {
    log.error('a statement took too long; stopping the engine', { statementTimeoutMs, sql: sql.slice(0, 200) })
    end(pgliteProblems.statementTimeout.create(`No answer in ${statementTimeoutMs} ms`))
    void worker.terminate()
  }
  async function ask(request: EngineRequest): Promise<EngineResult> {
    if (ended !== undefined) throw ended
    worker.postMessage(request)
    if (request.kind !== 'statement') return answer()
    const timer = setTimeout(giveUp, statementTimeoutMs, request.sql)
    return answer().finally(() => clearTimeout(timer))
  }

  worker.on('message', receive)
  worker.on('error', end)
  worker.on('exit', () => end(pgliteProblems.closed.create('The database engine has stopped')))
  try {
    await answer()
  } catch (error) {
    await worker.terminate()
    throw error
  }
  return {
    ask,
    hasEnded: () => ended !== undefined,
    async stop() {
      await worker.terminate()
    },
  }
}
