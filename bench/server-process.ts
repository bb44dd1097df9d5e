import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { cpuMs, residentMebibytes } from './child.ts'

/** From the sources by tsx, or as built by `npm run build`. */
export type Form = 'source' | 'built'

const FORMS: Record<Form, readonly string[]> = {
  source: [
    '--conditions=@soma/source',
    '--import',
    'tsx',
    fileURLToPath(new URL('../apps/cli/src/main.ts', import.meta.url)),
  ],
  built: [fileURLToPath(new URL('../apps/cli/dist/src/main.js', import.meta.url))],
}

export interface ServerProcess {
  readonly url: string
  /** From the start of the process to the line that says it is ready. */
  readonly readyMs: number
  /** CPU time of all threads until then. */
  readonly readyCpuMs: number
  residentMebibytes(): number
  stop(): Promise<void>
}

/** `soma serve` on a data directory and a free port. */
export async function startServerProcess(form: Form, directory: string): Promise<ServerProcess> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, [...FORMS[form], 'serve', '--data', directory, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: fileURLToPath(new URL('..', import.meta.url)),
  })
  const ended = once(child, 'close')
  const output = { text: '' }
  const url = await new Promise<string>((resolve, reject) => {
    const listen = (text: string) => {
      output.text += text
      const found = /https?:\/\/127\.0\.0\.1:\d+/.exec(output.text)?.[0]
      if (found !== undefined) resolve(found)
    }
    child.stdout.setEncoding('utf8').on('data', listen)
    child.stderr.setEncoding('utf8').on('data', listen)
    void ended.then(() => reject(new Error(`the server ended before it was ready: ${output.text}`)))
  })
  const pid = child.pid as number
  const [readyMs, readyCpuMs] = [performance.now() - startedAt, cpuMs(pid)]
  return {
    url,
    readyMs,
    readyCpuMs,
    residentMebibytes: () => residentMebibytes(pid),
    stop: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}
